//! Which checks run: by id, requirement, area, a prefix of these, or a pattern with `*`.

use specs::Profile;

use crate::check::Check;
use crate::checks;

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only checks that match one of these; all, where there are none.
    pub only: Vec<String>,
    /// But none that match one of these.
    pub skip: Vec<String>,
    /// Only checks that belong to this reading of the requirements.
    pub profile: Profile,
}

/// Why nothing can run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    #[error("`{pattern}` matches no check, requirement or area{}", in_words(.near))]
    Unknown {
        pattern: String,
        /// What may have been meant.
        near: Vec<String>,
    },
    #[error("what `{pattern}` matches does not belong to the profile {profile}")]
    OtherProfile { pattern: String, profile: Profile },
    #[error("the selection leaves no check over")]
    Empty,
}

fn in_words(names: &[String]) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!("; near it are {}", names.join(", "))
    }
}

/// Named beside the checks: the walks of the state machine.
pub const WALK: &str = "machine.walk";

/// Named beside the checks: the declared parameters against their bounds.
pub const BOUNDS: &str = "parameters";

impl Selection {
    /// Whether nothing is left out.
    pub fn whole(&self) -> bool {
        self.only.is_empty() && self.skip.is_empty()
    }

    /// Whether the declared parameters are judged.
    pub fn bounds(&self) -> bool {
        self.takes(&[BOUNDS.to_owned()])
    }

    /// The checks that run, in the order of the specification.
    pub fn checks(&self) -> Result<Vec<&'static Check>, SelectError> {
        let in_profile = |check: &&Check| check.profiles.contains(&self.profile);
        for pattern in self.only.iter().chain(&self.skip) {
            let mut named = checks::all().filter(|check| matches(pattern, &names(check))).peekable();
            if matches(pattern, &[WALK.to_owned(), BOUNDS.to_owned()]) {
                continue;
            }
            let pattern = pattern.clone();
            if named.peek().is_none() {
                let near = neighbours(&pattern);
                return Err(SelectError::Unknown { pattern, near });
            }
            if !named.any(|check| in_profile(&check)) {
                let profile = self.profile;
                return Err(SelectError::OtherProfile { pattern, profile });
            }
        }
        let chosen: Vec<_> = checks::all()
            .filter(|check| in_profile(check) && self.takes(&names(check)))
            .collect();
        if chosen.is_empty() && !self.walks() && !self.bounds() {
            Err(SelectError::Empty)
        } else {
            Ok(chosen)
        }
    }

    /// Whether the walks of the state machine run too.
    pub fn walks(&self) -> bool {
        self.takes(&[WALK.to_owned()])
    }

    fn takes(&self, names: &[String]) -> bool {
        let wanted = self.only.is_empty() || self.only.iter().any(|pattern| matches(pattern, names));
        wanted && !self.skip.iter().any(|pattern| matches(pattern, names))
    }
}

/// The names a check goes by: its id, its requirement, its area.
fn names(check: &Check) -> Vec<String> {
    let requirement = check.requirement();
    let area = specs::catalogue::requirement(requirement).map(|requirement| requirement.area.clone());
    [Some(check.id.to_owned()), Some(requirement.to_owned()), area]
        .into_iter()
        .flatten()
        .collect()
}

/// Without `*` a pattern matches a whole name, or its beginning up to `-` or `.`; with `*` it matches as a glob.
fn matches(pattern: &str, names: &[String]) -> bool {
    names.iter().any(|name| {
        if pattern.contains('*') {
            return glob(pattern.as_bytes(), name.as_bytes());
        }
        name.strip_prefix(pattern)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
    })
}

fn glob(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => (0..=name.len()).any(|skip| glob(rest, &name[skip..])),
        Some((byte, rest)) => name
            .split_first()
            .is_some_and(|(first, name)| first == byte && glob(rest, name)),
    }
}

/// Existing names that share the pattern's beginning.
fn neighbours(pattern: &str) -> Vec<String> {
    let stem: String = pattern
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_lowercase();
    let shares = |name: &String| !stem.is_empty() && name.to_lowercase().starts_with(&stem[..stem.len().min(3)]);
    let mut near: Vec<String> = checks::all().flat_map(names).filter(shares).collect();
    near.sort();
    near.dedup();
    near.truncate(5);
    near
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(only: &[&str], skip: &[&str]) -> Result<Vec<&'static str>, SelectError> {
        let owned = |patterns: &[&str]| patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        let selection = Selection {
            only: owned(only),
            skip: owned(skip),
            profile: Profile::default(),
        };
        selection.checks().map(|checks| checks.iter().map(|check| check.id).collect())
    }

    #[test]
    fn a_requirement_an_area_a_check_and_a_glob() {
        let by_requirement = ids(&["RSND-02"], &[]).unwrap();
        assert!(!by_requirement.is_empty() && by_requirement.iter().all(|id| id.starts_with("RSND-02.")));
        assert!(ids(&["resend"], &[]).unwrap().len() > by_requirement.len());
        assert_eq!(ids(&["RSND-02.old-code-is-void"], &[]).unwrap(), ["RSND-02.old-code-is-void"]);
        assert!(ids(&["*code*"], &["RSND*"]).unwrap().iter().all(|id| !id.starts_with("RSND")));
        assert!(ids(&["RSND-0"], &[]).is_err(), "half a number is no name");
    }

    #[test]
    fn a_pattern_that_matches_nothing_is_told() {
        let error = ids(&["RSND-99"], &[]).unwrap_err();
        assert!(error.to_string().contains("RSND-01"), "{error}");
        assert!(matches!(ids(&[], &["nothing"]), Err(SelectError::Unknown { .. })));
        assert_eq!(ids(&["RSND-02"], &["resend"]).unwrap_err(), SelectError::Empty);
    }
}
