//! What the host says, without the secrets that its configuration refers to.
//!
//! The host itself shows none: its errors name a secret and never hold it. But it repeats what others say, and a server, a
//! driver or a store in WebAssembly may quote a setting that it does not like. So all that goes out is searched for what was
//! fetched, as the last line of defence and not the first.
//!
//! What is shorter than [`SHORTEST`] is not searched for: `5432` in a log is a port far more often than a secret. Nor is what
//! others have made something else of, as base64 does. What apps print is theirs, and goes out as it is.
//!
//! While secrets are fetched, nobody knows yet what must not be seen, and a store in WebAssembly may say what it reads. So the
//! log and what stores print are held back until all is known.

use dapr_blocks::config::{Fetched, FetchedSecrets};
use dapr_blocks::secrets::Secret;
use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Bytes of the shortest text that is searched for.
pub(crate) const SHORTEST: usize = 6;

/// How often it may have been quoted: by the log, and by whoever is quoted there.
const QUOTED: usize = 2;

/// What stands in its place.
const MASK: &str = "(secret)";

/// Known once the secrets are fetched. There is one for the process, as there is one standard error.
static MASKS: OnceLock<Masks> = OnceLock::new();

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

/// Shows none of these from now on: secrets, and what the tables of their stores have from elsewhere.
pub(crate) fn hide<'a>(secrets: &FetchedSecrets, settings: impl IntoIterator<Item = &'a str>) {
    // A configuration is read once; whoever reads another does not show it.
    let _ = MASKS.set(Masks::of(secrets, settings));
}

/// A text without secrets.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    match MASKS.get() {
        Some(masks) => masks.apply(text),
        None => Cow::Borrowed(text),
    }
}

/// Whether there is anything to be masked.
pub(crate) fn is_masking() -> bool {
    MASKS.get().is_some_and(|masks| !masks.0.is_empty())
}

/// The texts that are searched for, the longest first: one may be a part of another.
struct Masks(Vec<Secret>);

impl Masks {
    fn of<'a>(secrets: &FetchedSecrets, settings: impl IntoIterator<Item = &'a str>) -> Self {
        let found = secrets.iter().filter_map(|fetched| match fetched {
            Fetched::Found(values) => Some(values),
            _ => None,
        });
        let settings: Vec<_> = settings.into_iter().map(own).collect();
        let values = found.flat_map(|values| values.values()).chain(&settings);
        let mut masks: Vec<_> = values.flat_map(forms).collect();
        masks.sort_by(|one, other| {
            let length = |mask: &Secret| mask.expose().len();
            length(other)
                .cmp(&length(one))
                .then_with(|| one.expose().cmp(other.expose()))
        });
        masks.dedup_by(|one, other| one.expose() == other.expose());
        Self(masks)
    }

    fn apply<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for mask in &self.0 {
            if text.contains(mask.expose()) {
                text = Cow::Owned(text.replace(mask.expose(), MASK));
            }
        }
        text
    }
}

/// How a secret may be written: itself and each of its lines, as it is, quoted, and quoted by who quotes that.
fn forms(secret: &Secret) -> Vec<Secret> {
    let text = secret.expose().trim();
    let pieces = text.lines().map(str::trim).chain([text]);
    let mut forms: Vec<_> = pieces.filter(|piece| piece.len() >= SHORTEST).map(own).collect();
    let mut quoted_already = 0;
    for _ in 0..QUOTED {
        let next: Vec<_> = forms.iter().skip(quoted_already).flat_map(quoted).collect();
        quoted_already = forms.len();
        forms.extend(next);
    }
    forms
}

fn own(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// A text as it stands between quotes, in Rust's words and in JSON.
fn quoted(text: &Secret) -> [Secret; 2] {
    let text = text.expose();
    let json = Secret::new(serde_json::to_string(text).unwrap_or_default());
    let inside = json.expose().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    [
        Secret::new(text.escape_debug().to_string()),
        own(inside.unwrap_or(text)),
    ]
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

    fn masks(values: &[&str]) -> Masks {
        let mut secrets = FetchedSecrets::of_stores(["vault"]);
        let keys = values.iter().enumerate();
        let values = keys.map(|(key, value)| (key.to_string(), Secret::new((*value).to_owned())));
        secrets.insert("vault", "s", Fetched::Found(values.collect()));
        Masks::of(&secrets, [])
    }

    #[test]
    fn a_secret_is_masked_however_it_is_written() {
        let masks = masks(&["hun\"ter\\2\n"]);
        let text = "hun\"ter\\2";
        let json = serde_json::to_string(text).unwrap();
        assert_eq!(
            masks.apply(&format!("a {text} b {text:?} c {json}")),
            "a (secret) b \"(secret)\" c \"(secret)\""
        );
    }

    #[test]
    fn a_secret_in_a_quotation_of_a_quotation_is_masked() {
        let text = "hun\"ter\\2 é\tx";
        let masks = masks(&[text]);
        let (debug, json) = (format!("{text:?}"), serde_json::to_string(text).unwrap());
        for quoted in [
            format!("{debug:?}"),
            format!("{json:?}"),
            serde_json::to_string(&debug).unwrap(),
        ] {
            assert_eq!(masks.apply(&quoted), r#""\"(secret)\"""#);
        }
    }

    #[test]
    fn the_longer_of_two_is_masked_whole() {
        let masks = masks(&["hunter2", "hunter2-and-more"]);
        assert_eq!(masks.apply("hunter2-and-more, hunter2"), "(secret), (secret)");
    }

    #[test]
    fn a_setting_of_a_store_that_stands_elsewhere_is_masked() {
        let masks = Masks::of(&FetchedSecrets::default(), ["s.token", "short"]);
        assert_eq!(masks.apply("s.token is short"), "(secret) is short");
    }

    #[test]
    fn each_line_is_masked_and_what_is_short_is_not() {
        let masks = masks(&["-----BEGIN\nabcdefgh\n", "5432"]);
        assert_eq!(masks.apply("abcdefgh at 5432"), "(secret) at 5432");
    }
}
