//! A slice as it is written: `2/3` is the last of three.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Every arrival and identity `i` with `i % of == index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    pub index: u32,
    pub of: u32,
}

impl FromStr for Slice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text
            .split_once('/')
            .map(|(index, of)| (index.parse::<u32>(), of.parse::<u32>()));
        let Some((Ok(index), Ok(of))) = parts else {
            return Err("not a slice such as 0/3".to_owned());
        };
        if index >= of {
            return Err(format!(
                "slices of {of} are counted from 0: the last is {}",
                Slice {
                    index: of.saturating_sub(1),
                    of
                }
            ));
        }
        Ok(Self { index, of })
    }
}

impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl Slice {
    /// Whether an arrival or identity belongs to it.
    pub fn has(self, nth: u64) -> bool {
        nth % u64::from(self.of) == u64::from(self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_read_as_they_are_written_and_cover_everything_once() {
        let slices: Vec<Slice> = (0..3).map(|index| format!("{index}/3").parse().expect("a slice")).collect();
        for nth in 0..20 {
            assert_eq!(slices.iter().filter(|slice| slice.has(nth)).count(), 1);
        }
        for wrong in ["", "1", "3/3", "1/0", "-1/3", "a/b", "1/3/5"] {
            assert!(wrong.parse::<Slice>().is_err(), "{wrong}");
        }
    }
}
