//! Tokens of the `--where` language.

use super::error::ParseError;

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// `exe`, `/tmp/x`, `10.0.0.0/8`, `-13`.
    Word(String),
    /// `` `old auid` ``: a name whatever it holds.
    Name(String),
    /// `"…"` or `'…'`, taken apart, and whether an `i` follows it.
    Text(Vec<Byte>, bool),
    /// `=`, `!=`, `<`, `&&`, `(`, `,` …
    Sign(&'static str),
    /// The end of the text.
    End,
}

/// A byte of a string, and whether a backslash made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Byte {
    pub(super) byte: u8,
    pub(super) escaped: bool,
}

/// A token and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Cuts text into tokens.
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

/// A regular expression between slashes, and its flags.
pub(super) struct Slashed {
    pub(super) source: String,
    pub(super) flags: String,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Lexer<'t> {
        Lexer { text, at: 0 }
    }

    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    pub(super) fn next(&mut self) -> Result<Placed, ParseError> {
        self.skip_blanks();
        let start = self.at;
        let rest = &self.text[start..];
        let token = match rest.chars().next() {
            None => Token::End,
            Some(quote @ ('"' | '\'')) => self.string(quote)?,
            Some('`') => self.name()?,
            Some(first) if is_word(first) => {
                let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                self.at += end;
                Token::Word(rest[..end].to_owned())
            }
            Some(first) => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => {
                    self.at += sign.len();
                    Token::Sign(sign)
                }
                None => {
                    let message = format!(
                        "{first:?} means nothing here; text with other than letters, digits and \
                         _ . / : @ % + - stands in quotes"
                    );
                    let end = start + first.len_utf8();
                    return Err(ParseError::at(self.text, start, end, message));
                }
            },
        };
        Ok(Placed {
            token,
            start,
            end: self.at,
        })
    }

    /// The regular expression that comes next, if a slash does.
    pub(super) fn slashed(&mut self) -> Result<Option<Slashed>, ParseError> {
        self.skip_blanks();
        let start = self.at;
        let Some(rest) = self.text[start..].strip_prefix('/') else {
            return Ok(None);
        };
        let mut source = String::new();
        let mut characters = rest.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '/' => {
                    let after = &rest[at + 1..];
                    let length = after
                        .find(|c: char| !c.is_ascii_alphabetic())
                        .unwrap_or(after.len());
                    self.at = start + 1 + at + 1 + length;
                    return Ok(Some(Slashed {
                        source,
                        flags: after[..length].to_owned(),
                        start,
                        end: self.at,
                    }));
                }
                '\\' => match characters.next() {
                    Some((_, '/')) => source.push('/'),
                    Some((_, other)) => source.extend(['\\', other]),
                    None => break,
                },
                other => source.push(other),
            }
        }
        let message = "nothing closes this regular expression; a path stands in quotes";
        Err(ParseError::at(self.text, start, self.text.len(), message))
    }

    fn skip_blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn name(&mut self) -> Result<Token, ParseError> {
        let start = self.at;
        let rest = &self.text[start + 1..];
        let Some(length) = rest.find('`') else {
            return Err(self.open(start, "name"));
        };
        self.at = start + 1 + length + 1;
        Ok(Token::Name(rest[..length].to_owned()))
    }

    fn open(&self, start: usize, what: &str) -> ParseError {
        let message = format!("nothing closes this {what}");
        ParseError::at(self.text, start, self.text.len(), message)
    }

    fn string(&mut self, quote: char) -> Result<Token, ParseError> {
        let start = self.at;
        let mut bytes = Vec::new();
        let mut at = start + 1;
        loop {
            let Some(character) = self.text[at..].chars().next() else {
                return Err(self.open(start, "string"));
            };
            let next = at + character.len_utf8();
            if character == quote {
                at = next;
                break;
            }
            if character == '\\' {
                at = self.escape(at, &mut bytes)?;
                continue;
            }
            push(&mut bytes, character, false);
            at = next;
        }
        let rest = &self.text[at..];
        let folded = rest.starts_with('i') && !rest[1..].starts_with(is_word);
        self.at = at + usize::from(folded);
        Ok(Token::Text(bytes, folded))
    }

    /// Reads the escape at `at`; returns the offset after it.
    fn escape(&self, at: usize, bytes: &mut Vec<Byte>) -> Result<usize, ParseError> {
        let rest = &self.text[at + 1..];
        let Some(character) = rest.chars().next() else {
            return Err(self.open(at, "escape"));
        };
        let simple = match character {
            'n' => Some('\n'),
            't' => Some('\t'),
            'r' => Some('\r'),
            '0' => Some('\0'),
            '\\' | '"' | '\'' | '*' | '?' => Some(character),
            _ => None,
        };
        if let Some(simple) = simple {
            push(bytes, simple, true);
            return Ok(at + 2);
        }
        if character == 'x'
            && let Some(digits) = rest.get(1..3)
            && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
            && let Ok(byte) = u8::from_str_radix(digits, 16)
        {
            bytes.push(Byte {
                byte,
                escaped: true,
            });
            return Ok(at + 4);
        }
        if let Some(inner) = rest.strip_prefix("u{")
            && let Some(length) = inner.find('}').filter(|length| *length <= 6)
            && let Ok(number) = u32::from_str_radix(&inner[..length], 16)
            && let Some(found) = char::from_u32(number)
        {
            push(bytes, found, true);
            return Ok(at + 1 + "u{}".len() + length);
        }
        let message =
            "no such escape; there are \\\\ \\\" \\' \\* \\? \\n \\t \\r \\0 \\xHH \\u{…}";
        let end = at + 1 + character.len_utf8();
        Err(ParseError::at(self.text, at, end, message))
    }
}

fn push(bytes: &mut Vec<Byte>, character: char, escaped: bool) {
    let mut buffer = [0; 4];
    let encoded = character.encode_utf8(&mut buffer).bytes();
    bytes.extend(encoded.map(|byte| Byte { byte, escaped }));
}

/// Whether a character can stand in a word.
pub(super) fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || "_./:@%+-".contains(character)
        || (!character.is_ascii() && !character.is_whitespace() && !character.is_control())
}

/// Longer ones before those that they begin with.
const SIGNS: [&str; 17] = [
    "==", "=~", "!=", "!~", "<=", ">=", "&&", "||", "=", "<", ">", "~", "!", "(", ")", ",", "*",
];
