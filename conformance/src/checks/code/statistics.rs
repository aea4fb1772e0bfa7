//! What chance would do, and what it would not do in a million runs.

use std::collections::HashMap;

/// The chance below which chance is no excuse.
const ALPHA: f64 = 1e-6;

/// Chi-square of the digits at each place (nine degrees of freedom, all ten digits alike likely).
pub(super) fn chi_squares(codes: &[String]) -> Vec<f64> {
    let length = codes.iter().map(String::len).min().unwrap_or(0);
    let expected = codes.len() as f64 / 10.0;
    let of_place = |place: usize| {
        let mut counts = [0.0f64; 10];
        let digits = codes.iter().filter_map(|code| code.as_bytes().get(place));
        digits
            .filter(|digit| digit.is_ascii_digit())
            .for_each(|digit| counts[usize::from(digit - b'0')] += 1.0);
        counts.iter().map(|count| (count - expected).powi(2) / expected).sum()
    };
    (0..length).map(of_place).collect()
}

/// Chi-square with nine degrees of freedom exceeds this once in a million times.
pub(super) const CHI_SQUARE_ALARM: f64 = 44.8;

/// How many codes came before already.
pub(super) fn repeats(codes: &[String]) -> usize {
    let mut seen = std::collections::HashSet::new();
    codes.iter().filter(|code| !seen.insert(code.as_str())).count()
}

/// The fewest repeats that chance does not bring about among so many of a space: a tail of the Poisson distribution with the
/// mean n² / 2N.
pub(super) fn repeats_alarm(codes: usize, space: f64) -> usize {
    let mean = (codes as f64).powi(2) / (2.0 * space);
    let mut term = (-mean).exp();
    let mut tail = 1.0 - term;
    let mut count = 1;
    while tail > ALPHA && count < codes {
        term *= mean / count as f64;
        tail -= term;
        count += 1;
    }
    // One more than the tail asks for: a single repeat is never an alarm.
    count.max(2)
}

/// The step between neighbours that occurs most often (over the edge of the space, too), and how often.
pub(super) fn commonest_step(codes: &[String]) -> Option<(u64, usize)> {
    let length = codes.first()?.len();
    let space = 10u64.checked_pow(u32::try_from(length).ok()?)?;
    let numbers: Vec<u64> = codes.iter().filter_map(|code| code.parse().ok()).collect();
    let mut steps: HashMap<u64, usize> = HashMap::new();
    for pair in numbers.windows(2) {
        *steps.entry((pair[1] + space - pair[0] % space) % space).or_default() += 1;
    }
    steps.into_iter().max_by_key(|(step, times)| (*times, *step))
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    fn drawn(count: usize, mut draw: impl FnMut(&mut StdRng) -> u32) -> Vec<String> {
        let mut rng = StdRng::seed_from_u64(7);
        (0..count).map(|_| format!("{:06}", draw(&mut rng))).collect()
    }

    #[test]
    fn fair_codes_raise_no_alarm() {
        let codes = drawn(2000, |rng| rng.random_range(0..1_000_000));
        assert!(chi_squares(&codes).iter().all(|chi| *chi < CHI_SQUARE_ALARM));
        assert!(repeats(&codes) < repeats_alarm(2000, 1e6));
        assert!(commonest_step(&codes).unwrap().1 < 4);
    }

    #[test]
    fn gross_flaws_raise_one() {
        let no_zero = drawn(2000, |rng| rng.random_range(100_000..1_000_000));
        assert!(chi_squares(&no_zero)[0] > CHI_SQUARE_ALARM);
        let sixteen_bits = drawn(2000, |rng| rng.random_range(0..65_536));
        assert!(repeats(&sixteen_bits) >= repeats_alarm(2000, 1e6));
        let mut at = 999_990;
        let counted = drawn(20, |_| {
            at = (at + 7) % 1_000_000;
            at
        });
        assert_eq!(commonest_step(&counted), Some((7, 19)));
    }

    #[test]
    fn repeats_are_judged_by_how_many_there_are() {
        assert_eq!(repeats_alarm(20, 1e6), 2);
        assert!((12..=16).contains(&repeats_alarm(2000, 1e6)), "{}", repeats_alarm(2000, 1e6));
    }
}
