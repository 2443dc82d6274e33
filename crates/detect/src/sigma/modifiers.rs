//! A field with its modifiers: `CommandLine|contains|all`.

use indelible_query::expr::{DatePart, Order};

use super::strings::Wide;

/// Where in a field a value is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) open_start: bool,
    pub(super) open_end: bool,
}

/// What kind of value it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Text,
    Regex,
    Cidr,
    Exists,
    Field,
    Order(Order),
    Date(DatePart),
}

/// How text is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Wide(Wide),
    Base64,
    Base64Offset,
    Windash,
}

/// The modifiers of one field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Modifiers {
    pub(super) kind: Kind,
    pub(super) place: Place,
    pub(super) all: bool,
    pub(super) cased: bool,
    pub(super) neq: bool,
    pub(super) ignore_case: bool,
    pub(super) multi_line: bool,
    pub(super) dot_all: bool,
    /// In the order in which they were written.
    pub(super) encodings: Vec<Encoding>,
}

/// Takes `field|modifier|…` apart.
///
/// # Errors
/// Modifiers that there are not, that contradict each other, or that cannot be answered.
pub(super) fn read(name: &str) -> Result<(&str, Modifiers), String> {
    let mut words = name.split('|');
    let field = words.next().unwrap_or_default();
    let mut modifiers = Modifiers::default();
    for word in words {
        modifiers
            .add(word)
            .map_err(|why| format!("{name:?}: {why}"))?;
    }
    modifiers
        .contradiction()
        .map_or(Ok((field, modifiers)), |why| {
            Err(format!("{name:?}: {why}"))
        })
}

impl Modifiers {
    fn add(&mut self, word: &str) -> Result<(), String> {
        match word {
            "contains" => {
                self.place = Place {
                    open_start: true,
                    open_end: true,
                };
            }
            "startswith" => self.place.open_end = true,
            "endswith" => self.place.open_start = true,
            "all" => self.all = true,
            "cased" => self.cased = true,
            "neq" => self.neq = true,
            "re" => return self.kind(Kind::Regex),
            "cidr" => return self.kind(Kind::Cidr),
            "exists" => return self.kind(Kind::Exists),
            "fieldref" => return self.kind(Kind::Field),
            "lt" => return self.kind(Kind::Order(Order::Less)),
            "lte" => return self.kind(Kind::Order(Order::LessOrEqual)),
            "gt" => return self.kind(Kind::Order(Order::Greater)),
            "gte" => return self.kind(Kind::Order(Order::GreaterOrEqual)),
            "i" | "ignorecase" => return self.flag(|flags| flags.ignore_case = true),
            "m" | "multiline" => return self.flag(|flags| flags.multi_line = true),
            "s" | "dotall" => return self.flag(|flags| flags.dot_all = true),
            "wide" | "utf16le" => self.encodings.push(Encoding::Wide(Wide::Little)),
            "utf16be" => self.encodings.push(Encoding::Wide(Wide::Big)),
            "utf16" => self.encodings.push(Encoding::Wide(Wide::Marked)),
            "base64" => self.encodings.push(Encoding::Base64),
            "base64offset" => self.encodings.push(Encoding::Base64Offset),
            "windash" => self.encodings.push(Encoding::Windash),
            "expand" => {
                return Err(
                    "expand needs the placeholders of a pipeline, and there is none".into(),
                );
            }
            _ => match DatePart::from_name(word) {
                Some(part) => return self.kind(Kind::Date(part)),
                None => return Err(format!("there is no modifier {word:?}")),
            },
        }
        Ok(())
    }

    fn kind(&mut self, kind: Kind) -> Result<(), String> {
        if self.kind != Kind::Text {
            return Err("its modifiers contradict each other".into());
        }
        self.kind = kind;
        Ok(())
    }

    fn flag(&mut self, set: impl FnOnce(&mut Modifiers)) -> Result<(), String> {
        if self.kind != Kind::Regex {
            return Err("flags belong behind re".into());
        }
        set(self);
        Ok(())
    }

    fn contradiction(&self) -> Option<&'static str> {
        let takes_place = matches!(self.kind, Kind::Text | Kind::Field);
        if !takes_place && (self.place.open_start || self.place.open_end) {
            return Some("contains, startswith and endswith are for text");
        }
        if self.kind != Kind::Text && !self.encodings.is_empty() {
            return Some("only text can be encoded");
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains() {
        let (field, modifiers) = read("CommandLine|base64offset|contains|all").expect("valid");
        assert_eq!(field, "CommandLine");
        assert!(modifiers.all && modifiers.place.open_start && modifiers.place.open_end);
        assert_eq!(modifiers.encodings, [Encoding::Base64Offset]);
        assert_eq!(read("|all").expect("valid").0, "");
        let regex = read("a|re|i|m|s").expect("valid").1;
        assert!(regex.ignore_case && regex.multi_line && regex.dot_all);
    }

    #[test]
    fn refused() {
        for (name, why) in [
            ("a|like", "there is no modifier \"like\""),
            ("a|expand", "expand needs"),
            ("a|re|cidr", "contradict"),
            ("a|i", "behind re"),
            ("a|re|contains", "are for text"),
            ("a|gt|wide", "only text"),
        ] {
            let error = read(name).expect_err(name);
            assert!(error.contains(why), "{error}");
        }
    }
}
