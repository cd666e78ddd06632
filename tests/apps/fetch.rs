//! What stands between `Request` and `Response` of JavaScript and `wasi:http`: `serve` of the SDK, in the app that tries it.

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

#[test]
fn an_instance_serves_one_request_after_the_other() {
    with_app(|host| {
        for number in 1..=50 {
            assert_eq!(host.get("/served").text(), number.to_string());
        }
    });
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
    });
}

#[test]
fn an_answer_may_have_no_body_or_come_later() {
    with_app(|host| {
        let none = host.get("/none");
        assert_eq!((none.status, none.text().as_str()), (204, ""));
        let head = host.call("HEAD", "/copied").send();
        assert_eq!((head.status, head.header("content-length")), (200, Some("4")));
        assert_eq!(host.get("/later").text(), "later");
        let cookies = host.get("/cookies");
        let cookies: Vec<_> = cookies.headers.get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
    });
}

#[test]
fn an_app_that_throws_answers_500_and_goes_on() {
    with_app(|host| {
        for (target, reason) in [("/throws", "a secret of the app"), ("/nothing", "undefined")] {
            let answer = host.get(target);
            assert_eq!(
                (answer.status, answer.text().as_str()),
                (500, "internal server error\n")
            );
            host.stderr().wait_for(reason, SOON);
        }
        assert_eq!(host.get("/served").text(), "3", "the same instance goes on");
    });
}

#[test]
fn a_body_that_breaks_off_is_not_taken_for_a_whole_one() {
    with_app(|host| {
        let error = host.call("GET", "/breaks").try_send().unwrap_err();
        host.stderr().wait_for("broken", SOON);
        assert_eq!(
            host.get("/served").text(),
            "2",
            "the same instance goes on after {error}"
        );
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
        assert_eq!(host.stderr().lines_with("the app failed"), [""; 0]);
    });
}
