//! One party's arrivals, one after another.

use super::course::Course;
use super::dice::Dice;

/// The instants, in seconds, rising. Nothing is kept but the present one.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    course: Course,
    dice: Dice,
    now: f64,
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    /// A Poisson process at the greatest rate that is to come, of which as many are kept as the present rate asks for.
    Thinned,
    /// The nth where the integral of the rate is n and a half.
    Even { made: u64 },
    /// As many in each interval as were recorded, anywhere in it.
    Recorded { interval: usize, left: u64, end: f64 },
}

impl Stream {
    pub(crate) fn new(course: Course, even: bool, dice: Dice) -> Self {
        let way = match even {
            true => Way::Even { made: 0 },
            false if course.is_recorded() => Way::Recorded {
                interval: 0,
                left: 0,
                end: 0.0,
            },
            false => Way::Thinned,
        };
        Self {
            now: course.span().0,
            course,
            dice,
            way,
        }
    }
}

impl Iterator for Stream {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        let Self { course, dice, now, way } = self;
        match way {
            Way::Thinned => loop {
                let greatest = course.greatest_from(*now);
                *now += dice.gap(greatest);
                // Also when the rate is nothing, and the gap therefore endless.
                if now.is_nan() || *now >= course.span().1 {
                    *now = f64::INFINITY;
                    return None;
                }
                if dice.part() * greatest <= course.rate_at(*now) {
                    return Some(*now);
                }
            },
            Way::Even { made } => {
                *now = course.instant_of(*made as f64 + 0.5, *now)?;
                *made += 1;
                Some(*now)
            }
            Way::Recorded { interval, left, end } => {
                while *left == 0 {
                    let (begin, until) = course.recorded(*interval)?;
                    let whole = |at_s| course.expected_until(at_s).round() as u64;
                    (*interval, *left, *end, *now) = (*interval + 1, whole(until) - whole(begin), until, begin);
                }
                // The least of as many uniform draws as are left between here and the end.
                *now += (*end - *now) * (1.0 - dice.part().powf(1.0 / *left as f64));
                *left -= 1;
                Some(*now)
            }
        }
    }
}
