//! How one party's rate moves: the rate at an instant, its integral, and an instant by the integral. Seconds everywhere, from the
//! storm's beginning.

use std::f64::consts::{LN_2, TAU};
use std::path::Path;

use super::replay::{self, Counts};
use crate::plan::scenario::{Arrivals, Scenario, ScenarioError, Shape};

/// One party's rate over the storm.
#[derive(Clone, Debug)]
pub struct Course {
    rate: f64,
    from: f64,
    lasts: f64,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Flat,
    Ramp { from: f64, to: f64 },
    Spike { at: f64, height: f64, half_life: f64 },
    Sine { swing: f64, period: f64 },
    Replay { each: f64, upto: Vec<f64> },
}

impl Course {
    /// The course of a party that comes like this. A recording is read here.
    pub fn of(arrivals: &Arrivals, scenario: &Scenario) -> Result<Self, ScenarioError> {
        let rest = (scenario.seconds - arrivals.from_s).max(0.0);
        let lasts = arrivals.for_s.map_or(rest, |lasts| lasts.min(rest));
        let form = match &arrivals.shape {
            Shape::Flat => Form::Flat,
            Shape::Ramp { from, to } => Form::Ramp { from: *from, to: *to },
            Shape::Spike {
                at_s,
                height,
                half_life_s,
            } => Form::Spike {
                at: *at_s,
                height: *height,
                half_life: *half_life_s,
            },
            Shape::Sine { swing, period_s } => Form::Sine {
                swing: *swing,
                period: period_s.unwrap_or(lasts),
            },
            Shape::Replay { file, each_s } => {
                let Counts(counts) = replay::read(Path::new(file))?;
                let mut upto = vec![0.0];
                upto.extend(counts.iter().scan(0.0, |sum, count| {
                    *sum += count;
                    Some(*sum)
                }));
                Form::Replay { each: *each_s, upto }
            }
        };
        Ok(Self {
            rate: arrivals.rate,
            from: arrivals.from_s,
            lasts,
            form,
        })
    }

    /// When the party begins and stops coming.
    pub fn span(&self) -> (f64, f64) {
        (self.from, self.from + self.lasts)
    }

    /// Arrivals a second at this instant.
    pub fn rate_at(&self, at_s: f64) -> f64 {
        let t = at_s - self.from;
        if !(0.0..self.lasts).contains(&t) {
            return 0.0;
        }
        self.rate
            * match &self.form {
                Form::Flat => 1.0,
                Form::Ramp { from, to } => from + (to - from) * t / self.lasts,
                Form::Spike { at, .. } if t < *at => 1.0,
                Form::Spike { at, height, half_life } => 1.0 + (height - 1.0) * (-(t - at) / half_life).exp2(),
                Form::Sine { swing, period } => 1.0 - swing * (TAU * t / period).cos(),
                Form::Replay { each, upto } => match upto.get(interval(t, *each)..) {
                    Some([before, after, ..]) => (after - before) / each,
                    _ => 0.0,
                },
            }
    }

    /// The greatest rate from this instant on.
    pub(crate) fn greatest_from(&self, at_s: f64) -> f64 {
        let at_s = at_s.max(self.from);
        let t = at_s - self.from;
        match &self.form {
            Form::Flat => self.rate,
            // It only falls, so that the present rate is the greatest.
            Form::Ramp { from, to } if to <= from => self.rate_at(at_s),
            Form::Ramp { to, .. } => self.rate * to,
            Form::Spike { at, .. } if t >= *at => self.rate_at(at_s),
            Form::Spike { height, .. } => self.rate * height,
            Form::Sine { swing, .. } => self.rate * (1.0 + swing),
            Form::Replay { each, upto } => {
                let steps = upto.windows(2).map(|pair| (pair[1] - pair[0]) / each);
                self.rate * steps.fold(0.0, f64::max)
            }
        }
    }

    /// Arrivals to be expected from the storm's beginning to this instant.
    pub fn expected_until(&self, at_s: f64) -> f64 {
        let t = (at_s - self.from).clamp(0.0, self.lasts);
        self.rate
            * match &self.form {
                Form::Flat => t,
                Form::Ramp { from, .. } if self.lasts == 0.0 => from * t,
                Form::Ramp { from, to } => from * t + (to - from) * t * t / (2.0 * self.lasts),
                Form::Spike { at, .. } if t < *at => t,
                Form::Spike { at, height, half_life } => {
                    t + (height - 1.0) * half_life / LN_2 * (1.0 - (-(t - at) / half_life).exp2())
                }
                Form::Sine { .. } if t == 0.0 => 0.0,
                Form::Sine { swing, period } => t - swing * period / TAU * (TAU * t / period).sin(),
                Form::Replay { each, upto } => {
                    let nth = interval(t, *each);
                    match upto.get(nth..) {
                        Some([before, after, ..]) => before + (after - before) * (t / each - nth as f64),
                        _ => upto.last().copied().unwrap_or_default(),
                    }
                }
            }
    }

    /// Arrivals to be expected in all.
    pub fn expected(&self) -> f64 {
        self.expected_until(f64::INFINITY)
    }

    /// The instant at which this many are to be expected, which comes after `earliest`; `None` when it never comes.
    pub(crate) fn instant_of(&self, expected: f64, earliest: f64) -> Option<f64> {
        let (begin, end) = self.span();
        if expected >= self.expected() {
            return None;
        }
        let (mut low, mut high) = (earliest.max(begin), end);
        let mut guess = low;
        for _ in 0..100 {
            let off = self.expected_until(guess) - expected;
            if off < 0.0 {
                low = guess;
            } else {
                high = guess;
            }
            if high - low < 1e-9 || off.abs() < 1e-9 {
                break;
            }
            // Newton's step where it stays between the bounds, else a half of what is left.
            let step = guess - off / self.rate_at(guess);
            guess = if step > low && step < high { step } else { (low + high) / 2.0 };
        }
        Some(guess)
    }

    /// Whether it is a recording.
    pub(crate) fn is_recorded(&self) -> bool {
        matches!(self.form, Form::Replay { .. })
    }

    /// The bounds of a recording's interval, as far as the party comes; `None` is the end.
    pub(crate) fn recorded(&self, nth: usize) -> Option<(f64, f64)> {
        let Form::Replay { each, upto } = &self.form else {
            return None;
        };
        let begin = nth as f64 * each;
        let end = (begin + each).min(self.lasts);
        (nth + 1 < upto.len() && begin < end).then_some((self.from + begin, self.from + end))
    }
}

fn interval(t: f64, each: f64) -> usize {
    // Saturating: an instant far beyond the recording is beyond it.
    (t / each) as usize
}
