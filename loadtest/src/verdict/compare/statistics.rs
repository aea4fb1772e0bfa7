//! Student's interval of paired differences, and the bootstrap where there is one pair only.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use statrs::distribution::{ContinuousCDF as _, StudentsT};

/// Mean and interval of the differences, at this confidence; no interval with fewer than two.
pub(super) fn paired(differences: &[f64], confidence: f64) -> (f64, Option<(f64, f64)>) {
    let n = number(differences.len());
    let mean = differences.iter().sum::<f64>() / n.max(1.0);
    if differences.len() < 2 {
        return (mean, None);
    }
    let variance = differences.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let half = student(1.0 - (1.0 - confidence) / 2.0, n - 1.0) * (variance / n).sqrt();
    (mean, Some((mean - half, mean + half)))
}

/// The quantile of Student's distribution; endless where the degrees of freedom make none.
pub(super) fn student(probability: f64, freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::INFINITY, |student| student.inverse_cdf(probability))
}

/// Draws whole stretches of `0..seconds` again and again, and hands over what `figure` makes of each draw. Stretches, because a bad
/// second is seldom alone. The same seed draws the same. Of fewer than ten seconds nothing can be drawn.
pub(super) fn draws<T>(seconds: usize, draws: usize, seed: u64, mut figure: impl FnMut(&[usize]) -> T) -> Vec<T> {
    if seconds < 10 {
        return Vec::new();
    }
    let stretch = seconds.isqrt().clamp(1, 30);
    let mut random = StdRng::seed_from_u64(seed);
    let mut drawn = Vec::with_capacity(seconds + stretch);
    (0..draws)
        .map(|_| {
            drawn.clear();
            while drawn.len() < seconds {
                let from = random.random_range(0..seconds);
                // Around the end: no second is drawn less often than another.
                drawn.extend((from..from + stretch).map(|second| second % seconds));
            }
            drawn.truncate(seconds);
            figure(&drawn)
        })
        .collect()
}

/// What lies in the middle of rising values, at this confidence; `None` of fewer than a hundred.
pub(super) fn middle(rising: &[f64], confidence: f64) -> Option<(f64, f64)> {
    if rising.len() < 100 {
        return None;
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within 0 and the number of draws"
    )]
    let at = |part: f64| rising[(part * number(rising.len() - 1)).round() as usize];
    Some((at((1.0 - confidence) / 2.0), at(1.0 - (1.0 - confidence) / 2.0)))
}

#[allow(clippy::cast_precision_loss, reason = "numbers of runs, seconds and draws")]
fn number(of: usize) -> f64 {
    of as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn student_is_the_one_of_the_tables() {
        for (probability, freedom, table) in [
            (0.975, 1.0, 12.706_2),
            (0.975, 4.0, 2.776_4),
            (0.975, 30.0, 2.042_3),
            (0.995, 9.0, 3.249_8),
            (0.95, 2.0, 2.920_0),
        ] {
            let found = student(probability, freedom);
            assert!(
                (found - table).abs() < 1e-3,
                "{probability} with {freedom}: {found}, not {table}"
            );
        }
    }

    #[test]
    fn the_interval_of_a_textbook_sample() {
        // Mean 2, standard deviation 1, three values: 2 ± 4.3027 / √3.
        let (mean, interval) = paired(&[1.0, 2.0, 3.0], 0.95);
        let (low, high) = interval.expect("three are enough");
        assert!(
            (mean - 2.0).abs() < 1e-12 && (low + 0.484).abs() < 1e-3 && (high - 4.484).abs() < 1e-3,
            "{low} {high}"
        );
        assert_eq!(paired(&[1.0], 0.95).1, None);
    }

    #[test]
    fn the_bootstrap_is_the_same_for_the_same_seed_and_holds_the_mean() {
        let values: Vec<f64> = (0..100_u32).map(|second| f64::from(second * 37 % 11)).collect();
        let again = |seed| {
            let mut means = draws(100, 500, seed, |drawn| {
                drawn.iter().map(|second| values[*second]).sum::<f64>() / 100.0
            });
            means.sort_by(f64::total_cmp);
            middle(&means, 0.95)
        };
        assert_eq!(again(7), again(7));
        let (low, high) = again(7).expect("a hundred seconds are enough");
        let truth = values.iter().sum::<f64>() / 100.0;
        assert!(low < truth && truth < high && high - low < 3.0, "{low} {truth} {high}");
        assert!(draws(9, 500, 7, <[usize]>::len).is_empty());
    }
}
