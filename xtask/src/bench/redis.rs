//! A Redis to measure with, which keeps nothing on disk.

use anyhow::{Context, Result, bail};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const START: Duration = Duration::from_secs(10);

/// A running server. Killed when dropped.
pub(super) struct Redis {
    child: Child,
    address: SocketAddr,
}

impl Redis {
    /// Starts one and waits until it can be reached.
    pub(super) fn start() -> Result<Self> {
        // It is free again when the listener is gone, and nobody else takes it at once.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let port = address.port().to_string();
        let child = Command::new("redis-server")
            .args([
                "--bind",
                "127.0.0.1",
                "--port",
                &port,
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start `redis-server`, on Debian of the package redis-server")?;
        let mut redis = Self { child, address };
        let begin = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Some(status) = redis.child.try_wait()? {
                bail!("redis-server ended with {status}");
            }
            if begin.elapsed() > START {
                bail!("redis-server did not listen within {START:?}");
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(redis)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // One that has ended already needs neither.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
