//! That a client waits for its server once: all that it says, it says before it has heard anything.

use dapr_wasm_tests::servers::Proxy;
use dapr_wasm_tests::{PATIENCE, until};
use std::future::Future;
use std::time::{Duration, Instant};

/// How long nothing more is said before a client is taken to wait.
const SILENCE: Duration = Duration::from_millis(300);

/// Does something for which a client waits for the server once. While replies are held back, it says all that it has to.
pub(crate) async fn waits_once<T>(what: &str, proxy: &Proxy, work: impl Future<Output = T>) -> T {
    proxy.hold();
    let before = proxy.requested();
    let said = tokio::task::spawn_blocking({
        let requested = proxy.counter();
        move || {
            let (mut said, mut since) = (before, Instant::now());
            until("a client that waits", PATIENCE, || {
                let now = requested();
                if now != said {
                    (said, since) = (now, Instant::now());
                }
                (said > before && since.elapsed() > SILENCE).then_some(said)
            })
        }
    });
    let released = async {
        let said = said.await.unwrap();
        proxy.release();
        said
    };
    let (said, done) = tokio::join!(released, work);
    assert_eq!(proxy.requested(), said, "{what} waits more than once");
    done
}
