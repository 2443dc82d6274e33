//! Sigma's strings: wildcards, escapes, and the encodings that modifiers ask for.
//!
//! `*` and `?` are wildcards; a backslash before one of them or before another backslash takes
//! its meaning away, any other backslash is one (Sigma specification, "Escaping").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use indelible_query::expr::Piece;

/// A string as pieces, before modifiers.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = Vec::new();
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        let wildcard = match byte {
            b'*' => Piece::Star,
            b'?' => Piece::One,
            b'\\' => {
                let escaped = bytes.next_if(|next| matches!(next, b'*' | b'?' | b'\\'));
                literal.push(escaped.unwrap_or(b'\\'));
                continue;
            }
            other => {
                literal.push(other);
                continue;
            }
        };
        if !literal.is_empty() {
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
        }
        pieces.push(wildcard);
    }
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    pieces
}

/// The bytes of a string without wildcards.
pub(super) fn plain(pieces: &[Piece]) -> Option<Vec<u8>> {
    match pieces {
        [] => Some(Vec::new()),
        [Piece::Literal(bytes)] => Some(bytes.clone()),
        _ => None,
    }
}

/// Byte order of UTF-16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wide {
    Little,
    Big,
    /// Little-endian behind a byte order mark.
    Marked,
}

/// Text as UTF-16.
pub(super) fn utf16(text: &[u8], wide: Wide) -> Option<Vec<u8>> {
    let units = std::str::from_utf8(text).ok()?.encode_utf16();
    let mark = (wide == Wide::Marked).then_some(0xfeff);
    let units = mark.into_iter().chain(units);
    Some(match wide {
        Wide::Big => units.flat_map(u16::to_be_bytes).collect(),
        Wide::Little | Wide::Marked => units.flat_map(u16::to_le_bytes).collect(),
    })
}

/// Base64 with padding (RFC 4648).
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The three forms in which bytes stand inside a longer base64 text: without the characters at
/// either end that other bytes have a part in.
pub(super) fn base64_offsets(bytes: &[u8]) -> Vec<String> {
    const START: [usize; 3] = [0, 2, 3];
    (0..3)
        .filter_map(|offset| {
            let shifted: Vec<u8> = std::iter::repeat_n(0, offset)
                .chain(bytes.iter().copied())
                .collect();
            let whole = shifted.len() * 8 / 6;
            let text = base64(&shifted);
            text.get(START[offset]..whole).map(str::to_owned)
        })
        .filter(|text| !text.is_empty())
        .collect()
}

/// Every string that has another dash, or a slash, in place of one that begins a word's flag.
pub(super) fn windash(text: &str, most: usize) -> Result<Vec<String>, String> {
    const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];
    let mut forms = vec![String::new()];
    for (at, character) in text.char_indices() {
        let starts_word = text[..at]
            .chars()
            .next_back()
            .is_none_or(|c| !c.is_alphanumeric() && c != '_');
        let before_word = text[at + character.len_utf8()..]
            .chars()
            .next()
            .is_some_and(|c| c.is_alphanumeric() || c == '_');
        if !(DASHES.contains(&character) && starts_word && before_word) {
            forms.iter_mut().for_each(|form| form.push(character));
            continue;
        }
        if forms.len() * DASHES.len() > most {
            return Err(format!(
                "windash makes more than {most} strings of this one"
            ));
        }
        forms = DASHES
            .iter()
            .flat_map(|dash| forms.iter().map(move |form| format!("{form}{dash}")))
            .collect();
    }
    Ok(forms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        let literal = |text: &str| Piece::Literal(text.into());
        assert_eq!(pieces(r"C:\Windows\*"), [literal(r"C:\Windows*")]);
        assert_eq!(
            pieces(r"C:\Windows\\*"),
            [literal(r"C:\Windows\"), Piece::Star]
        );
        assert_eq!(
            pieces(r"a\?b?\\"),
            [literal("a?b"), Piece::One, literal(r"\")]
        );
        assert_eq!(pieces(r"\n"), [literal(r"\n")]);
        assert_eq!(pieces(""), []);
    }

    #[test]
    fn encodings() {
        assert_eq!(
            base64_offsets(b"foobar"),
            ["Zm9vYmFy", "Zvb2Jhc", "mb29iYX"]
        );
        assert_eq!(utf16(b"cmd", Wide::Little), Some(b"c\0m\0d\0".to_vec()));
        assert_eq!(utf16(b"cmd", Wide::Big), Some(b"\0c\0m\0d".to_vec()));
        assert_eq!(utf16(b"c", Wide::Marked), Some(b"\xff\xfec\0".to_vec()));
    }

    /// Wherever the bytes stand in others, one of the forms stands in the base64 of all.
    #[test]
    fn offsets_are_found_wherever_the_bytes_stand() {
        for length in 2..12 {
            let needle: Vec<u8> = (0..length).map(|n| 0x41 + n).collect();
            for before in 0..7 {
                for after in 0..4 {
                    let all: Vec<u8> =
                        [vec![0xee; before], needle.clone(), vec![0x77; after]].concat();
                    let text = base64(&all);
                    let forms = base64_offsets(&needle);
                    assert!(
                        forms.iter().any(|form| text.contains(form)),
                        "{before} {length} {after}"
                    );
                }
            }
        }
    }

    #[test]
    fn dashes() {
        let forms = windash("a -b c-d", 64).expect("few");
        assert_eq!(forms.len(), 5);
        assert!(forms.contains(&"a /b c-d".to_owned()));
        assert!(windash(&" -a".repeat(10), 64).is_err());
    }
}
