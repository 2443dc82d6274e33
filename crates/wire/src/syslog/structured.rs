//! Structured data of RFC 5424: `[id name="value" …][id …]`.

use std::borrow::Cow;

/// Structured data that was found well-formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Structured<'a>(&'a [u8]);

/// One element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// E.g. `timeQuality` or `exampleSDID@32473`.
    pub id: &'a [u8],
    parameters: &'a [u8],
}

impl<'a> Structured<'a> {
    /// Takes the elements at the beginning of a text; gives what follows them. `None` where there
    /// is none, or one of them does not end.
    #[must_use]
    pub fn split(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut rest = text;
        while let Some((_, tail)) = element(rest) {
            rest = tail;
        }
        if rest.starts_with(b"[") || rest.len() == text.len() {
            return None;
        }
        Some((Self(&text[..text.len() - rest.len()]), rest))
    }

    /// As it was received.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.0
    }

    /// The elements, in order.
    pub fn elements(&self) -> impl Iterator<Item = Element<'a>> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (element, tail) = element(rest)?;
            rest = tail;
            Some(element)
        })
    }
}

impl<'a> Element<'a> {
    /// Names and values, escapes undone; a name may come more than once.
    pub fn parameters(&self) -> impl Iterator<Item = (&'a [u8], Cow<'a, [u8]>)> + use<'a> {
        let mut rest = self.parameters;
        std::iter::from_fn(move || {
            let (name, value, tail) = parameter(rest)?;
            rest = tail;
            Some((name, unescaped(value)))
        })
    }
}

fn element(text: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (id, mut rest) = name(text.strip_prefix(b"[")?)?;
    let begin = rest;
    while let Some((_, _, tail)) = parameter(rest) {
        rest = tail;
    }
    let parameters = &begin[..begin.len() - rest.len()];
    Some((Element { id, parameters }, rest.strip_prefix(b"]")?))
}

/// ` name="value"`: name, value with its escapes, and what follows.
fn parameter(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (name, rest) = name(text.strip_prefix(b" ")?)?;
    let rest = rest.strip_prefix(b"=\"")?;
    let mut escaped = false;
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some((name, &rest[..at], &rest[at + 1..])),
            _ => {}
        }
    }
    None
}

/// SD-NAME: printable ASCII without `=`, space, `]` and `"`. Its limit of 32 is not enforced.
fn name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let allowed = |byte: &&u8| byte.is_ascii_graphic() && !matches!(byte, b'=' | b']' | b'"');
    let length = text.iter().take_while(allowed).count();
    (length > 0).then(|| text.split_at(length))
}

/// A backslash escapes `"`, `\` and `]`; before anything else it stands for itself (RFC 5424
/// section 6.3.3).
fn unescaped(value: &[u8]) -> Cow<'_, [u8]> {
    if !value.contains(&b'\\') {
        return Cow::Borrowed(value);
    }
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&byte, tail)) = rest.split_first() {
        match (byte, tail.first()) {
            (b'\\', Some(next @ (b'"' | b'\\' | b']'))) => {
                out.push(*next);
                rest = &tail[1..];
            }
            _ => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    Cow::Owned(out)
}

/// Appends `value` between quotes with what must be escaped escaped.
pub(super) fn push_value(out: &mut Vec<u8>, value: &[u8]) {
    out.push(b'"');
    for byte in value {
        if matches!(byte, b'"' | b'\\' | b']') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `id name=value name=value;id|rest`; `None` where nothing is structured.
    fn check(text: &str, expect: Option<&str>) {
        let shown = Structured::split(text.as_bytes()).map(|(data, rest)| {
            let elements: Vec<_> = data.elements().map(show).collect();
            format!("{}|{}", elements.join(";"), lossy(rest))
        });
        assert_eq!(shown.as_deref(), expect, "{text}");
    }

    fn show(element: Element<'_>) -> String {
        let parameters = element.parameters();
        let parameters =
            parameters.map(|(name, value)| format!(" {}={}", lossy(name), lossy(&value)));
        lossy(element.id) + &parameters.collect::<String>()
    }

    fn lossy(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn elements_and_parameters() {
        check("[a] m", Some("a| m"));
        check(
            r#"[a b="1" b="2"][c d="\"\\\]\n"]"#,
            Some(r#"a b=1 b=2;c d="\]\n|"#),
        );
        check(r#"[b y=""]nosp"#, Some("b y=|nosp"));
    }

    #[test]
    fn what_does_not_end_is_not_structured() {
        for bad in [
            "",
            "x",
            "[",
            "[]",
            "[a",
            "[a b]",
            "[a b=\"c]",
            "[a b=\"c\"",
            "[a][b",
            "[a b=c]",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn values_come_back() {
        let mut text = b"[a b=".to_vec();
        push_value(&mut text, br#"x"\]y\n"#);
        text.push(b']');
        check(&lossy(&text), Some(r#"a b=x"\]y\n|"#));
    }
}
