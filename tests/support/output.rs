//! What a host printed so far, read on a thread of its own so that the host never waits for the test.

use crate::wait::until;
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often a reader that is paused looks whether it may go on.
const STEP: Duration = Duration::from_millis(10);

/// One stream of a process, read as it comes.
#[derive(Debug)]
pub struct Output {
    bytes: Arc<Mutex<Vec<u8>>>,
    is_paused: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl Output {
    /// Starts reading.
    pub fn of(mut stream: impl Read + Send + 'static) -> Self {
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let shared = Arc::clone(&bytes);
        let is_paused = Arc::<AtomicBool>::default();
        let paused = Arc::clone(&is_paused);
        let reader = std::thread::spawn(move || {
            let mut chunk = [0; 16 << 10];
            while let Ok(count @ 1..) = stream.read(&mut chunk) {
                lock(&shared).extend_from_slice(&chunk[..count]);
                while paused.load(Ordering::Relaxed) {
                    std::thread::sleep(STEP);
                }
            }
        });
        Self {
            bytes,
            is_paused,
            reader: Some(reader),
        }
    }

    /// Stops reading, as a terminal does that somebody scrolls in: what comes next fills the pipe.
    pub fn pause(&self) {
        self.is_paused.store(true, Ordering::Relaxed);
    }

    /// Everything so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// Everything so far, as it came.
    pub fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        lock(&self.bytes)
    }

    /// How many bytes there are so far.
    pub fn len(&self) -> usize {
        self.bytes().len()
    }

    /// Whether there is nothing so far.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The complete lines so far.
    pub fn lines(&self) -> Vec<String> {
        let text = self.text();
        let complete = text.rfind('\n').map_or("", |end| &text[..end]);
        complete.lines().map(str::to_owned).collect()
    }

    /// The complete lines so far that contain `text`.
    pub fn lines_with(&self, text: &str) -> Vec<String> {
        self.lines().into_iter().filter(|line| line.contains(text)).collect()
    }

    /// The first complete line that contains `text`, waited for.
    pub fn wait_for(&self, text: &str, deadline: Duration) -> String {
        let what = format!("a line with `{text}`");
        until(&what, deadline, || self.lines_with(text).into_iter().next())
    }

    /// Waits for the end of the stream, which comes when the process and all that it started have ended.
    pub(crate) fn finish(&mut self) {
        self.is_paused.store(false, Ordering::Relaxed);
        if let Some(reader) = self.reader.take() {
            reader.join().expect("reading does not panic");
        }
    }
}

/// The thread that reads would sleep for ever.
impl Drop for Output {
    fn drop(&mut self) {
        self.is_paused.store(false, Ordering::Relaxed);
    }
}

fn lock(bytes: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    bytes.lock().unwrap_or_else(PoisonError::into_inner)
}
