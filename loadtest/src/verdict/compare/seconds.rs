//! One pair of runs, second by second: their seconds drawn again, and what the figures of each draw are.

use super::statistics::draws;
use crate::record::{Record, Second};

/// The figures that seconds give, in this order: p50, p90, p99, success.
pub(super) const FIGURES: [&str; 4] = ["p50", "p90", "p99", "success"];
/// How often the seconds are drawn. The far tails that many figures ask for need more than a thousand.
const DRAWS: usize = 2000;

type Figures = [Option<f64>; 4];

/// One run: for each second what was offered, completed, and how many fell into which bucket of response times.
struct Side<'a> {
    seconds: Vec<Option<&'a Second>>,
    buckets: Vec<Vec<(usize, u64)>>,
}

impl<'a> Side<'a> {
    fn of(record: &'a Record, bounds: &[f64]) -> Self {
        let mut seconds = Vec::new();
        for second in &record.seconds {
            let at = second.at as usize;
            if seconds.len() <= at {
                seconds.resize(at + 1, None);
            }
            seconds[at] = Some(second);
        }
        let place = |(bound, count): &(f64, u64)| Some((bounds.binary_search_by(|other| other.total_cmp(bound)).ok()?, *count));
        let buckets = seconds
            .iter()
            .map(|second| second.map_or_else(Vec::new, |second| second.heat.iter().filter_map(place).collect()));
        Self {
            buckets: buckets.collect(),
            seconds,
        }
    }

    fn figures(&self, drawn: &[usize], bounds: &[f64]) -> Figures {
        let mut counts = vec![0; bounds.len()];
        let (mut completed, mut offered) = (0, 0);
        for second in drawn.iter().filter(|second| **second < self.seconds.len()) {
            for (bucket, count) in &self.buckets[*second] {
                counts[*bucket] += count;
            }
            if let Some(second) = self.seconds[*second] {
                (completed, offered) = (completed + second.completed, offered + second.offered);
            }
        }
        let at = |part| percentile(&counts, bounds, part);
        [at(0.5), at(0.9), at(0.99), super::figures::ratio(completed, offered)]
    }
}

/// The figures of the whole of A and of B, and for each figure the differences of all draws, rising.
pub(super) fn drawn_again(a: &Record, b: &Record) -> (Figures, Figures, [Vec<f64>; 4]) {
    let mut bounds: Vec<f64> = [a, b]
        .iter()
        .flat_map(|record| &record.seconds)
        .flat_map(|second| &second.heat)
        .map(|(bound, _)| *bound)
        .collect();
    bounds.sort_by(f64::total_cmp);
    bounds.dedup();
    let (a, b) = (Side::of(a, &bounds), Side::of(b, &bounds));
    let all: Vec<usize> = (0..a.seconds.len().max(b.seconds.len())).collect();
    let mut differences: [Vec<f64>; 4] = Default::default();
    // The same seconds on both sides: what came in them was the same.
    for (a, b) in draws(all.len(), DRAWS, 1, |drawn| {
        (a.figures(drawn, &bounds), b.figures(drawn, &bounds))
    }) {
        for (nth, differences) in differences.iter_mut().enumerate() {
            differences.extend(a[nth].zip(b[nth]).map(|(a, b)| b - a));
        }
    }
    differences
        .iter_mut()
        .for_each(|differences| differences.sort_by(f64::total_cmp));
    (a.figures(&all, &bounds), b.figures(&all, &bounds), differences)
}

/// A percentile of counts by bucket; between the bounds of a bucket in a straight line.
#[allow(clippy::cast_precision_loss, reason = "counts of one storm")]
fn percentile(counts: &[u64], bounds: &[f64], part: f64) -> Option<f64> {
    let wanted = part * counts.iter().sum::<u64>() as f64;
    let (mut below, mut passed) = (0.0, 0);
    for (count, bound) in counts.iter().zip(bounds) {
        if *count > 0 && (passed + count) as f64 >= wanted {
            return Some(below + (bound - below) * ((wanted - passed as f64) / *count as f64).clamp(0.0, 1.0));
        }
        (below, passed) = (*bound, passed + count);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_lies_in_its_bucket() {
        let bounds = [10.0, 20.0, 40.0];
        assert_eq!(percentile(&[50, 40, 10], &bounds, 0.5), Some(10.0));
        assert_eq!(percentile(&[50, 40, 10], &bounds, 0.7), Some(15.0));
        assert_eq!(percentile(&[50, 40, 10], &bounds, 1.0), Some(40.0));
        assert_eq!(percentile(&[0, 0, 0], &bounds, 0.5), None);
    }
}
