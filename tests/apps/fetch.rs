//! What stands between `Request` and `Response` of JavaScript and `wasi:http`: `serve` of the SDK, in the app that tries it.

use dapr_wasm_tests::wait::until;
use dapr_wasm_tests::{Host, Launch, built};
use std::time::Duration;

/// How long something takes at most that takes no time.
const SOON: Duration = Duration::from_secs(20);

/// The app with instances that are reused, if the machine has the language's tools.
fn with_app(claim: impl FnOnce(&Host)) {
    let Some(component) = built::app("typescript", "sdk").if_built("typescript") else {
        return;
    };
    crate::ground::compiled(&component);
    let reused = "[app]\nreuse = 1000\n[state.statestore]\ntype = \"in-memory\"\n";
    claim(&Launch::file(component).components(reused).start());
}

/// How many requests the instance has had that answers this one. The one before may still be busy: a client has the end of its
/// answer before the instance is free again.
fn served(host: &Host) -> u32 {
    host.get("/served").text().parse().unwrap()
}

/// Waits until an instance answers that has had more requests than this.
fn served_more_than(host: &Host, number: u32) {
    until("an instance goes on", SOON, || (served(host) > number).then_some(()));
}

fn no_instance_ended(host: &Host) {
    let printed = host.stderr().text();
    assert!(!printed.contains("abort") && !printed.contains("trap"), "{printed}");
}

#[test]
fn an_instance_serves_one_request_after_the_other() {
    with_app(|host| served_more_than(host, 20));
}

#[test]
fn a_body_goes_through_as_it_is() {
    with_app(|host| {
        let body: Vec<u8> = (0..=u8::MAX).cycle().take(3_000_000).collect();
        let answer = host
            .call("PUT", "/echo")
            .header("x-sent", "as it is")
            .body(body.clone())
            .send();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-method"), Some("PUT"));
        assert_eq!(answer.header("x-sent"), Some("as it is"));
        assert!(answer.body == body, "{} bytes came back", answer.body.len());
        assert_eq!(host.client().post("/text", "k\u{e4}se").text(), "K\u{c4}SE");
        assert_eq!(host.client().post("/text", "").text(), "");
        let unread = host.client().post("/unread", vec![0; 100_000]);
        assert_eq!((unread.status, unread.text().as_str()), (202, "not read"));
        no_instance_ended(host);
    });
}

#[test]
fn a_body_that_is_read_too_late_is_an_error_in_the_app_alone() {
    with_app(|host| {
        let read_by_another_request = || {
            assert_eq!(host.client().post("/late", "unread").text(), "answered");
            assert_eq!(host.get("/later").text(), "later");
            host.stdout().text().contains("the request is over").then_some(())
        };
        until(
            "an instance reads what another request had",
            SOON,
            read_by_another_request,
        );
        no_instance_ended(host);
    });
}

#[test]
fn an_answer_may_have_no_body_or_come_later() {
    with_app(|host| {
        let none = host.get("/none");
        assert_eq!((none.status, none.text().as_str()), (204, ""));
        let head = host.call("HEAD", "/copied").send();
        assert_eq!((head.status, head.header("content-length")), (200, Some("4")));
        assert_eq!(host.get("/waits").text(), "waited");
        let cookies = host.get("/cookies");
        let cookies: Vec<_> = cookies.headers.get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
    });
}

#[test]
fn a_request_about_the_whole_server_is_one_for_its_root() {
    with_app(|host| {
        let mut options = host.connect();
        options.send("OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        options.receive_to_end(SOON);
        assert!(
            options.received().starts_with("HTTP/1.1 200 "),
            "{}",
            options.received()
        );
    });
}

#[test]
fn an_app_that_answers_nothing_that_can_be_sent_answers_500_and_goes_on() {
    with_app(|host| {
        // Read by the first.
        assert_eq!(host.get("/twice").text(), "once");
        for (target, reason) in [
            ("/throws", "a secret of the app"),
            ("/nothing", "undefined"),
            ("/twice", "locked"),
            ("/long", "Error"),
        ] {
            let answer = host.get(target);
            let found = (answer.status, answer.text());
            assert_eq!(found, (500, "internal server error\n".to_owned()), "{target}");
            host.stderr().wait_for(reason, SOON);
        }
        // The last had a body, and what makes it is told.
        host.stdout().wait_for("nobody takes it", SOON);
        served_more_than(host, 1);
        no_instance_ended(host);
    });
}

#[test]
fn a_body_that_breaks_off_is_not_taken_for_a_whole_one() {
    with_app(|host| {
        for target in ["/breaks", "/longer"] {
            let error = host.call("GET", target).try_send().map(|answer| answer.text());
            assert!(error.is_err(), "{target}: {error:?}");
        }
        host.stderr().wait_for("broken", SOON);
        served_more_than(host, 1);
        no_instance_ended(host);
    });
}

#[test]
fn a_client_that_leaves_is_no_failure_of_the_app() {
    with_app(|host| {
        let mut leaving = host.connect();
        leaving.send_get("/endless");
        leaving.receive_until("\r\n\r\n", SOON);
        drop(leaving);
        // What makes the body is told that nobody takes more of it.
        host.stdout().wait_for("nobody takes more", SOON);
        served_more_than(host, 1);
        no_instance_ended(host);
    });
}
