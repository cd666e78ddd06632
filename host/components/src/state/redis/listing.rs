//! Which keys are listed, and which of them are a page.
//!
//! Redis has no order. Its SCAN goes through all keys in steps, from a number that each step gives for the next, and promises
//! that a key that is there all the time comes at least once. So there are two ways to make pages:
//!
//! | database | a page is | the next one begins |
//! |---|---|---|
//! | small: a round has [`ROUND`] steps at most | the first keys of a whole round, in order | behind its last key |
//! | large | what some steps give | at the step where it was full, or [`STRETCH`] steps were done |
//!
//! In order, each key comes once. By steps one may come twice, where Redis makes its table larger or smaller meanwhile; but a
//! page costs the same in a database of any size.

use dapr_blocks::state::{Listing, StateError, StoredPage};
use std::collections::BTreeMap;
use std::str::FromStr;

/// Keys that the server looks at in one step. It does nothing else meanwhile, for a third of a millisecond.
pub(super) const STEP: usize = 1000;

/// Steps of a whole round, at most.
const ROUND: usize = 100;

/// Steps of one page of a large database, at most: some hundredths of a second.
const STRETCH: usize = 100;

/// The number of the first step, and what the last one gives for the next.
const ENDS: u64 = 0;

/// A page that is being made.
#[derive(Debug)]
pub(super) enum Walk<'a> {
    /// In order, by a whole round.
    Round(Round<'a>),
    /// By steps.
    Steps(Steps<'a>),
}

/// What came of a step.
#[derive(Debug)]
pub(super) enum Turn<'a> {
    Goes(Walk<'a>),
    Page(StoredPage),
}

impl<'a> Walk<'a> {
    /// A page that is begun.
    ///
    /// # Errors
    ///
    /// [`StateError::Invalid`] if no page of this listing can begin where this one is to.
    pub(super) fn new(listing: &'a Listing) -> Result<Self, StateError> {
        match listing.position() {
            Some(text) if !listing.has(text) => {
                let position = text.parse();
                let invalid = |_| StateError::Invalid("no page of this listing ends there".to_owned());
                Ok(Self::Steps(Steps::new(listing, position.map_err(invalid)?)))
            }
            // The last key of the page before may be gone by now.
            behind => Ok(Self::Round(Round {
                listing,
                behind,
                step: ENDS,
                steps: 0,
                keys: BTreeMap::new(),
            })),
        }
    }

    /// The step to do.
    pub(super) fn step(&self) -> u64 {
        match self {
            Self::Round(round) => round.step,
            Self::Steps(steps) => steps.position.step,
        }
    }

    /// Takes the keys of that step, and the number of the next.
    pub(super) fn take(self, found: Vec<Vec<u8>>, next: u64) -> Turn<'a> {
        match self {
            Self::Round(round) => round.take(found, next),
            Self::Steps(steps) => steps.take(found, next),
        }
    }
}

/// The keys that are the app's own. One that is no text, no app can name.
fn own(listing: &Listing, found: Vec<Vec<u8>>) -> impl Iterator<Item = String> {
    let texts = found.into_iter().filter_map(|key| String::from_utf8(key).ok());
    texts.filter(|key| listing.has(key))
}

/// A page in order.
#[derive(Debug)]
pub(super) struct Round<'a> {
    listing: &'a Listing,
    behind: Option<&'a str>,
    step: u64,
    steps: usize,
    /// The first keys, one more than the page has: whether there is a next one.
    keys: BTreeMap<String, ()>,
}

impl<'a> Round<'a> {
    fn take(mut self, found: Vec<Vec<u8>>, next: u64) -> Turn<'a> {
        let behind = self.behind;
        for key in own(self.listing, found).filter(|key| behind.is_none_or(|last| **key > *last)) {
            self.keys.insert(key, ());
            if self.keys.len() > self.listing.limit() + 1 {
                self.keys.pop_last();
            }
        }
        self.steps += 1;
        self.step = next;
        if next == ENDS {
            return Turn::Page(self.page());
        }
        if self.steps < ROUND || behind.is_some() {
            return Turn::Goes(Walk::Round(self));
        }
        // It is a large database, and nothing of it was listed yet.
        Turn::Goes(Walk::Steps(Steps::new(self.listing, Position::at(ENDS))))
    }

    fn page(mut self) -> StoredPage {
        let has_next = self.keys.len() > self.listing.limit();
        if has_next {
            self.keys.pop_last();
        }
        let keys: Vec<_> = self.keys.into_keys().collect();
        StoredPage {
            next: keys.last().filter(|_| has_next).cloned(),
            keys,
        }
    }
}

/// A page by steps.
#[derive(Debug)]
pub(super) struct Steps<'a> {
    listing: &'a Listing,
    position: Position,
    steps: usize,
    keys: BTreeMap<String, ()>,
}

impl<'a> Steps<'a> {
    fn new(listing: &'a Listing, position: Position) -> Self {
        Self {
            listing,
            position,
            steps: 0,
            keys: BTreeMap::new(),
        }
    }

    fn take(mut self, found: Vec<Vec<u8>>, next: u64) -> Turn<'a> {
        // By hash, so that a position within a step names no key.
        let mut found: Vec<_> = own(self.listing, found).map(|key| (hash(&key), key)).collect();
        found.sort_unstable();
        let listed = self.position.listed(next);
        for (hash, key) in found
            .into_iter()
            .filter(|(hash, _)| listed.is_none_or(|last| *hash > last))
        {
            if self.keys.len() == self.listing.limit() {
                return Turn::Page(self.page());
            }
            self.position.within = Some(Within { next, hash });
            self.keys.insert(key, ());
        }
        self.steps += 1;
        self.position = Position::at(next);
        if next == ENDS {
            let keys = self.keys.into_keys().collect();
            return Turn::Page(StoredPage { keys, next: None });
        }
        if self.keys.len() < self.listing.limit() && self.steps < STRETCH {
            return Turn::Goes(Walk::Steps(self));
        }
        Turn::Page(self.page())
    }

    fn page(self) -> StoredPage {
        StoredPage {
            next: Some(self.position.to_string()),
            keys: self.keys.into_keys().collect(),
        }
    }
}

/// Where a page begins in a large database: at a step, or within it. As text it begins with NUL, which no key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    step: u64,
    within: Option<Within>,
}

/// How much of a step was listed: up to this hash, as long as the next step is still this one. Where it is not, Redis has made
/// its table anew, and the step has other keys, so that all of it is listed once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Within {
    next: u64,
    hash: u64,
}

impl Position {
    fn at(step: u64) -> Self {
        Self { step, within: None }
    }

    /// The hash up to which this step was listed before.
    fn listed(self, next: u64) -> Option<u64> {
        let within = self.within.filter(|within| within.next == next);
        within.map(|within| within.hash)
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\0{}", self.step)?;
        match self.within {
            Some(Within { next, hash }) => write!(f, " {next} {hash}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let numbers = text.strip_prefix('\0').ok_or(())?.split(' ');
        let numbers: Result<Vec<u64>, _> = numbers.map(str::parse).collect();
        match numbers.map_err(|_| ())?.as_slice() {
            [step] => Ok(Self::at(*step)),
            [step, next, hash] => Ok(Self {
                step: *step,
                within: Some(Within {
                    next: *next,
                    hash: *hash,
                }),
            }),
            _ => Err(()),
        }
    }
}

/// FNV-1a. Two keys of one step that had the same would have to be an app's own doing.
fn hash(key: &str) -> u64 {
    key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// What SCAN matches: the prefix as it is, and anything behind it.
pub(super) fn pattern(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 1);
    for char in prefix.chars() {
        if matches!(char, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    pattern + "*"
}

#[cfg(test)]
mod tests {
    use super::*;
    use dapr_blocks::state::{KeyPrefix, Limits, PageLimit};

    fn listing(limit: u32) -> Listing {
        let owner = KeyPrefix::AppId.resolve("app", "s", None);
        let listing = owner.listing("", &Limits::default()).unwrap();
        listing.page(PageLimit::new(limit).unwrap(), None).unwrap()
    }

    fn bytes(keys: &[String]) -> Vec<Vec<u8>> {
        keys.iter().map(|key| key.as_bytes().to_vec()).collect()
    }

    fn page(turn: Turn<'_>) -> StoredPage {
        match turn {
            Turn::Page(page) => page,
            Turn::Goes(walk) => panic!("it goes on: {walk:?}"),
        }
    }

    #[test]
    fn in_a_small_database_a_page_is_the_first_keys_in_order_each_once() {
        let listing = listing(2);
        let found = [
            "app||d",
            "app||b",
            "app||a",
            "app||b",
            "app||c",
            "app||a||id||k",
            "app2||a",
        ]
        .map(str::to_owned);
        let first = page(Walk::new(&listing).unwrap().take(bytes(&found), ENDS));
        assert_eq!(first.keys, ["app||a", "app||b"]);
        assert_eq!(first.next.as_deref(), Some("app||b"));
        let only = page(Walk::new(&listing).unwrap().take(bytes(&found[..1]), ENDS));
        assert_eq!(only.next, None);
    }

    /// Pages by steps of a database that gives these keys, as a round of steps, until the last page.
    fn by_steps(listing: &Listing, rounds: &[Vec<String>], from: Position) -> Vec<Vec<String>> {
        let mut pages = Vec::new();
        let mut position = from;
        loop {
            let mut walk = Walk::Steps(Steps::new(listing, position));
            let page = loop {
                let step = usize::try_from(walk.step()).unwrap();
                let next = if step + 1 < rounds.len() { step as u64 + 1 } else { ENDS };
                match walk.take(bytes(&rounds[step]), next) {
                    Turn::Goes(next) => walk = next,
                    Turn::Page(page) => break page,
                }
            };
            pages.push(page.keys);
            match page.next {
                Some(next) => position = next.parse().unwrap(),
                None => return pages,
            }
        }
    }

    fn steps(steps: usize, keys: usize) -> Vec<Vec<String>> {
        let step = |step| (0..keys).map(|key| format!("app||{step}/{key}")).collect();
        (0..steps).map(step).collect()
    }

    #[test]
    fn in_a_large_database_pages_give_every_key_once_whatever_their_limit() {
        let rounds = steps(7, 5);
        let mut expected = rounds.concat();
        expected.sort();
        for limit in [1, 2, 3, 5, 7, 34, 35, 36] {
            let pages = by_steps(&listing(limit), &rounds, Position::at(ENDS));
            assert!(pages.iter().all(|page| page.len() <= limit as usize), "{limit}");
            let mut found = pages.concat();
            found.sort();
            assert_eq!(found, expected, "{limit}");
        }
    }

    #[test]
    fn a_page_of_a_large_database_ends_after_a_stretch_also_without_a_key() {
        let pages = by_steps(&listing(10), &steps(2 * STRETCH + 1, 0), Position::at(ENDS));
        assert_eq!(pages.len(), 3);
    }

    #[test]
    fn a_step_whose_keys_are_others_by_now_is_listed_from_its_beginning() {
        let listing = listing(2);
        let keys = &steps(1, 4)[0];
        let walk = Walk::Steps(Steps::new(&listing, Position::at(8)));
        let first = page(walk.take(bytes(keys), 9));
        let position: Position = first.next.unwrap().parse().unwrap();
        assert_eq!((position.step, position.listed(9).is_some()), (8, true));
        let same = page(Walk::Steps(Steps::new(&listing, position)).take(bytes(keys), 9));
        assert!(same.keys.iter().all(|key| !first.keys.contains(key)));
        let again = page(Walk::Steps(Steps::new(&listing, position)).take(bytes(keys), 10));
        assert_eq!(again.keys, first.keys);
    }

    #[test]
    fn a_database_turns_out_to_be_large_before_anything_was_listed() {
        let listing = listing(2);
        let mut walk = Walk::new(&listing).unwrap();
        for step in 1..=ROUND {
            let turn = walk.take(bytes(&["app||k".to_owned()]), step as u64);
            let Turn::Goes(next) = turn else { panic!("{turn:?}") };
            walk = next;
        }
        assert!(matches!(walk, Walk::Steps(_)));
        assert_eq!(walk.step(), ENDS);
    }

    #[test]
    fn a_position_is_a_text_that_no_key_is() {
        let at = Position::at(17);
        let within = Position {
            within: Some(Within {
                next: 3,
                hash: u64::MAX,
            }),
            ..at
        };
        for position in [at, within] {
            let text = position.to_string();
            assert_eq!(text.parse(), Ok(position));
            assert!(!listing(1).has(&format!("app||{text}")));
        }
        for text in ["", "a", "17 1", "17 1 2 3", "17 -1 2"] {
            assert_eq!(format!("\0{text}").parse::<Position>(), Err(()), "{text:?}");
        }
        for text in ["", "17", "app||k"] {
            assert_eq!(text.parse::<Position>(), Err(()), "{text:?}");
        }
    }

    #[test]
    fn what_redis_would_take_for_a_pattern_stands_for_itself() {
        assert_eq!(pattern("app||a*[b]?\\"), "app||a\\*\\[b\\]\\?\\\\*");
    }
}
