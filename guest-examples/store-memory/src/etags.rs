//! Etags: the number of this run and a count.
//!
//! A count alone would begin anew when the host replaces the instance, and an etag that an app still holds from before
//! would then match a value that it has never seen.

/// Gives out etags, each once.
pub struct Etags {
    run: u64,
    count: u64,
}

impl Etags {
    /// Those of a run. Its number must be another in each instance.
    pub fn new(run: u64) -> Self {
        Self { run, count: 0 }
    }

    /// One that has not been given out before.
    pub fn next(&mut self) -> String {
        self.count += 1;
        format!("{:016x}-{:x}", self.run, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_etag_comes_back_in_a_run_or_the_next() {
        let (mut first, mut second) = (Etags::new(1), Etags::new(2));
        let given = [first.next(), first.next(), second.next(), second.next()];
        for (index, etag) in given.iter().enumerate() {
            assert!(!given[..index].contains(etag), "{given:?}");
        }
    }
}
