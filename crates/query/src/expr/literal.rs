//! Strings of the language: what a word or a quoted text stands for.

use super::ast::Literal;
use super::lexer::Byte;
use super::pattern::{Pattern, Piece};

/// A word as a value: a number where it is written as one, else text.
pub(super) fn of_word(word: &str) -> Literal {
    number(word).map_or_else(|| Literal::text(word), Literal::Number)
}

/// `-13`, `0x1f`. Hexadecimals are 64 bits as records write them, so that the highest are negative.
pub(super) fn number(word: &str) -> Option<i64> {
    if let Some(digits) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
        return is_number
            .then(|| u64::from_str_radix(digits, 16).ok())?
            .map(u64::cast_signed);
    }
    super::subject::decimal(word.as_bytes())
}

/// A quoted text as a value.
pub(super) fn of_text(bytes: &[Byte], cased: bool) -> Literal {
    Literal::Text {
        bytes: bytes.iter().map(|byte| byte.byte).collect(),
        cased,
    }
}

/// A quoted text as a pattern: `*` and `?` without a backslash are wildcards.
pub(super) fn pattern(bytes: &[Byte], cased: bool) -> Pattern {
    let pieces = bytes.iter().map(|byte| match byte.byte {
        b'*' if !byte.escaped => Piece::Star,
        b'?' if !byte.escaped => Piece::One,
        literal => Piece::Literal(vec![literal]),
    });
    Pattern::new(pieces, cased)
}
