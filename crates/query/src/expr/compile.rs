//! From names to places: an expression made ready for one kind of subject.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::ast::{Check, DatePart, Expr, Item, Literal, Order, Reference, Test};
use super::error::CompileError;
use super::network::Network;
use super::subject::{Subject, Value};
use super::text::{self, TextMatcher};
use crate::limits::TESTS_MAX;

/// Knows the names of a kind of subject.
pub trait Naming {
    /// What a name stands for.
    type Field;

    /// Looks a name up.
    ///
    /// # Errors
    /// [`CompileError::Field`] where there is none.
    fn field(&self, name: &str) -> Result<(Self::Field, Type), CompileError>;
}

/// What the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Bytes.
    Text,
    /// Numbers.
    Number,
    /// User, group and session ids, of which the highest means "not set".
    Id,
    /// Numbers that have names.
    Named,
    /// Yes or no.
    Bool,
    /// Internet addresses, or what stands in their place.
    Address,
    /// Milliseconds since 1970, to compare with seconds or with RFC 3339.
    Time,
    /// As records have it: compared as what it is compared with.
    Raw,
}

/// An expression over subjects whose names are `F`.
#[derive(Clone, Debug)]
pub struct Program<F> {
    root: Node<F>,
}

#[derive(Clone, Debug)]
enum Node<F> {
    All(Box<[Node<F>]>),
    Any(Box<[Node<F>]>),
    Not(Box<Node<F>>),
    Test(F, Matcher<F>),
}

#[derive(Clone, Debug)]
enum Matcher<F> {
    Exists,
    Holds(bool),
    Number(i64),
    Order(Order, i64),
    Text(TextMatcher),
    Network(Network),
    OneOf(Box<[Matcher<F>]>),
    Same(F, Reference),
    Date(DatePart, i64),
}

impl Expr {
    /// Looks all names up and makes patterns fast.
    ///
    /// # Errors
    /// A name that the naming does not know, a test that the field's values cannot answer, a
    /// regular expression beyond the limits.
    pub fn compile<N: Naming>(&self, naming: &N) -> Result<Program<N::Field>, CompileError> {
        let mut tests = 0;
        self.each_test(&mut |_| tests += 1);
        if tests > TESTS_MAX {
            return Err(CompileError::Tests(TESTS_MAX));
        }
        Ok(Program {
            root: node(naming, self)?,
        })
    }
}

impl<F> Program<F> {
    /// Whether the expression holds of the subject.
    #[inline]
    pub fn matches<S: Subject<Field = F>>(&self, subject: &S) -> bool {
        self.root.holds(subject)
    }
}

impl<F> Node<F> {
    fn holds<S: Subject<Field = F>>(&self, subject: &S) -> bool {
        match self {
            Node::All(parts) => parts.iter().all(|part| part.holds(subject)),
            Node::Any(parts) => parts.iter().any(|part| part.holds(subject)),
            Node::Not(inner) => !inner.holds(subject),
            Node::Test(field, matcher) => {
                subject.any(field, &mut |value| matcher.holds(subject, value))
            }
        }
    }
}

impl<F> Matcher<F> {
    fn holds<S: Subject<Field = F>>(&self, subject: &S, value: Value<'_>) -> bool {
        match self {
            Matcher::Exists => true,
            Matcher::Holds(wanted) => value == Value::Bool(*wanted),
            Matcher::Number(wanted) => value.number() == Some(*wanted),
            Matcher::Order(order, limit) => value
                .number()
                .is_some_and(|number| order.holds(number, *limit)),
            Matcher::Text(matcher) => value.with_text(|text| matcher.is_match(text)),
            Matcher::Network(network) => value
                .address()
                .is_some_and(|address| network.contains(address)),
            Matcher::OneOf(matchers) => {
                matchers.iter().any(|matcher| matcher.holds(subject, value))
            }
            Matcher::Date(part, wanted) => date_part(*part, value) == Some(*wanted),
            Matcher::Same(other, reference) => {
                subject.any(other, &mut |other| same(reference, value, other))
            }
        }
    }
}

/// A part of a date in UTC: of milliseconds since 1970, or of RFC 3339.
fn date_part(part: DatePart, value: Value<'_>) -> Option<i64> {
    let time = match value {
        Value::Number(ms) => Timestamp::from_millisecond(ms).ok()?,
        Value::Text(text) => std::str::from_utf8(text).ok()?.parse().ok()?,
        _ => return None,
    };
    let time = time.to_zoned(TimeZone::UTC);
    Some(match part {
        DatePart::Minute => i64::from(time.minute()),
        DatePart::Hour => i64::from(time.hour()),
        DatePart::Day => i64::from(time.day()),
        DatePart::Week => i64::from(time.date().iso_week_date().week()),
        DatePart::Month => i64::from(time.month()),
        DatePart::Year => i64::from(time.year()),
    })
}

fn same(reference: &Reference, value: Value<'_>, other: Value<'_>) -> bool {
    if !reference.open_start
        && !reference.open_end
        && let (Value::Number(value) | Value::Named(value, _), Some(other)) =
            (value, other.number())
    {
        return value == other;
    }
    value.with_text(|value| other.with_text(|other| text::refers(reference, value, other)))
}

fn node<N: Naming>(naming: &N, expr: &Expr) -> Result<Node<N::Field>, CompileError> {
    let nodes = |parts: &[Expr]| -> Result<Box<[_]>, _> {
        parts.iter().map(|part| node(naming, part)).collect()
    };
    Ok(match expr {
        Expr::All(parts) => Node::All(nodes(parts)?),
        Expr::Any(parts) => Node::Any(nodes(parts)?),
        Expr::Not(inner) => Node::Not(Box::new(node(naming, inner)?)),
        Expr::Test(test) => {
            let (field, matcher) = check(naming, test)?;
            Node::Test(field, matcher.0)
        }
    })
}

/// A matcher that nobody but this module takes apart.
pub(super) struct Compiled<F>(Matcher<F>);

impl<F> Compiled<F> {
    /// Whether the test holds of a value without the subject that has it; what compares with another
    /// field does not.
    pub(super) fn holds_of(&self, value: Value<'_>) -> bool {
        self.0.holds(&Nobody(std::marker::PhantomData), value)
    }
}

/// A subject without values.
struct Nobody<F>(std::marker::PhantomData<F>);

impl<F> Subject for Nobody<F> {
    type Field = F;

    fn any(&self, _: &F, _: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
        false
    }
}

/// Compiles one test.
pub(super) fn check<N: Naming>(
    naming: &N,
    test: &Test,
) -> Result<(N::Field, Compiled<N::Field>), CompileError> {
    let (field, field_type) = naming.field(&test.field)?;
    let typed = Typed {
        name: &test.field,
        field_type,
    };
    let matcher = match &test.check {
        Check::Exists => Matcher::Exists,
        Check::Holds if field_type == Type::Bool => Matcher::Holds(true),
        Check::Holds => return Err(typed.refuse("nothing", "use exists(NAME), or compare it")),
        Check::Is(literal) => typed.is(literal)?,
        Check::In(items) => Matcher::OneOf(
            items
                .iter()
                .map(|item| match item {
                    Item::Literal(literal) => typed.is(literal),
                    Item::Network(network) => typed.within(*network),
                })
                .collect::<Result<_, _>>()?,
        ),
        Check::Order(order, literal) => Matcher::Order(*order, typed.bound(*order, literal)?),
        Check::Like(pattern) => {
            typed.needs_text("a pattern")?;
            Matcher::Text(TextMatcher::of(pattern).map_err(|error| regex_error(&error))?)
        }
        Check::Matches(regex) => {
            typed.needs_text("a regular expression")?;
            let regex = text::compile(regex).map_err(|error| regex_error(&error))?;
            Matcher::Text(TextMatcher::Regex(Box::new(regex)))
        }
        Check::Same(reference) => {
            let (other, _) = naming.field(&reference.field)?;
            Matcher::Same(other, reference.clone())
        }
        Check::Date(part, number) => match field_type {
            Type::Time | Type::Raw | Type::Text => Matcher::Date(*part, *number),
            _ => return Err(typed.refuse(part.name(), "only times have that")),
        },
    };
    Ok((field, Compiled(matcher)))
}

/// A field by name, and what its values are.
#[derive(Clone, Copy)]
struct Typed<'a> {
    name: &'a str,
    field_type: Type,
}

impl Typed<'_> {
    fn refuse(&self, with: impl Into<String>, instead: &'static str) -> CompileError {
        CompileError::Kind {
            field: self.name.to_owned(),
            is: match self.field_type {
                Type::Text => "text",
                Type::Number => "a number",
                Type::Id => "the number of a user, group or session",
                Type::Named => "a number with a name",
                Type::Bool => "yes or no",
                Type::Address => "an address",
                Type::Time => "a time",
                Type::Raw => "as the record has it",
            },
            with: with.into(),
            instead,
        }
    }

    fn is<F>(&self, literal: &Literal) -> Result<Matcher<F>, CompileError> {
        let text = |bytes: &[u8], cased| {
            TextMatcher::equals(bytes, cased)
                .map(Matcher::Text)
                .map_err(|error| regex_error(&error))
        };
        match (self.field_type, literal) {
            (Type::Time, _) => Err(self.refuse(shown(literal), "use <, <=, > or >=")),
            (Type::Text, Literal::Number(number)) => text(number.to_string().as_bytes(), true),
            (Type::Bool, _) => match truth(literal) {
                Some(wanted) => Ok(Matcher::Holds(wanted)),
                None => Err(self.refuse(shown(literal), "use yes or no")),
            },
            (Type::Address, Literal::Number(_)) => {
                Err(self.refuse(shown(literal), "write an address"))
            }
            (Type::Address, Literal::Text { bytes, cased }) => {
                match std::str::from_utf8(bytes).map(str::parse::<Network>) {
                    Ok(Ok(network)) => Ok(Matcher::Network(network)),
                    _ => text(bytes, *cased),
                }
            }
            (Type::Number | Type::Id, literal) => self.number(literal).map(Matcher::Number),
            (_, Literal::Number(number)) => Ok(Matcher::Number(*number)),
            (_, Literal::Text { bytes, cased }) => text(bytes, *cased),
        }
    }

    fn within<F>(&self, network: Network) -> Result<Matcher<F>, CompileError> {
        match self.field_type {
            Type::Address | Type::Raw | Type::Text => Ok(Matcher::Network(network)),
            _ => Err(self.refuse(network.to_string(), "only addresses are in networks")),
        }
    }

    fn bound(&self, order: Order, literal: &Literal) -> Result<i64, CompileError> {
        match self.field_type {
            Type::Text | Type::Bool | Type::Address => {
                Err(self.refuse(order.sign(), "use =, ~ or in"))
            }
            Type::Time => time_ms(literal, order)
                .ok_or_else(|| self.refuse(shown(literal), "write seconds since 1970 or RFC 3339")),
            _ => self.number(literal),
        }
    }

    fn number(&self, literal: &Literal) -> Result<i64, CompileError> {
        match literal {
            Literal::Number(-1) if self.field_type == Type::Id => Ok(UNSET),
            Literal::Number(number) => Ok(*number),
            Literal::Text { bytes, .. } if self.field_type == Type::Id && bytes == b"unset" => {
                Ok(UNSET)
            }
            Literal::Text { .. } if self.field_type == Type::Id => Err(self.refuse(
                shown(literal),
                "names of users and groups are in the upper-case fields of enriched logs (AUID, UID)",
            )),
            Literal::Text { .. } => Err(self.refuse(shown(literal), "write a number")),
        }
    }

    fn needs_text(&self, what: &str) -> Result<(), CompileError> {
        match self.field_type {
            Type::Bool | Type::Time => Err(self.refuse(what, "compare it")),
            _ => Ok(()),
        }
    }
}

fn shown(literal: &Literal) -> String {
    super::error::shortened(&literal.to_string())
}

fn truth(literal: &Literal) -> Option<bool> {
    match literal {
        Literal::Number(1) => Some(true),
        Literal::Number(0) => Some(false),
        Literal::Number(_) => None,
        Literal::Text { bytes, .. } => match bytes.to_ascii_lowercase().as_slice() {
            b"yes" | b"true" | b"success" => Some(true),
            b"no" | b"false" | b"failed" => Some(false),
            _ => None,
        },
    }
}

/// The millisecond that is compared with. `> 5` and `<= 5` mean the whole fifth second.
fn time_ms(literal: &Literal, order: Order) -> Option<i64> {
    match literal {
        Literal::Number(seconds) => {
            let ms = seconds.checked_mul(1000)?;
            match order {
                Order::Less | Order::GreaterOrEqual => Some(ms),
                Order::Greater | Order::LessOrEqual => ms.checked_add(999),
            }
        }
        Literal::Text { bytes, .. } => {
            let text = std::str::from_utf8(bytes).ok()?;
            Some(text.parse::<Timestamp>().ok()?.as_millisecond())
        }
    }
}

fn regex_error(error: &regex::Error) -> CompileError {
    // The crate draws a picture over several lines; the last one says what is wrong.
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    CompileError::Regex(last.trim_start_matches("error: ").to_owned())
}

/// `auid=-1`, as old kernels print it, and `auid=4294967295` are the same.
const UNSET: i64 = u32::MAX as i64;
