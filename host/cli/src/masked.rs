//! What the host says, without the secrets that its configuration refers to.
//!
//! The host itself shows none: its errors name a secret and never hold it. But it repeats what others say, and a server, a
//! driver or a store in WebAssembly may quote a setting that it does not like. So all that goes out is searched for what was
//! fetched, as the last line of defence and not the first.
//!
//! What apps print is theirs, and goes out as it is.
//!
//! While secrets are fetched, nobody knows yet what must not be seen, and a store in WebAssembly may say what it reads. So the
//! log and what stores print are held back until all is known.

use crate::masks::Masks;
use dapr_blocks::secrets::Secret;
use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

/// What stands in its place.
const MASK: &str = "(secret)";

/// There is one for the process, as there is one standard error.
static KNOWN: RwLock<Known> = RwLock::new(Known::new());

/// Texts of what secret stores have answered that are searched for at least: more than an app's secrets have lines. What has to be
/// escaped in quotes is there in up to five forms.
const MOST_READ: usize = 4096;

/// Bytes of them: with a certificate's chain for each of a hundred servers.
const MOST_BYTES_READ: usize = 1 << 20;

/// Bytes of the longest that is searched for. A longer one is a file, and no line of a log has it whole.
const LONGEST_READ: usize = 64 << 10;

/// Bytes that are held back at most: a store that says more than that says it to nobody.
const MOST_HELD: usize = 1 << 20;

/// What is held back, while something is.
static HELD: Mutex<Option<String>> = Mutex::new(None);

/// Holds back the log, and what stores print, until this is dropped.
#[must_use = "nothing is held back any more when it is dropped"]
pub(crate) struct Held(());

/// Holds back what others say until it is known what must not be seen.
pub(crate) fn hold() -> Held {
    held().get_or_insert_default();
    Held(())
}

fn held() -> MutexGuard<'static, Option<String>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Held {
    fn drop(&mut self) {
        // Not in one expression: printing asks whether anything is held back.
        let text = held().take();
        print(&text.unwrap_or_default());
    }
}

/// Prints what others say to standard error, now or when it is no longer held back.
pub(crate) fn print(text: &str) {
    {
        let mut held = held();
        if let Some(held) = held.as_mut() {
            if held.len() + text.len() <= MOST_HELD {
                held.push_str(text);
            }
            return;
        }
    }
    // Nobody may be left to read it.
    let _ = io::stderr().write_all(masked(text).as_bytes());
}

/// Shows none of these from now on: what the configuration refers to.
pub(crate) fn hide<'a>(secrets: impl IntoIterator<Item = &'a Secret>) {
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    secrets.into_iter().for_each(|secret| known.always.add(secret));
}

/// Shows none of these from now on, which a secret store has answered: but for those of more than [`LONGEST_READ`] bytes, and until
/// [`MOST_READ`] texts or [`MOST_BYTES_READ`] of them have been read since.
pub(crate) fn hide_read<'a>(values: impl Iterator<Item = &'a Secret>) {
    // An app reads most of them again and again.
    let new: Vec<_> = {
        let known = known();
        let short = values.filter(|value| value.expose().len() <= LONGEST_READ);
        short.filter(|value| !known.has(value)).collect()
    };
    if !new.is_empty() {
        let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
        new.into_iter().for_each(|value| known.add_read(value));
    }
}

/// A text without secrets.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    known().apply(text)
}

/// Whether there is anything to be masked.
pub(crate) fn is_masking() -> bool {
    !known().always.is_empty()
}

fn known() -> RwLockReadGuard<'static, Known> {
    KNOWN.read().unwrap_or_else(PoisonError::into_inner)
}

/// The secrets that are searched for.
struct Known {
    /// What the configuration refers to.
    always: Masks,
    /// What secret stores have answered: of late, and before. When the former are enough, they become the latter.
    read: [Masks; 2],
}

impl Known {
    const fn new() -> Self {
        Self {
            always: Masks::new(),
            read: [Masks::new(), Masks::new()],
        }
    }

    fn sets(&self) -> [&Masks; 3] {
        let [late, before] = &self.read;
        [&self.always, late, before]
    }

    /// Whether a secret is searched for, and will be for a while.
    fn has(&self, secret: &Secret) -> bool {
        let [late, _] = &self.read;
        self.always.has(secret) || late.has(secret)
    }

    fn add_read(&mut self, secret: &Secret) {
        let [late, before] = &mut self.read;
        if late.exceeds(MOST_READ, MOST_BYTES_READ) {
            *before = std::mem::replace(late, Masks::new());
        }
        late.add(secret);
    }

    /// The end of the longest secret that begins at a place of a text.
    fn end(&self, text: &str, at: usize) -> Option<usize> {
        let bytes = text.as_bytes().get(at..)?;
        let lengths = self.sets().into_iter().filter_map(|masks| masks.at(bytes));
        lengths.max().map(|length| at + length)
    }

    /// The text with all that is a part of a secret masked: secrets may overlap.
    fn apply<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.sets().into_iter().all(Masks::is_empty) {
            return Cow::Borrowed(text);
        }
        let mut shown = String::new();
        // What is written so far, with what is masked.
        let mut done = 0;
        for at in 0..text.len() {
            let Some(end) = self.end(text, at) else { continue };
            if at >= done {
                shown.push_str(text.get(done..at).unwrap_or_default());
                shown.push_str(MASK);
            }
            done = done.max(end);
        }
        match done {
            0 => Cow::Borrowed(text),
            done => Cow::Owned(shown + text.get(done..).unwrap_or_default()),
        }
    }
}

/// Standard error without secrets, for the log: an event is written at once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MaskedStderr;

impl Write for MaskedStderr {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        print(&String::from_utf8_lossy(event));
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(values: &[&str]) -> Known {
        let mut known = Known::new();
        let secrets = values.iter().map(|value| Secret::new((*value).to_owned()));
        secrets.for_each(|secret| known.always.add(&secret));
        known
    }

    #[test]
    fn a_secret_is_masked_however_it_is_written() {
        let known = known(&["hun\"ter\\2\n"]);
        let text = "hun\"ter\\2";
        let json = serde_json::to_string(text).unwrap();
        assert_eq!(
            known.apply(&format!("a {text} b {text:?} c {json}")),
            "a (secret) b \"(secret)\" c \"(secret)\""
        );
    }

    #[test]
    fn a_secret_in_a_quotation_of_a_quotation_is_masked() {
        let text = "hun\"ter\\2 é\tx";
        let known = known(&[text]);
        let (debug, json) = (format!("{text:?}"), serde_json::to_string(text).unwrap());
        for quoted in [
            format!("{debug:?}"),
            format!("{json:?}"),
            serde_json::to_string(&debug).unwrap(),
        ] {
            assert_eq!(known.apply(&quoted), r#""\"(secret)\"""#);
        }
    }

    #[test]
    fn the_longer_of_two_is_masked_whole() {
        let known = known(&["hunter2", "hunter2-and-more"]);
        assert_eq!(known.apply("hunter2-and-more, hunter2"), "(secret), (secret)");
    }

    #[test]
    fn of_two_that_overlap_no_part_is_left() {
        let known = known(&["abcdefgh", "efghijkl", "ijklmnop"]);
        assert_eq!(known.apply("-abcdefghijklmnop-efghijklm"), "-(secret)-(secret)m");
        assert_eq!(known.apply("é abcdefgh é"), "é (secret) é");
    }

    #[test]
    fn of_what_was_read_the_last_is_masked_and_what_was_read_long_ago_is_forgotten() {
        let secret = |number: usize| Secret::new(format!("secret-{number:08}-"));
        let mut known = known(&["configured"]);
        for number in 0..3 * MOST_READ {
            known.add_read(&secret(number));
            // Whatever is read again stays.
            if !known.has(&secret(0)) {
                known.add_read(&secret(0));
            }
        }
        for number in [0, 2 * MOST_READ, 3 * MOST_READ - 1] {
            assert_eq!(known.apply(secret(number).expose()), "(secret)", "{number}");
        }
        assert_eq!(known.apply(secret(1).expose()), secret(1).expose());
        assert_eq!(known.apply("configured"), "(secret)");
        let kept: usize = known
            .read
            .iter()
            .map(|masks| usize::from(!masks.exceeds(MOST_READ + 8, usize::MAX)))
            .sum();
        assert_eq!(kept, 2);
    }

    #[test]
    fn each_line_is_masked_and_what_is_short_is_not() {
        let known = known(&["-----BEGIN\nabcdefgh\n", "5432"]);
        assert_eq!(known.apply("abcdefgh at 5432"), "(secret) at 5432");
    }
}
