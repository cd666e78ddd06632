//! Requests that are too large, and answers that end too early.

use crate::{beside_others, hostile, launch};
use dapr_wasm_tests::raw::End;
use dapr_wasm_tests::{Host, PATIENCE};

const MIB: usize = 1 << 20;

/// What a request's body may have.
const LIMIT: usize = 16 * MIB;

fn read_body(host: &Host, body: Vec<u8>) -> (u16, String) {
    let response = host.client().post("/read-body", body);
    (response.status, response.text())
}

#[test]
fn a_body_of_16_mib_arrives_whole() {
    let _machine = beside_others();
    let host = hostile("");
    assert_eq!(read_body(&host, Vec::new()), (200, "0".to_owned()));
    assert_eq!(read_body(&host, vec![b'b'; LIMIT]), (200, LIMIT.to_string()));
}

#[test]
fn a_body_that_is_announced_as_larger_is_413_before_it_is_sent() {
    let _machine = beside_others();
    let host = launch("").option("--log=info").start();
    for length in [LIMIT + 1, 1 << 50] {
        let mut client = host.connect();
        client.send(format!(
            "POST /read-body HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
        ));
        // Nothing of the body was sent, and nothing more will be.
        let answer = client.receive_until("(request ", PATIENCE);
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.contains("exceeds 16777216 bytes"), "{answer}");
        let id = answer
            .lines()
            .find_map(|line| line.strip_prefix("x-request-id: "))
            .expect("it has an id");
        assert!(answer.contains(&format!("(request {id})")), "{answer}");
        assert!(host.wait_for_log(id).contains("too large"));
    }
    assert_eq!(host.get("/ok").text(), "ok");
}

#[test]
fn a_body_that_is_larger_without_saying_so_is_an_error_to_the_guest() {
    let _machine = beside_others();
    let host = hostile("");
    let mut client = host.connect();
    client
        .send("POST /read-body HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
    let chunk = [format!("{MIB:x}\r\n").into_bytes(), vec![b'b'; MIB], b"\r\n".to_vec()].concat();
    for _ in 0..LIMIT / MIB {
        client.send(&chunk);
    }
    // One byte more. The host may have answered by now and not read it.
    let _ = client.try_send("1\r\nb\r\n0\r\n\r\n");
    let answer = client.receive_until("\r\n\r\n", PATIENCE);
    // What `/read-body` says when reading failed.
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    // It has the host's reason. What of the body was sent in vain may reset the connection before that has come.
    let end = client.receive_to_end(PATIENCE);
    assert!(
        end == End::Reset || client.received().contains("16777216 bytes"),
        "{}",
        client.received()
    );
}

#[test]
fn a_chunked_body_of_16_mib_arrives_whole() {
    let _machine = beside_others();
    let host = hostile("");
    let mut client = host.connect();
    client.send("POST /read-body HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    let chunk = [format!("{MIB:x}\r\n").into_bytes(), vec![b'b'; MIB], b"\r\n".to_vec()].concat();
    for _ in 0..LIMIT / MIB {
        client.send(&chunk);
    }
    client.send("0\r\n\r\n");
    let answer = client.receive_until(&format!("\r\n\r\n{LIMIT}"), PATIENCE);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn a_body_that_breaks_off_is_an_error_to_the_guest() {
    let _machine = beside_others();
    let host = hostile("");
    let mut client = host.connect();
    client.send("POST /read-body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\nhalf");
    client.finish_sending();
    client.receive_to_end(PATIENCE);
    // Whether there is anybody left to hear it is the connection's affair; that the half counts as whole is not possible.
    assert!(!client.received().contains("200 OK"), "{}", client.received());
    assert_eq!(host.get("/ok").text(), "ok");
}

/// An answer that began well and has no end: neither the chunk of length 0, nor as many bytes as were announced.
fn assert_is_broken_off(answer: &str) {
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer:.500}");
    assert!(answer.contains("transfer-encoding: chunked"), "{answer:.500}");
    assert!(!answer.ends_with("0\r\n\r\n"), "the answer ended well");
}

/// A trap that is quick may end the guest before the client was sent anything. Then the host answers 500, which is better than
/// the half of an answer; what may never come is a half that looks whole.
#[test]
fn a_trap_in_the_middle_of_an_answer_is_500_or_a_broken_transfer_and_in_the_log_once() {
    const TIMES: usize = 20;
    let _machine = beside_others();
    let host = hostile("");
    for _ in 0..TIMES {
        let mut client = host.connect();
        client.send("GET /trap-mid-response HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        client.receive_to_end(PATIENCE);
        let answer = client.received();
        let id = answer
            .lines()
            .find_map(|line| line.strip_prefix("x-request-id: "))
            .expect("it has an id")
            .to_owned();
        match answer.starts_with("HTTP/1.1 500 ") {
            true => assert!(answer.contains(&format!("(request {id})")), "{answer}"),
            false => assert_is_broken_off(&answer),
        }
        assert!(host.wait_for_log(&id).contains("unreachable"));
        assert_eq!(host.stderr().lines_with(&id).len(), 1, "{}", host.stderr().text());
    }
}

#[test]
fn an_answer_that_is_cut_at_the_deadline_is_a_broken_transfer() {
    let _machine = beside_others();
    let host = hostile("request-timeout = \"1s\"");
    let mut client = host.connect();
    client.send_get("/endless-body");
    client.receive_to_end(PATIENCE);
    assert_is_broken_off(&client.received());
    assert_eq!(host.get("/ok").text(), "ok");
}
