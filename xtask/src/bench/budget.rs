//! The figures that the design promises, and what a measured one is beside them.

use crate::figure::NONE;
use std::fmt;

/// A promised figure.
#[derive(Clone, Copy, Debug)]
pub(super) enum Budget {
    AtLeast(f64),
    AtMost(f64),
}

/// What a measured figure is beside the promised one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Verdict {
    Met,
    /// By this part of the budget.
    Missed(f64),
}

/// The budgets of a section that were missed, each as a sentence.
#[derive(Default)]
pub(super) struct Missed(Vec<String>);

impl Budget {
    pub(super) fn figure(self) -> f64 {
        match self {
            Self::AtLeast(figure) | Self::AtMost(figure) => figure,
        }
    }

    pub(super) fn verdict(self, measured: f64) -> Verdict {
        let budget = self.figure();
        let met = match self {
            Self::AtLeast(_) => measured >= budget,
            Self::AtMost(_) => measured <= budget,
        };
        if met {
            Verdict::Met
        } else {
            Verdict::Missed((measured - budget).abs() / budget)
        }
    }
}

impl Missed {
    /// Three cells: the budget, the measured figure as its multiple, and what came of it. Notes a miss of `what`.
    pub(super) fn judge(&mut self, what: &str, measured: f64, budget: Option<Budget>) -> [String; 3] {
        let Some(budget) = budget else {
            return [NONE; 3].map(str::to_owned);
        };
        let (figure, verdict) = (budget.figure(), budget.verdict(measured));
        if let Verdict::Missed(by) = verdict {
            self.0.push(format!("{what}, by {}", percent(by)));
        }
        let shown = if figure < 100.0 {
            figure.to_string()
        } else {
            crate::figure::whole(figure)
        };
        [shown, format!("{:.2}", measured / figure), verdict.to_string()]
    }

    pub(super) fn sentences(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Met => f.write_str("met"),
            Self::Missed(by) => write!(f, "**missed by {}**", percent(by)),
        }
    }
}

/// Never rounded to nothing.
fn percent(part: f64) -> String {
    format!("{:.0} %", (part * 100.0).round().max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_miss_is_a_part_of_the_budget_and_never_rounded_away() {
        assert_eq!(Budget::AtLeast(100.0).verdict(100.0), Verdict::Met);
        assert_eq!(Budget::AtMost(100.0).verdict(100.0), Verdict::Met);
        assert_eq!(Budget::AtLeast(100.0).verdict(75.0).to_string(), "**missed by 25 %**");
        assert_eq!(Budget::AtMost(1000.0).verdict(1001.0).to_string(), "**missed by 1 %**");
    }

    #[test]
    fn misses_are_noted_and_the_rest_is_not() {
        let mut missed = Missed::default();
        assert_eq!(missed.judge("a", 2.0, None), ["–", "–", "–"]);
        assert_eq!(
            missed.judge("b", 60.0, Some(Budget::AtLeast(50.0))),
            ["50", "1.20", "met"]
        );
        assert_eq!(
            missed.judge("c", 2000.0, Some(Budget::AtMost(1000.0))),
            ["1 000", "2.00", "**missed by 100 %**"]
        );
        assert_eq!(missed.sentences(), ["c, by 100 %"]);
    }
}
