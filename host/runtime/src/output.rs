//! What guests print: a line at a time, with the app's name in front, and nothing in it that a terminal would obey.
//!
//! A guest writes into a bounded queue that one thread empties. While the queue is full the guest's stream is not writable,
//! so that a guest that prints without end waits for the terminal like any program, and neither memory grows nor a
//! thread of the runtime blocks.

use bytes::Bytes;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use tokio::io::AsyncWrite;
use tokio::sync::mpsc;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Blocks of text that wait to be printed.
const QUEUE: usize = 64;

/// Bytes that a guest may write at once.
const PERMIT: usize = 8 << 10;

/// Bytes of a line before it is broken.
const LINE: usize = 64 << 10;

/// Which of the host's streams a guest's stream ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The host's standard output.
    Out,
    /// The host's standard error.
    Err,
}

type Block = (Stream, String);

/// The thread that prints what guests print. Dropping it prints what is queued and ends it.
#[derive(Debug)]
pub struct GuestOutput {
    queue: Option<mpsc::Sender<Block>>,
    thread: Option<JoinHandle<()>>,
}

impl GuestOutput {
    /// Starts printing to the host's standard output and error.
    ///
    /// # Errors
    ///
    /// If the system has no thread left.
    pub fn start() -> io::Result<Self> {
        let (queue, mut blocks) = mpsc::channel::<Block>(QUEUE);
        let thread = std::thread::Builder::new()
            .name("guest-output".to_owned())
            .spawn(move || {
                while let Some((stream, text)) = blocks.blocking_recv() {
                    // Nobody is left to tell when the host's own output is closed.
                    let _ = match stream {
                        Stream::Out => io::stdout()
                            .write_all(text.as_bytes())
                            .and_then(|()| io::stdout().flush()),
                        Stream::Err => io::stderr().write_all(text.as_bytes()),
                    };
                }
            })?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    /// A stream for one instance, whose lines begin with `prefix`.
    pub(crate) fn stream(&self, stream: Stream, prefix: &Arc<str>) -> GuestStream {
        let queue = self
            .queue
            .as_ref()
            .expect("the queue is there until the output is dropped")
            .clone();
        let lines = Lines {
            stream,
            prefix: Arc::clone(prefix),
            line: Vec::new(),
            pending: VecDeque::new(),
        };
        GuestStream {
            queue,
            lines: Arc::new(Mutex::new(lines)),
        }
    }
}

impl Drop for GuestOutput {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The standard output or error of one instance.
#[derive(Clone)]
pub(crate) struct GuestStream {
    queue: mpsc::Sender<Block>,
    lines: Arc<Mutex<Lines>>,
}

/// What an instance has written and the queue has not taken.
struct Lines {
    stream: Stream,
    prefix: Arc<str>,
    /// The line that is not complete, in bytes: a write may end within a character.
    line: Vec<u8>,
    pending: VecDeque<String>,
}

impl Lines {
    fn write(&mut self, bytes: &[u8]) {
        let mut block = String::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = match piece.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (piece, false),
            };
            self.line.extend_from_slice(text);
            if ends || self.line.len() >= LINE {
                self.end_line(&mut block);
            }
        }
        if !block.is_empty() {
            self.pending.push_back(block);
        }
    }

    fn end_line(&mut self, block: &mut String) {
        // Writing to a String cannot fail.
        let _ = write!(block, "[{}] ", self.prefix);
        escape_into(block, &self.line);
        block.push('\n');
        self.line.clear();
    }

    fn send(&mut self, queue: &mpsc::Sender<Block>) {
        while let Some(block) = self.pending.pop_front() {
            match queue.try_send((self.stream, block)) {
                Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => {}
                Err(mpsc::error::TrySendError::Full((_, block))) => return self.pending.push_front(block),
            }
        }
    }
}

/// Text as it may stand in a terminal and a log: control characters but the tab as `\u{1b}`, bytes that are no UTF-8 as the
/// replacement character.
fn escape_into(text: &mut String, bytes: &[u8]) {
    for character in String::from_utf8_lossy(bytes).chars() {
        match character {
            '\t' => text.push('\t'),
            '\r' => {}
            control if control.is_control() => text.extend(control.escape_unicode()),
            character => text.push(character),
        }
    }
}

impl GuestStream {
    fn lines(&self) -> std::sync::MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_bytes(&self, bytes: &[u8]) {
        let mut lines = self.lines();
        lines.write(bytes);
        lines.send(&self.queue);
    }

    fn is_writable(&self) -> bool {
        let mut lines = self.lines();
        lines.send(&self.queue);
        lines.pending.is_empty()
    }

    async fn writable(&self) {
        while !self.is_writable() {
            match self.queue.reserve().await {
                Ok(permit) => {
                    let mut lines = self.lines();
                    if let Some(block) = lines.pending.pop_front() {
                        permit.send((lines.stream, block));
                    }
                }
                Err(_) => return,
            }
        }
    }
}

impl Drop for GuestStream {
    fn drop(&mut self) {
        // The last of the instance's handles: a line without an end is printed all the same.
        if Arc::strong_count(&self.lines) == 1 {
            let mut lines = self.lines();
            if !lines.line.is_empty() {
                let mut block = String::new();
                lines.end_line(&mut block);
                lines.pending.push_back(block);
            }
            lines.send(&self.queue);
        }
    }
}

impl IsTerminal for GuestStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(AsyncGuestStream {
            stream: self.clone(),
            waiting: None,
        })
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for GuestStream {
    async fn ready(&mut self) {
        self.writable().await;
    }
}

#[async_trait]
impl OutputStream for GuestStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.write_bytes(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(if self.is_writable() { PERMIT } else { 0 })
    }
}

/// The same stream for WASI 0.3.
struct AsyncGuestStream {
    stream: GuestStream,
    waiting: Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>,
}

impl AsyncGuestStream {
    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.waiting.is_none() && self.stream.is_writable() {
            return Poll::Ready(());
        }
        let stream = &self.stream;
        let waiting = self.waiting.get_or_insert_with(|| {
            let stream = stream.clone();
            Box::pin(async move { stream.writable().await })
        });
        let ready = waiting.as_mut().poll(cx);
        if ready.is_ready() {
            self.waiting = None;
        }
        ready
    }
}

impl AsyncWrite for AsyncGuestStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        std::task::ready!(this.poll_writable(cx));
        let taken = bytes.get(..PERMIT).unwrap_or(bytes);
        this.stream.write_bytes(taken);
        Poll::Ready(Ok(taken.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream whose queue nobody empties but the test.
    fn stream(capacity: usize) -> (GuestStream, mpsc::Receiver<Block>) {
        let (queue, blocks) = mpsc::channel(capacity);
        let lines = Lines {
            stream: Stream::Out,
            prefix: "app".into(),
            line: Vec::new(),
            pending: VecDeque::new(),
        };
        (
            GuestStream {
                queue,
                lines: Arc::new(Mutex::new(lines)),
            },
            blocks,
        )
    }

    #[test]
    fn every_line_has_the_apps_name() {
        let (stream, mut blocks) = stream(8);
        stream.write_bytes(b"one\ntwo\nthr");
        stream.write_bytes(b"ee\n");
        assert_eq!(blocks.try_recv().unwrap().1, "[app] one\n[app] two\n");
        assert_eq!(blocks.try_recv().unwrap().1, "[app] three\n");
    }

    #[test]
    fn a_terminal_obeys_nothing_that_a_guest_prints() {
        let (stream, mut blocks) = stream(8);
        stream.write_bytes(b"\x1b[31mred\x07\r\n");
        assert_eq!(blocks.try_recv().unwrap().1, "[app] \\u{1b}[31mred\\u{7}\n");
    }

    #[test]
    fn a_character_may_be_written_in_two_halves() {
        let (stream, mut blocks) = stream(8);
        stream.write_bytes(b"k\xc3");
        stream.write_bytes(b"\xa4se\n");
        assert_eq!(blocks.try_recv().unwrap().1, "[app] käse\n");
    }

    #[test]
    fn a_line_without_end_is_broken_and_its_rest_printed_when_the_instance_ends() {
        let (stream, mut blocks) = stream(8);
        stream.write_bytes(&vec![b'x'; LINE]);
        stream.write_bytes(b"rest");
        assert_eq!(blocks.try_recv().unwrap().1.len(), "[app] \n".len() + LINE);
        drop(stream);
        assert_eq!(blocks.try_recv().unwrap().1, "[app] rest\n");
    }

    #[tokio::test]
    async fn a_guest_waits_while_the_queue_is_full() {
        let (mut stream, mut blocks) = stream(1);
        stream.write_bytes(b"1\n");
        stream.write_bytes(b"2\n");
        assert_eq!(stream.check_write().unwrap(), 0);
        blocks.recv().await;
        stream.ready().await;
        assert_eq!(stream.check_write().unwrap(), PERMIT);
        assert_eq!(blocks.recv().await.unwrap().1, "[app] 2\n");
    }
}
