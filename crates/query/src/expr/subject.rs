//! What expressions are evaluated over.

use std::fmt::Write;
use std::net::IpAddr;

/// Something with named values.
pub trait Subject {
    /// A name, looked up: what [`super::Naming`] makes of it.
    type Field;

    /// Whether `test` is true of one of the field's values; stops at the first.
    fn any(&self, field: &Self::Field, test: &mut dyn FnMut(Value<'_>) -> bool) -> bool;
}

/// One value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Bytes, decoded.
    Text(&'a [u8]),
    /// A number.
    Number(i64),
    /// A number that has a name: a syscall, a record type.
    Named(i64, &'a [u8]),
    /// Yes or no.
    Bool(bool),
    /// An internet address.
    Address(IpAddr),
}

impl<'a> Value<'a> {
    /// As a number, where it is one or is written as one in decimal.
    pub fn number(self) -> Option<i64> {
        match self {
            Value::Number(number) | Value::Named(number, _) => Some(number),
            Value::Text(text) => decimal(text),
            Value::Bool(_) | Value::Address(_) => None,
        }
    }

    /// As an address, where it is one or is written as one.
    pub fn address(self) -> Option<IpAddr> {
        match self {
            Value::Address(address) => Some(address),
            Value::Text(text) => std::str::from_utf8(text).ok()?.parse().ok(),
            _ => None,
        }
    }

    /// Calls `f` with the value as text; allocates nothing.
    pub fn with_text<R>(self, f: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Value::Text(text) | Value::Named(_, text) => f(text),
            Value::Bool(true) => f(b"yes"),
            Value::Bool(false) => f(b"no"),
            Value::Number(number) => f(Short::of(number).bytes()),
            Value::Address(address) => f(Short::of(address).bytes()),
        }
    }
}

/// Room for a number or an address as text: an IPv6 address with an IPv4 tail has 45 bytes.
struct Short {
    bytes: [u8; 48],
    length: usize,
}

impl Short {
    fn of(value: impl std::fmt::Display) -> Short {
        let mut short = Short {
            bytes: [0; 48],
            length: 0,
        };
        // Nothing that is shown here is longer than the room.
        let _ = write!(short, "{value}");
        short
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Write for Short {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        let room = self
            .bytes
            .get_mut(self.length..end)
            .ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// A decimal with an optional minus sign.
pub(super) fn decimal(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.is_empty() || digits.len() > 20 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_as_text_and_as_numbers() {
        let long: IpAddr = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
            .parse()
            .expect("valid");
        for (value, text, number) in [
            (Value::Text(b"x"), "x", None),
            (Value::Text(b"-13"), "-13", Some(-13)),
            (Value::Text(b"+13"), "+13", None),
            (
                Value::Text(b"99999999999999999999"),
                "99999999999999999999",
                None,
            ),
            (
                Value::Number(i64::MIN),
                "-9223372036854775808",
                Some(i64::MIN),
            ),
            (Value::Named(2, b"open"), "open", Some(2)),
            (Value::Bool(true), "yes", None),
            (
                Value::Address(long),
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                None,
            ),
        ] {
            assert_eq!(value.with_text(<[u8]>::to_vec), text.as_bytes());
            assert_eq!(value.number(), number, "{text}");
        }
    }
}
