//! What serde asks for at a place of a type, found by reading a value that has that place alone.
//! For tests: it is how the schemas are held to the types.

use std::cell::RefCell;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};

/// What may stand at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A table with these keys.
    Table(&'static [&'static str]),
    /// One of these words.
    Words(&'static [&'static str]),
    Bool,
    Integer,
    Number,
    Text,
    List,
    /// A table with keys of one's own.
    Map,
    /// Whatever the type makes of it.
    Any,
}

/// The shape at a path of keys; `[]` goes into a list.
///
/// # Panics
/// Where nothing stands at the path.
pub(crate) fn shape_of<T: DeserializeOwned>(path: &[&'static str]) -> Shape {
    let found = RefCell::new(None);
    let probe = Probe {
        path,
        found: &found,
    };
    // Always an error: the probe never gives a value.
    let _ = T::deserialize(probe);
    found
        .into_inner()
        .unwrap_or_else(|| panic!("nothing is read at {path:?}"))
}

/// Follows a path, notes what is asked for at its end, and fails.
#[derive(Clone, Copy)]
struct Probe<'a> {
    path: &'a [&'static str],
    found: &'a RefCell<Option<Shape>>,
}

#[derive(Debug)]
struct Ended;

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the probe has ended")
    }
}

impl std::error::Error for Ended {}

impl de::Error for Ended {
    fn custom<M: fmt::Display>(_message: M) -> Self {
        Self
    }
}

impl Probe<'_> {
    fn note<V>(self, shape: Shape) -> Result<V, Ended> {
        if self.path.is_empty() {
            self.found.borrow_mut().get_or_insert(shape);
        }
        Err(Ended)
    }
}

macro_rules! notes {
    ($($method:ident => $shape:ident),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Ended> {
            self.note(Shape::$shape)
        }
    )*};
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Ended;

    notes! {
        deserialize_any => Any, deserialize_ignored_any => Any, deserialize_identifier => Any,
        deserialize_bool => Bool,
        deserialize_i8 => Integer, deserialize_i16 => Integer, deserialize_i32 => Integer,
        deserialize_i64 => Integer, deserialize_u8 => Integer, deserialize_u16 => Integer,
        deserialize_u32 => Integer, deserialize_u64 => Integer,
        deserialize_f32 => Number, deserialize_f64 => Number,
        deserialize_char => Text, deserialize_str => Text, deserialize_string => Text,
        deserialize_bytes => Any, deserialize_byte_buf => Any, deserialize_unit => Any,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Ended> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Ended> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _visitor: V,
    ) -> Result<V::Value, Ended> {
        self.note(Shape::Any)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Ended> {
        match self.path.split_first() {
            Some((&"[]", rest)) => visitor.visit_seq(One(Probe { path: rest, ..self })),
            _ => self.note(Shape::List),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Ended> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Ended> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Ended> {
        self.note(Shape::Map)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Ended> {
        match self.path.split_first() {
            Some((key, rest)) => visitor.visit_map(OneKey {
                key: Some(key),
                value: Probe { path: rest, ..self },
            }),
            None => self.note(Shape::Table(fields)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Ended> {
        self.note(Shape::Words(variants))
    }
}

struct One<'a>(Probe<'a>);

impl<'de> SeqAccess<'de> for One<'_> {
    type Error = Ended;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Ended> {
        seed.deserialize(self.0).map(Some)
    }
}

struct OneKey<'a> {
    key: Option<&'static str>,
    value: Probe<'a>,
}

impl<'de> MapAccess<'de> for OneKey<'_> {
    type Error = Ended;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Ended> {
        let Some(key) = self.key.take() else {
            return Ok(None);
        };
        let key: StrDeserializer<'_, Ended> = key.into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Ended> {
        seed.deserialize(self.value)
    }
}
