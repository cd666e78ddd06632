//! A daprd of the user's (`--daprd PATH`), with one state store and nothing else.

use super::client::Connection;
use super::subject::Bench;
use anyhow::{Context, Result, bail};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const START: Duration = Duration::from_secs(30);

/// A running sidecar. Killed when dropped.
pub(super) struct Daprd {
    child: Child,
    address: SocketAddr,
}

impl Daprd {
    /// Starts one whose store is called `statestore`, and waits until it is ready.
    pub(super) fn start(bench: &Bench, program: &Path, kind: &str, metadata: &[(&str, &str)]) -> Result<Self> {
        let entries = metadata
            .iter()
            .map(|(name, value)| format!("  - {{ name: {name}, value: {value:?} }}\n"));
        let resources = bench.folder(&format!("daprd-{kind}"))?;
        let component = format!(
            "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {{ name: statestore }}\nspec:\n  type: {kind}\n  \
             version: v1\n  metadata:\n{}",
            entries.collect::<String>()
        );
        std::fs::write(resources.join("statestore.yaml"), component)?;
        let [http, grpc, internal] = [free_port()?, free_port()?, free_port()?];
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, http));
        let child = Command::new(program)
            .args(["--app-id", "daprd", "--log-level", "error", "--enable-metrics=false"])
            .arg("--resources-path")
            .arg(&resources)
            .args(["--dapr-http-port", &http.to_string()])
            .args(["--dapr-grpc-port", &grpc.to_string()])
            .args(["--dapr-internal-grpc-port", &internal.to_string()])
            // It listens on all of the machine's addresses otherwise.
            .args(["--dapr-listen-addresses", "127.0.0.1"])
            .args(["--dapr-internal-grpc-listen-address", "127.0.0.1"])
            .current_dir(&resources)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut daprd = Self { child, address };
        let begin = Instant::now();
        while !is_ready(address) {
            if let Some(status) = daprd.child.try_wait()? {
                bail!("daprd ended with {status}");
            }
            if begin.elapsed() > START {
                bail!("daprd was not ready within {START:?}");
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(daprd)
    }

    /// Of its HTTP API.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

fn is_ready(address: SocketAddr) -> bool {
    let answer = Connection::open(address).and_then(|mut daprd| daprd.ask("GET", "/v1.0/healthz/outbound", ""));
    answer.is_ok_and(|answer| answer.status == 204)
}

/// It is free again when the listener is gone, and nobody else takes it at once.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

impl Drop for Daprd {
    fn drop(&mut self) {
        // One that has ended already needs neither.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
