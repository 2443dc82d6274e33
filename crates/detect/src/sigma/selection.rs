//! Detections: from the maps and lists under `detection:` to expressions.

use indelible_query::expr::{
    Check, Expr, Item, Literal, Network, Pattern, Piece, Reference, Regex,
};

use super::modifiers::{self, Encoding, Kind, Modifiers, Place};
use super::strings;
use super::yaml::{Scalar, Yaml};
use crate::limits::sigma::WINDASH_FORMS_MAX;

/// The field of keywords: any value of the event.
pub(super) const ANY: &str = "any";

/// What one name under `detection:` stands for.
///
/// # Errors
/// What cannot be evaluated, and why.
pub(super) fn read(node: &Yaml) -> Result<Expr, String> {
    match node {
        Yaml::Map(pairs) if pairs.is_empty() => Err("it is empty".into()),
        Yaml::Map(pairs) => pairs
            .iter()
            .map(|(name, values)| item(name, values))
            .collect::<Result<Vec<_>, _>>()
            .map(Expr::all),
        Yaml::List(items) if items.is_empty() => Err("it is empty".into()),
        Yaml::List(items) => items
            .iter()
            .map(|item| match item {
                Yaml::List(_) => Err("a list in a list".into()),
                other => read(other),
            })
            .collect::<Result<Vec<_>, _>>()
            .map(Expr::any),
        Yaml::Scalar(_) => item("", node),
    }
}

/// `field|modifiers: values`.
fn item(name: &str, values: &Yaml) -> Result<Expr, String> {
    let (field, mut modifiers) = modifiers::read(name)?;
    let field = match field {
        "" => {
            if modifiers.kind == Kind::Text {
                // Keywords stand anywhere in the text.
                modifiers.place = Place {
                    open_start: true,
                    open_end: true,
                };
            }
            ANY
        }
        // A field that is called as the keywords' one.
        ANY => "raw.any",
        field => field,
    };
    let scalars: Vec<&Scalar> = match values {
        Yaml::Scalar(scalar) => vec![scalar],
        Yaml::List(items) => items
            .iter()
            .map(|item| match item {
                Yaml::Scalar(scalar) => Ok(scalar),
                _ => Err(format!("{name:?}: its values are no scalars")),
            })
            .collect::<Result<_, _>>()?,
        Yaml::Map(_) => return Err(format!("{name:?}: its value is a map")),
    };
    if scalars.is_empty() {
        return Err(format!("{name:?}: it has no values"));
    }
    let tests = scalars
        .into_iter()
        .map(|scalar| value(field, &modifiers, scalar))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|why| format!("{name:?}: {why}"))?;
    let expr = if modifiers.all {
        Expr::all(tests)
    } else {
        Expr::any(tests)
    };
    Ok(if modifiers.neq { expr.negated() } else { expr })
}

fn value(field: &str, modifiers: &Modifiers, scalar: &Scalar) -> Result<Expr, String> {
    let number = || {
        scalar
            .number()
            .ok_or_else(|| format!("{:?} is no whole number", scalar.text))
    };
    let check = match modifiers.kind {
        Kind::Exists => {
            let exists = Expr::test(field, Check::Exists);
            return match scalar.truth() {
                Some(true) => Ok(exists),
                Some(false) => Ok(exists.negated()),
                None => Err(format!("{:?} is neither true nor false", scalar.text)),
            };
        }
        _ if scalar.is_null() && modifiers.kind != Kind::Text => {
            return Err("null has no such property".into());
        }
        Kind::Text if scalar.is_null() && field != ANY => {
            return Ok(Expr::test(field, Check::Exists).negated());
        }
        Kind::Text => return texts(field, modifiers, scalar),
        Kind::Regex => Check::Matches(Regex {
            source: scalar.text.clone(),
            ignore_case: modifiers.ignore_case,
            multi_line: modifiers.multi_line,
            dot_all: modifiers.dot_all,
        }),
        Kind::Cidr => {
            let network: Network = scalar
                .text
                .parse()
                .map_err(|()| format!("{:?} is no network", scalar.text))?;
            Check::In(vec![Item::Network(network)])
        }
        Kind::Field => Check::Same(Reference {
            field: scalar.text.clone(),
            open_start: modifiers.place.open_start,
            open_end: modifiers.place.open_end,
            cased: modifiers.cased,
        }),
        Kind::Order(order) => Check::Order(order, Literal::Number(number()?)),
        Kind::Date(part) => Check::Date(part, number()?),
    };
    Ok(Expr::test(field, check))
}

/// A string, in all the forms that its encodings make of it.
fn texts(field: &str, modifiers: &Modifiers, scalar: &Scalar) -> Result<Expr, String> {
    let mut encodings = modifiers.encodings.iter().copied().peekable();
    let texts = match encodings.next_if_eq(&Encoding::Windash) {
        Some(_) => strings::windash(&scalar.text, WINDASH_FORMS_MAX)?,
        None => vec![scalar.text.clone()],
    };
    let mut forms: Vec<Vec<Piece>> = texts
        .iter()
        .map(|text| match scalar.is_typed() {
            true => vec![Piece::Literal(text.clone().into_bytes())],
            false => strings::pieces(text),
        })
        .collect();
    for encoding in encodings {
        let plain = |pieces: &Vec<Piece>| {
            strings::plain(pieces).ok_or("text with wildcards cannot be encoded")
        };
        let mut encoded = Vec::new();
        for pieces in &forms {
            let bytes = plain(pieces)?;
            match encoding {
                Encoding::Wide(wide) => {
                    encoded.push(strings::utf16(&bytes, wide).ok_or("it is no text")?);
                }
                Encoding::Base64 => encoded.push(strings::base64(&bytes).into_bytes()),
                Encoding::Base64Offset => {
                    let offsets = strings::base64_offsets(&bytes);
                    encoded.extend(offsets.into_iter().map(String::into_bytes));
                }
                Encoding::Windash => return Err("windash comes before other encodings".into()),
            }
        }
        forms = encoded
            .into_iter()
            .map(|bytes| vec![Piece::Literal(bytes)])
            .collect();
    }
    if forms.is_empty() {
        return Err("nothing is left of it when it is encoded".into());
    }
    let place = modifiers.place;
    let tests = forms.into_iter().map(|pieces| {
        let pattern =
            Pattern::new(pieces, modifiers.cased).opened(place.open_start, place.open_end);
        let check = match pattern.plain() {
            Some(bytes) => Check::Is(Literal::Text {
                bytes: bytes.to_vec(),
                cased: modifiers.cased,
            }),
            None => Check::Like(pattern),
        };
        Expr::test(field, check)
    });
    Ok(Expr::any(tests))
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    fn check(text: &str, expect: &str) {
        let documents = yaml::read(text.as_bytes()).expect("YAML");
        let shown = match read(&documents[0]) {
            Ok(expr) => expr.to_string(),
            Err(why) => format!("error: {why}"),
        };
        assert_eq!(shown, expect, "{text}");
    }

    #[test]
    fn maps_and_lists() {
        check(
            "{a: x, b: [1, '2*']}",
            "a = \"x\"i and (b = \"1\"i or b ~ \"2*\"i)",
        );
        check("[{a: x}, {b: y}]", "a = \"x\"i or b = \"y\"i");
        check(
            "[one, 'two*three']",
            "any ~ \"*one*\"i or any ~ \"*two*three*\"i",
        );
        check("{'|all': [a1, b2]}", "any ~ \"*a1*\"i and any ~ \"*b2*\"i");
        check("{a: null, b: ''}", "not exists(a) and b = \"\"i");
        check("{a|contains|all: [x, y]}", "a ~ \"*x*\"i and a ~ \"*y*\"i");
        check("{a|exists: false}", "not exists(a)");
        check("{}", "error: it is empty");
        check("{a: {b: c}}", "error: \"a\": its value is a map");
        check("{a: []}", "error: \"a\": it has no values");
    }

    #[test]
    fn modified_values() {
        check("{a|startswith|cased: x}", "a ~ \"x*\"");
        check("{a|endswith: /x}", "a ~ \"*/x\"i");
        check("{a|neq: [x, y]}", "not (a = \"x\"i or a = \"y\"i)");
        check("{a|re|i: 'b+/c'}", "a ~ /b+\\/c/i");
        check("{a|cidr: 10.0.0.0/8}", "a in (10.0.0.0/8)");
        check("{a|cidr: ten}", "error: \"a|cidr\": \"ten\" is no network");
        check("{a|gte: 5, b|lt: 0x10}", "a >= 5 and b < 16");
        check("{a|gte: x}", "error: \"a|gte\": \"x\" is no whole number");
        check("{a|fieldref: b}", "a = field(b, i)");
        check("{a|fieldref|startswith|neq: b}", "not a ~ field(b, i)*");
        check("{a|hour: [3, 4]}", "hour(a) = 3 or hour(a) = 4");
        check(
            "{a|wide|base64offset|contains: cmd}",
            "a ~ \"*YwBtAGQA*\"i or a ~ \"*MAbQBkA*\"i or a ~ \"*jAG0AZA*\"i",
        );
        check("{a|base64: foo}", "a = \"Zm9v\"i");
        check(
            "{a|base64: 'f*'}",
            "error: \"a|base64\": text with wildcards cannot be encoded",
        );
        check(
            "{a|windash|contains: ' -x'}",
            "a ~ \"* -x*\"i or a ~ \"* /x*\"i or a ~ \"* –x*\"i or a ~ \"* —x*\"i or a ~ \"* ―x*\"i",
        );
    }
}
