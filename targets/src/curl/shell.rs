//! Text for a POSIX shell: foreign text in single quotes, where nothing means anything, and variables in double quotes beside it.

use std::fmt::Write as _;

/// Shell text under construction, with the variables that it uses.
#[derive(Default)]
pub(super) struct Text {
    out: String,
    variables: Vec<String>,
}

impl Text {
    /// Shell text as it is. Nothing that is not ours may be in it.
    pub(super) fn plain(&mut self, ours: &str) {
        self.out.push_str(ours);
    }

    /// Foreign text as a word, or as the next part of one. A shell carries every byte but NUL.
    pub(super) fn literal(&mut self, foreign: &str) {
        self.out.push_str(&quote(foreign));
    }

    /// A variable's value as a word, or as the next part of one; percent-encoded where the place asks for it.
    pub(super) fn variable(&mut self, name: &str, encoded: bool) {
        let _ = match encoded {
            true => write!(self.out, "\"$(encoded \"${{{name}}}\")\""),
            false => write!(self.out, "\"${{{name}}}\""),
        };
        if !self.variables.iter().any(|known| known == name) {
            self.variables.push(name.to_owned());
        }
    }

    /// The text, and the variables in it.
    pub(super) fn finish(self) -> (String, Vec<String>) {
        (self.out, self.variables)
    }
}

/// Foreign text as one word that a POSIX shell reads back as it is.
pub fn quote(foreign: &str) -> String {
    format!("'{}'", foreign.replace('\'', r"'\''"))
}

/// Foreign bytes as a format of `printf`, which carries what an argument cannot.
pub(super) fn octal(foreign: &[u8]) -> String {
    let mut format = String::from("'");
    for byte in foreign {
        let _ = write!(format, "\\{byte:03o}");
    }
    format.push('\'');
    format
}

/// Foreign text that cannot end the comment it stands in.
pub(super) fn comment(foreign: &str) -> String {
    foreign.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
