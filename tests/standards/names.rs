//! What a name on the list leads to, which whoever runs its name servers decides: by `wasi:http` and by sockets alike.

use super::asking::{ask, failed, saying};
use dapr_wasm_tests::{Host, Launch};
use std::sync::atomic::Ordering;

/// Names of the internet that lead where they should not, and one of a network that does.
const NAMES: &str = "127.0.0.1 localhost\n127.0.0.1 loop.example\n10.255.255.254 inner.example inner.internal\n";

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn started(guest: &str, settings: &str) -> Host {
    let launch = Launch::guest(guest).names(NAMES);
    launch.components(&format!("[app]\n{settings}")).start()
}

#[test]
fn a_name_that_leads_to_the_machine_itself_is_prohibited_and_told_with_the_line_that_allows_it() {
    let peer = saying(OK);
    let (name, address) = (format!("loop.example:{}", peer.port), peer.host());
    let (refused, granted) = (
        format!("allow-hosts = [{name:?}]"),
        format!("allow-hosts = [{name:?}, {address:?}]"),
    );
    let line = format!("may not connect to {address}; allow it with {granted} in [app]");

    let host = started("asks", &refused);
    failed(&ask(&host, &format!("http://{name}/")), "DestinationIpProhibited");
    host.wait_for_log(&line);
    let sockets = started("hostile", &refused);
    let said = sockets.get(&format!("/dial/{name}")).text();
    assert!(said.starts_with("PermissionDenied"), "{said}");
    sockets.wait_for_log(&line);
    assert_eq!(peer.connections.load(Ordering::Relaxed), 0);

    // What the line says is so.
    let host = started("asks", &granted);
    assert_eq!(ask(&host, &format!("http://{name}/")).text(), "ok");
    let sockets = started("hostile", &granted);
    assert_eq!(sockets.get(&format!("/dial/{name}")).text(), "connected");
}

#[test]
fn a_name_of_the_internet_leads_to_no_private_address_unless_the_configuration_says_so() {
    let listed = "allow-hosts = [\"inner.example:80\", \"inner.internal:80\"]";
    let line = "may not connect to inner.example:80 at the private address 10.255.255.254; \
                allow it with allow-private = true in [app]";
    let denied = "DestinationIpProhibited";
    let host = started("asks", listed);
    failed(&ask(&host, "http://inner.example/"), denied);
    host.wait_for_log(line);
    let sockets = started("hostile", listed);
    let said = sockets.get("/dial/inner.example:80").text();
    assert!(said.starts_with("PermissionDenied"), "{said}");
    sockets.wait_for_log(line);

    // Whatever is there, or is not: it was let through.
    let said = ask(&host, "http://inner.internal/").text();
    assert!(!said.contains(denied), "{said}");
    let host = started("asks", &format!("{listed}\nallow-private = true"));
    host.wait_for_log("inner.internal:80, also at private addresses");
    let said = ask(&host, "http://inner.example/").text();
    assert!(!said.contains(denied), "{said}");
}
