//! Expressions as text: what is printed reads back as the same expression.

use std::fmt::{self, Display, Formatter, Write};

use super::ast::{Check, Expr, Item, Literal, Reference, Regex, Test};
use super::lexer::is_word;
use super::pattern::{Pattern, Piece};

/// Words that mean something where a field's name may stand.
pub(super) const KEYWORDS: [&str; 7] = ["and", "or", "not", "in", "exists", "true", "false"];

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Expr::All(parts) if parts.is_empty() => f.write_str("true"),
            Expr::Any(parts) if parts.is_empty() => f.write_str("false"),
            Expr::All(parts) => joined(parts, " and ", f),
            Expr::Any(parts) => joined(parts, " or ", f),
            Expr::Not(inner) => match inner.as_ref() {
                Expr::All(parts) | Expr::Any(parts) if !parts.is_empty() => {
                    write!(f, "not ({inner})")
                }
                _ => write!(f, "not {inner}"),
            },
            Expr::Test(test) => test.fmt(f),
        }
    }
}

fn joined(parts: &[Expr], word: &str, f: &mut Formatter<'_>) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        match part {
            // "and" binds closer: it needs no parentheses beside "or". More of them than were
            // written could exceed the limit when this is read again.
            Expr::Any(parts) if !parts.is_empty() => write!(f, "({part})")?,
            _ => part.fmt(f)?,
        }
    }
    Ok(())
}

impl Display for Test {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = Name(&self.field);
        match &self.check {
            Check::Exists => write!(f, "exists({name})"),
            Check::Holds => name.fmt(f),
            Check::Is(literal) => write!(f, "{name} = {literal}"),
            Check::Order(order, literal) => write!(f, "{name} {} {literal}", order.sign()),
            Check::Like(pattern) => write!(f, "{name} ~ {pattern}"),
            Check::Matches(regex) => write!(f, "{name} ~ {regex}"),
            Check::Same(reference) => write!(f, "{name} {reference}"),
            Check::Date(part, number) => write!(f, "{}({name}) = {number}", part.name()),
            Check::In(items) => {
                write!(f, "{name} in (")?;
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    match item {
                        Item::Literal(literal) => literal.fmt(f)?,
                        Item::Network(network) => network.fmt(f)?,
                    }
                }
                f.write_char(')')
            }
        }
    }
}

/// A field's name, in backquotes where it would not be read as one.
struct Name<'a>(&'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let is_plain = !self.0.is_empty()
            && self.0.chars().all(is_word)
            && !KEYWORDS.contains(&self.0.to_ascii_lowercase().as_str());
        if is_plain {
            f.write_str(self.0)
        } else {
            write!(f, "`{}`", self.0)
        }
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Number(number) => number.fmt(f),
            Literal::Text { bytes, cased } => {
                f.write_char('"')?;
                escape(bytes, false, f)?;
                closing(*cased, f)
            }
        }
    }
}

impl Display for Pattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for piece in self.pieces() {
            match piece {
                Piece::Star => f.write_char('*')?,
                Piece::One => f.write_char('?')?,
                Piece::Literal(bytes) => escape(bytes, true, f)?,
            }
        }
        closing(self.cased(), f)
    }
}

impl Display for Regex {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('/')?;
        let mut characters = self.source.chars();
        while let Some(character) = characters.next() {
            match character {
                '/' => f.write_str("\\/")?,
                '\\' => {
                    f.write_char('\\')?;
                    characters
                        .next()
                        .map_or(Ok(()), |next| f.write_char(next))?;
                }
                other => f.write_char(other)?,
            }
        }
        f.write_char('/')?;
        for (flag, is_set) in [
            ('i', self.ignore_case),
            ('m', self.multi_line),
            ('s', self.dot_all),
        ] {
            if is_set {
                f.write_char(flag)?;
            }
        }
        Ok(())
    }
}

impl Display for Reference {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let star = |open| if open { "*" } else { "" };
        write!(
            f,
            "{} {}field({}{}){}",
            if self.open_start || self.open_end {
                "~"
            } else {
                "="
            },
            star(self.open_start),
            Name(&self.field),
            if self.cased { "" } else { ", i" },
            star(self.open_end),
        )
    }
}

fn closing(cased: bool, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str(if cased { "\"" } else { "\"i" })
}

fn escape(bytes: &[u8], wildcards: bool, f: &mut Formatter<'_>) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                '*' | '?' if wildcards => write!(f, "\\{character}")?,
                '\n' => f.write_str("\\n")?,
                '\t' => f.write_str("\\t")?,
                '\r' => f.write_str("\\r")?,
                _ if character.is_control() => write!(f, "\\u{{{:x}}}", u32::from(character))?,
                _ => f.write_char(character)?,
            }
        }
        for byte in chunk.invalid() {
            write!(f, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}
