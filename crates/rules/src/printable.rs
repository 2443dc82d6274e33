//! Text of rule files as a terminal may show it.

use std::fmt::{self, Write};

/// Control characters are escaped; quotes and backslashes stay, so that a rule can be copied.
pub(crate) struct Printable<'a>(pub(crate) &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '\'' | '"' | '\\' => f.write_char(character)?,
                other => write!(f, "{}", other.escape_debug())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Printable;

    #[test]
    fn only_what_steers_a_terminal_is_escaped() {
        let check = |text: &str, expect: &str| assert_eq!(Printable(text).to_string(), expect);
        check("must start with '/'", "must start with '/'");
        check("-F path=\"/a b\\c\" ü", "-F path=\"/a b\\c\" ü");
        check("\u{1b}[2J\u{9b}\n", "\\u{1b}[2J\\u{9b}\\n");
    }
}
