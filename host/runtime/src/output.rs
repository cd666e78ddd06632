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
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use tokio::sync::{Notify, mpsc, oneshot};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Blocks of text that wait to be printed.
pub const QUEUE: usize = 64;

/// Bytes that a guest may write at once.
const PERMIT: usize = 8 << 10;

/// Bytes of a line before it is broken.
pub const LINE: usize = 64 << 10;

/// Which of the host's streams a guest's stream ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The host's standard output.
    Out,
    /// The host's standard error.
    Err,
    /// What prints for stores: they know secrets that nobody is to see.
    Store,
}

/// The thread that prints what guests print, and the way to it.
///
/// Dropping it waits for nobody: whoever reads the host's output may have stopped. What is to be printed before the process
/// ends is what [`flush`](Self::flush) waits for.
#[derive(Debug)]
pub struct GuestOutput {
    queue: Queue,
}

impl GuestOutput {
    /// Starts printing to the host's standard output and error; what stores print goes to `of_stores`, as whole lines.
    ///
    /// # Errors
    ///
    /// If the system has no thread left.
    pub fn start(of_stores: fn(&str)) -> io::Result<Self> {
        let (queue, items) = Queue::new(QUEUE);
        std::thread::Builder::new()
            .name("guest-output".to_owned())
            .spawn(move || print(items, of_stores))?;
        Ok(Self { queue })
    }

    /// Ready when all that is queued is printed.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time, and should be: nobody may be reading.
    pub async fn flush(&self) {
        let (printed, waiting) = oneshot::channel();
        // Fails when the thread is gone, and with it what waits.
        let _ = self.queue.items.send(Item::Flush(printed));
        let _ = waiting.await;
    }

    /// A stream for one instance, whose lines begin with `prefix`.
    pub(crate) fn stream(&self, stream: Stream, prefix: &Arc<str>) -> GuestStream {
        GuestStream::new(self.queue.clone(), stream, prefix)
    }
}

fn print(mut items: mpsc::UnboundedReceiver<Item>, of_stores: fn(&str)) {
    while let Some(item) = items.blocking_recv() {
        let Block { stream, text, _place } = match item {
            Item::Block(block) => block,
            Item::Flush(printed) => {
                // Nobody waits any more: then it was dropped.
                let _ = printed.send(());
                continue;
            }
        };
        // Nobody is left to tell when the host's own output is closed.
        let _ = match stream {
            Stream::Out => io::stdout()
                .write_all(text.as_bytes())
                .and_then(|()| io::stdout().flush()),
            Stream::Err => io::stderr().write_all(text.as_bytes()),
            Stream::Store => {
                of_stores(&text);
                Ok(())
            }
        };
    }
}

/// What waits to be printed, in the order in which it was written.
#[derive(Clone, Debug)]
struct Queue {
    items: mpsc::UnboundedSender<Item>,
    waiting: Arc<Waiting>,
}

/// How much waits to be printed.
#[derive(Debug)]
struct Waiting {
    blocks: AtomicUsize,
    /// Blocks that instances may have waiting. When they end they may leave behind as many again: then they cannot wait for
    /// room.
    room: usize,
    /// Told when half of the room is free: telling all at each block would have them wake for nothing.
    drained: Notify,
}

#[derive(Debug)]
enum Item {
    Block(Block),
    /// Everything before it is printed.
    Flush(oneshot::Sender<()>),
}

#[derive(Debug)]
struct Block {
    stream: Stream,
    text: String,
    _place: Place,
}

/// A block's place among those that wait. Free when dropped.
#[derive(Debug)]
struct Place(Arc<Waiting>);

impl Drop for Place {
    fn drop(&mut self) {
        if self.0.blocks.fetch_sub(1, Ordering::Relaxed) <= self.0.room / 2 + 1 {
            self.0.drained.notify_waiters();
        }
    }
}

impl Queue {
    fn new(room: usize) -> (Self, mpsc::UnboundedReceiver<Item>) {
        let (items, receiver) = mpsc::unbounded_channel();
        let waiting = Arc::new(Waiting {
            blocks: AtomicUsize::new(0),
            room,
            drained: Notify::new(),
        });
        (Self { items, waiting }, receiver)
    }

    fn has_room(&self) -> bool {
        self.waiting.blocks.load(Ordering::Relaxed) < self.waiting.room
    }

    /// A place, if fewer blocks than this wait.
    fn place(&self, room: usize) -> Option<Place> {
        let blocks = &self.waiting.blocks;
        blocks
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |blocks| {
                (blocks < room).then_some(blocks + 1)
            })
            .ok()?;
        Some(Place(Arc::clone(&self.waiting)))
    }

    fn send(&self, stream: Stream, text: String, place: Place) {
        let block = Block {
            stream,
            text,
            _place: place,
        };
        // Fails when the thread is gone, when there is nobody to print.
        let _ = self.items.send(Item::Block(block));
    }
}

/// The standard output or error of one instance.
#[derive(Clone)]
pub(crate) struct GuestStream {
    queue: Queue,
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
            // The end of a line may be two characters, as on other systems.
            if ends && self.line.last() == Some(&b'\r') {
                self.line.pop();
            }
            while self.line.len() > LINE {
                let rest = self.line.split_off(whole_characters(&self.line, LINE));
                self.end_line(&mut block);
                self.line = rest;
            }
            if ends {
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

    fn send(&mut self, queue: &Queue) {
        while let Some(text) = self.pending.pop_front() {
            match queue.place(queue.waiting.room) {
                Some(place) => queue.send(self.stream, text, place),
                None => return self.pending.push_front(text),
            }
        }
    }

    /// Hands over what is left, also a line without an end.
    fn end(&mut self, queue: &Queue) {
        let mut rest: String = self.pending.drain(..).collect();
        if !self.line.is_empty() {
            self.end_line(&mut rest);
        }
        if rest.is_empty() {
            return;
        }
        match queue.place(2 * queue.waiting.room) {
            Some(place) => queue.send(self.stream, rest, place),
            None => tracing::warn!(
                app = &*self.prefix,
                bytes = rest.len(),
                "nobody reads what the app prints: the end of it is lost"
            ),
        }
    }
}

/// How many of at most `most` bytes are whole characters; all of them where they are no UTF-8 anyway.
fn whole_characters(bytes: &[u8], most: usize) -> usize {
    /// Bytes of a character before its last.
    const BEFORE_LAST: usize = 3;
    let most = most.min(bytes.len());
    let start = (most.saturating_sub(BEFORE_LAST)..most)
        .rev()
        .find(|at| bytes[*at] & 0b1100_0000 != 0b1000_0000);
    match start {
        // The number of leading ones is that of the character's bytes.
        Some(start) if start + bytes[start].leading_ones() as usize > most => start,
        _ => most,
    }
}

/// Text as it may stand in a terminal and a log: control characters but the tab as `\u{1b}`, and so what turns the direction
/// of text around; bytes that are no UTF-8 as the replacement character.
fn escape_into(text: &mut String, bytes: &[u8]) {
    for character in String::from_utf8_lossy(bytes).chars() {
        match character {
            '\t' => text.push('\t'),
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                text.extend(character.escape_unicode());
            }
            control if control.is_control() => text.extend(control.escape_unicode()),
            character => text.push(character),
        }
    }
}

impl GuestStream {
    fn new(queue: Queue, stream: Stream, prefix: &Arc<str>) -> Self {
        let lines = Lines {
            stream,
            prefix: Arc::clone(prefix),
            line: Vec::new(),
            pending: VecDeque::new(),
        };
        Self {
            queue,
            lines: Arc::new(Mutex::new(lines)),
        }
    }

    fn lines(&self) -> std::sync::MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a text when there is room for it.
    pub(crate) async fn print(&self, text: &str) {
        self.writable().await;
        self.write_bytes(text.as_bytes());
    }

    fn write_bytes(&self, bytes: &[u8]) {
        let mut lines = self.lines();
        lines.write(bytes);
        lines.send(&self.queue);
    }

    /// Whether all that was written is handed over, and there is room for more: that of other instances counts, too.
    fn is_writable(&self) -> bool {
        let mut lines = self.lines();
        lines.send(&self.queue);
        lines.pending.is_empty() && self.queue.has_room()
    }

    async fn writable(&self) {
        loop {
            // Before the look, so that nothing is missed in between.
            let drained = self.queue.waiting.drained.notified();
            if self.is_writable() {
                return;
            }
            drained.await;
        }
    }
}

impl Drop for GuestStream {
    fn drop(&mut self) {
        // The last of the instance's handles.
        if Arc::strong_count(&self.lines) == 1 {
            self.lines().end(&self.queue);
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

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_writable(cx).map(Ok)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream whose queue nobody empties but the test.
    fn stream(room: usize) -> (GuestStream, mpsc::UnboundedReceiver<Item>) {
        let (queue, items) = Queue::new(room);
        (GuestStream::new(queue, Stream::Out, &"app".into()), items)
    }

    /// What is printed next.
    fn next(items: &mut mpsc::UnboundedReceiver<Item>) -> Option<String> {
        match items.try_recv() {
            Ok(Item::Block(block)) => Some(block.text),
            Ok(Item::Flush(_)) => panic!("nobody flushes"),
            Err(_) => None,
        }
    }

    fn printed(writes: &[&[u8]]) -> String {
        let (stream, mut items) = stream(8);
        for bytes in writes {
            stream.write_bytes(bytes);
        }
        drop(stream);
        std::iter::from_fn(|| next(&mut items)).collect()
    }

    #[test]
    fn every_line_has_the_apps_name() {
        assert_eq!(
            printed(&[b"one\ntwo\nthr", b"ee\n"]),
            "[app] one\n[app] two\n[app] three\n"
        );
    }

    #[test]
    fn a_terminal_obeys_nothing_that_a_guest_prints() {
        assert_eq!(printed(&[b"\x1b[31mred\x07\n"]), "[app] \\u{1b}[31mred\\u{7}\n");
        assert_eq!(
            printed(&["a\u{202e}b\u{2066}c\u{2069}d\u{61c}\u{200e}\u{200f}\n".as_bytes()]),
            "[app] a\\u{202e}b\\u{2066}c\\u{2069}d\\u{61c}\\u{200e}\\u{200f}\n"
        );
    }

    #[test]
    fn a_carriage_return_is_part_of_a_lines_end_or_escaped() {
        assert_eq!(
            printed(&[b"right\rwrong\r\n", b"halves\r", b"\n", b"rest\r"]),
            "[app] right\\u{d}wrong\n[app] halves\n[app] rest\\u{d}\n"
        );
    }

    #[test]
    fn a_character_may_be_written_in_two_halves() {
        assert_eq!(printed(&[b"k\xc3", b"\xa4se\n"]), "[app] k\u{e4}se\n");
    }

    #[test]
    fn a_line_without_end_is_broken_and_its_rest_printed_when_the_instance_ends() {
        let (stream, mut items) = stream(8);
        stream.write_bytes(&vec![b'x'; LINE]);
        stream.write_bytes(b"rest");
        assert_eq!(next(&mut items).unwrap().len(), "[app] \n".len() + LINE);
        drop(stream);
        assert_eq!(next(&mut items).unwrap(), "[app] rest\n");
    }

    #[test]
    fn a_line_is_broken_between_characters() {
        let line = format!("{}\u{20ac}\u{e4}", "x".repeat(LINE - 2));
        let printed = printed(&[line.as_bytes()]);
        assert!(printed.ends_with("x\n[app] \u{20ac}\u{e4}\n"), "{}", &printed[LINE..]);
        // What is no text has no characters to keep whole.
        assert_eq!(whole_characters(&[0x80; 10], 8), 8);
        assert_eq!(whole_characters("a\u{20ac}".as_bytes(), 4), 4);
        assert_eq!(whole_characters("a\u{20ac}".as_bytes(), 3), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_guest_waits_while_the_queue_is_full() {
        let (mut stream, mut items) = stream(1);
        stream.write_bytes(b"1\n");
        stream.write_bytes(b"2\n");
        assert_eq!(stream.check_write().unwrap(), 0);
        assert_eq!(next(&mut items).unwrap(), "[app] 1\n");
        tokio::time::timeout(std::time::Duration::from_millis(10), stream.ready())
            .await
            .expect_err("the second line has the room of the first");
        assert_eq!(next(&mut items).unwrap(), "[app] 2\n");
        stream.ready().await;
        assert_eq!(stream.check_write().unwrap(), PERMIT);
    }

    #[test]
    fn what_others_have_filled_is_full_for_a_fresh_instance() {
        let (first, mut items) = stream(1);
        first.write_bytes(b"1\n");
        let mut second = GuestStream::new(first.queue.clone(), Stream::Out, &"other".into());
        assert_eq!(second.check_write().unwrap(), 0);
        next(&mut items);
        assert_eq!(second.check_write().unwrap(), PERMIT);
    }

    #[test]
    fn what_an_instance_leaves_behind_is_printed_after_what_waits() {
        let (stream, mut items) = stream(1);
        stream.write_bytes(b"1\n2\n");
        stream.write_bytes(b"3\nrest");
        drop(stream);
        assert_eq!(next(&mut items).unwrap(), "[app] 1\n[app] 2\n");
        assert_eq!(next(&mut items).unwrap(), "[app] 3\n[app] rest\n");
    }

    #[tokio::test]
    async fn all_that_wait_go_on_when_there_is_room() {
        let (mut first, mut items) = stream(2);
        let mut second = GuestStream::new(first.queue.clone(), Stream::Out, &"other".into());
        first.write_bytes(b"1\n");
        first.write_bytes(b"2\n");
        assert_eq!((first.check_write().unwrap(), second.check_write().unwrap()), (0, 0));
        let waiting = tokio::spawn(async move {
            tokio::join!(first.ready(), second.ready());
        });
        tokio::task::yield_now().await;
        while next(&mut items).is_some() {}
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn a_flush_waits_until_there_is_room() {
        let (stream, mut items) = stream(1);
        let mut writer = Box::into_pin(stream.async_stream());
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(writer.as_mut().poll_write(&mut cx, b"1\n").is_ready());
        assert!(writer.as_mut().poll_flush(&mut cx).is_pending());
        next(&mut items);
        assert!(writer.as_mut().poll_flush(&mut cx).is_ready());
    }
}
