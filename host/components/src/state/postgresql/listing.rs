//! A page of keys.

use super::fault::{Fault, Stage};
use super::session::Session;
use super::store::Request;
use crate::state::walk::{Item, Step, Walk};
use dapr_blocks::state::{Listing, StateError, StoredPage};

/// A listing. Mostly one round trip; one more where an app has others' keys among its own.
pub(super) struct Page<'a>(pub(super) &'a Listing);

/// Behind all keys that an app can name: the last character, more often than a key is long.
const BEHIND_ALL: usize = 1024;

/// Keys that are asked for at once at least: a walk leaps over others' keys once it has seen some dozens.
const AT_LEAST: usize = 100;

impl Request for Page<'_> {
    type Answer = StoredPage;
    const STAGE: Stage = Stage::Read;

    async fn ask(&self, session: &Session) -> Result<StoredPage, Fault> {
        if self.0.position().is_some_and(|position| position.contains('\0')) {
            return Err(StateError::Invalid("the cursor was not given out by this store".to_owned()).into());
        }
        let end = behind(self.0.prefix()).unwrap_or_else(|| char::MAX.to_string().repeat(BEHIND_ALL));
        let (mut walk, most) = (Walk::new(self.0), (self.0.limit() + 1).max(AT_LEAST));
        loop {
            let rows = keys(session, &walk, &end, most).await?;
            let mut step = Step::Done;
            for key in &rows {
                step = walk.look(key.as_bytes(), Item::Live);
                if step != Step::On {
                    break;
                }
            }
            match (step, rows.last()) {
                (Step::On, Some(last)) if rows.len() == most => walk.go_on_behind(last.as_bytes()),
                (Step::Pause, _) => {}
                _ => return Ok(walk.page()),
            }
        }
    }
}

/// So many keys from where a walk has come to.
async fn keys(session: &Session, walk: &Walk, end: &str, most: usize) -> Result<Vec<String>, Fault> {
    // Where it goes on behind a key, that ends in a NUL, which PostgreSQL's texts cannot have.
    let (from, including) = match walk.from() {
        [key @ .., 0] => (key, false),
        key => (key, true),
    };
    let from = String::from_utf8_lossy(from);
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = session
        .client()
        .query(&session.statements.keys, &[&from, &including, &end, &most])
        .await;
    let keys = rows.and_then(|rows| rows.iter().map(|row| row.try_get(0)).collect());
    keys.map_err(|error| Fault::new(error, Stage::Read))
}

/// The least text behind all that begin with this one. None if nothing is behind them.
fn behind(text: &str) -> Option<String> {
    let mut ends = text.char_indices().rev();
    ends.find_map(|(end, last)| Some(format!("{}{}", &text[..end], (last..=char::MAX).nth(1)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_end_behind_all_that_begin_with_the_prefix() {
        assert_eq!(behind("app||").as_deref(), Some("app|}"));
        assert_eq!(behind("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(behind("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(behind(""), None);
    }
}
