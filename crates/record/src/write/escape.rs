//! What is escaped in the values that are printed: ausearch's `--escape`.
//!
//! Control characters are `\\033` in every mode: bytes that an attacker chose steer no terminal.

/// What else gets a backslash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Escape {
    /// Nothing.
    #[default]
    Tty,
    /// What a shell would take apart: blanks, quotes, `$`, `!`, `|`, `` ` ``, parentheses.
    Shell,
    /// All that means something to a shell.
    ShellQuote,
}

impl Escape {
    /// Escapes `out[start..]`, in which control characters are escaped already.
    pub(super) fn apply(self, start: usize, out: &mut Vec<u8>) {
        if self == Escape::Tty || !out[start..].iter().any(|byte| self.is_special(*byte)) {
            return;
        }
        let text = out.split_off(start);
        for (at, byte) in text.iter().enumerate() {
            if self.is_special(*byte) && !is_control(&text[at..]) {
                out.push(b'\\');
            }
            out.push(*byte);
        }
    }

    fn is_special(self, byte: u8) -> bool {
        match self {
            Escape::Tty => false,
            Escape::Shell => SHELL.contains(&byte),
            Escape::ShellQuote => SHELL.contains(&byte) || QUOTE.contains(&byte),
        }
    }
}

/// Whether the text begins with the escape of a control character.
fn is_control(text: &[u8]) -> bool {
    matches!(text, [b'\\', b'0', b'0'..=b'3', b'0'..=b'7', ..])
}

const SHELL: &[u8] = b" !\"$'()\\`|";
const QUOTE: &[u8] = b"#&*;<>?[]{}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes() {
        let check = |escape: Escape, text: &str, expect: &str| {
            let mut out = b"x ".to_vec();
            out.extend_from_slice(text.as_bytes());
            escape.apply(2, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("x {expect}"));
        };
        check(Escape::Tty, "a b$\\", "a b$\\");
        check(Escape::Shell, "a b\\033c$d;", "a\\ b\\033c\\$d;");
        check(Escape::Shell, "a\\b", "a\\\\b");
        check(Escape::ShellQuote, "a;b{c}", "a\\;b\\{c\\}");
        check(Escape::ShellQuote, "plain/path", "plain/path");
    }
}
