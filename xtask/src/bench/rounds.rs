//! Measuring several subjects side by side, and what the middle of it is.

use anyhow::Result;

/// What `count` rounds over all subjects gave: for each subject its figures, in the order of the rounds.
///
/// One subject after the other in each round, since what else the machine does changes by the minute.
pub(super) fn interleaved<S, F>(
    count: usize,
    subjects: &[S],
    mut measure: impl FnMut(&S) -> Result<F>,
) -> Result<Vec<Vec<F>>> {
    let mut figures: Vec<Vec<F>> = subjects.iter().map(|_| Vec::with_capacity(count)).collect();
    for round in 1..=count {
        eprintln!("  round {round} of {count}");
        for (subject, figures) in subjects.iter().zip(&mut figures) {
            figures.push(measure(subject)?);
        }
    }
    Ok(figures)
}

/// The middle one. Of an even number the upper of the two in the middle.
pub(super) fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    quantile(figures, 0.5)
}

/// The least figure that more than this part of all of them are not above.
pub(super) fn quantile(figures: impl IntoIterator<Item = f64>, part: f64) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    let place = (figures.len() as f64 * part) as usize;
    figures.get(place).copied().unwrap_or(f64::NAN)
}

/// The least and the greatest.
pub(super) fn range(figures: impl IntoIterator<Item = f64>) -> (f64, f64) {
    figures
        .into_iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, greatest), figure| {
            (least.min(figure), greatest.max(figure))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_visits_all_subjects_in_order() {
        let mut visits = Vec::new();
        let figures = interleaved(2, &['a', 'b'], |subject| {
            visits.push(*subject);
            Ok(visits.len())
        });
        assert_eq!(figures.unwrap(), [[1, 3], [2, 4]]);
        assert_eq!(visits, ['a', 'b', 'a', 'b']);
    }

    #[test]
    fn the_median_is_not_moved_by_one_bad_round() {
        assert_eq!(median([3.0, 1000.0, 1.0]), 3.0);
        assert_eq!(range([3.0, 1000.0, 1.0]), (1.0, 1000.0));
    }

    #[test]
    fn a_quantile_has_its_part_below_it() {
        let hundred = || (0..100).rev().map(f64::from);
        assert_eq!(
            [0.0, 0.5, 0.99].map(|part| quantile(hundred(), part)),
            [0.0, 50.0, 99.0]
        );
        assert!(quantile([], 0.5).is_nan());
    }
}
