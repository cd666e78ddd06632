//! What HTTP costs on this machine without WebAssembly: a bare hyper server, with which `cargo xtask bench` compares.
//!
//! Set up as `dapr-wasm` is: hyper on tokio with two workers, HTTP/1, `TCP_NODELAY`. It does nothing else: no limits, no
//! deadlines, no ids, no log.

use anyhow::Result;
use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use tokio::net::TcpListener;

/// The answer of the guest `hello`.
const ANSWER: &[u8] = b"hello";

fn main() -> Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(serve())
}

async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("serving http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let answer =
                service_fn(|_| async { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(ANSWER)))) });
            if let Err(error) = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await
            {
                eprintln!("connection ended: {error}");
            }
        });
    }
}
