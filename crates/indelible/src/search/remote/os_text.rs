//! Text of options in JSON: a string, or where it is none, `{"hex": "61ff"}`.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::payload::hex;

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Text {
    Words(String),
    Bytes(Hex),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hex {
    hex: String,
}

impl Text {
    fn of(text: &OsString) -> Self {
        match text.to_str() {
            Some(words) => Self::Words(words.to_owned()),
            None => Self::Bytes(Hex {
                hex: hex(text.as_bytes()),
            }),
        }
    }

    fn into_os(self) -> Option<OsString> {
        match self {
            Self::Words(words) => Some(words.into()),
            Self::Bytes(Hex { hex }) => {
                let digits = hex.as_bytes().chunks(2);
                let byte = |pair: &[u8]| match pair {
                    [_, _] => u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok(),
                    _ => None,
                };
                let bytes: Option<Vec<u8>> = digits.map(byte).collect();
                bytes.map(OsString::from_vec)
            }
        }
    }
}

const NOT_HEX: &str = "not hexadecimal";

/// One that may be missing.
pub(crate) mod one {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        text: &Option<OsString>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        text.as_ref().map(Text::of).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<OsString>, D::Error> {
        let text = Option::<Text>::deserialize(deserializer)?;
        text.map(|text| text.into_os().ok_or_else(|| D::Error::custom(NOT_HEX)))
            .transpose()
    }
}

/// Several.
pub(crate) mod several {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        texts: &[OsString],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(texts.iter().map(Text::of))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<OsString>, D::Error> {
        let texts = Vec::<Text>::deserialize(deserializer)?;
        let texts = texts.into_iter().map(Text::into_os);
        texts
            .map(|text| text.ok_or_else(|| D::Error::custom(NOT_HEX)))
            .collect()
    }
}
