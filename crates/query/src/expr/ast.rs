//! The tree of an expression. It knows names, not where their values come from.

use super::network::Network;
use super::pattern::Pattern;

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// All of these; of none at all, true.
    All(Vec<Expr>),
    /// One of these; of none at all, false.
    Any(Vec<Expr>),
    /// Not this.
    Not(Box<Expr>),
    /// Something about one field.
    Test(Test),
}

/// Something about one field: it holds if it holds of one of the field's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// The field's name; [``any``] is every value of the subject.
    pub field: String,
    /// What is asked of it.
    pub check: Check,
}

/// What is asked of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// It has a value.
    Exists,
    /// It is true.
    Holds,
    /// It is this.
    Is(Literal),
    /// It is one of these.
    In(Vec<Item>),
    /// It is less or more than this.
    Order(Order, Literal),
    /// It is like this, with wildcards.
    Like(Pattern),
    /// The regular expression is found in it.
    Matches(Regex),
    /// It is as another field's value.
    Same(Reference),
    /// This part of the date that it is, in UTC, is this number.
    Date(DatePart, i64),
}

/// A part of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatePart {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// Of the month, 1 to 31.
    Day,
    /// Of the year, ISO 8601, 1 to 53.
    Week,
    /// 1 to 12.
    Month,
    /// The year.
    Year,
}

impl DatePart {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            DatePart::Minute => "minute",
            DatePart::Hour => "hour",
            DatePart::Day => "day",
            DatePart::Week => "week",
            DatePart::Month => "month",
            DatePart::Year => "year",
        }
    }

    /// Reads [`DatePart::name`].
    pub fn from_name(name: &str) -> Option<DatePart> {
        let all = [
            DatePart::Minute,
            DatePart::Hour,
            DatePart::Day,
            DatePart::Week,
            DatePart::Month,
            DatePart::Year,
        ];
        all.into_iter().find(|part| part.name() == name)
    }
}

/// One of the things in `in (…)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A value.
    Literal(Literal),
    /// Addresses.
    Network(Network),
}

/// A value that was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// A number.
    Number(i64),
    /// Text.
    Text {
        /// Its bytes.
        bytes: Vec<u8>,
        /// Whether upper and lower case differ.
        cased: bool,
    },
}

/// A regular expression in the syntax of the `regex` crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regex {
    /// The expression.
    pub source: String,
    /// `i`: upper and lower case are the same.
    pub ignore_case: bool,
    /// `m`: `^` and `$` are ends of lines.
    pub multi_line: bool,
    /// `s`: `.` is also a newline.
    pub dot_all: bool,
}

/// Another field whose value is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Its name.
    pub field: String,
    /// Anything may stand before it.
    pub open_start: bool,
    /// Anything may stand after it.
    pub open_end: bool,
    /// Whether upper and lower case differ.
    pub cased: bool,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Order {
    /// Whether `left` stands so to `right`.
    pub fn holds<T: PartialOrd>(self, left: T, right: T) -> bool {
        match self {
            Order::Less => left < right,
            Order::LessOrEqual => left <= right,
            Order::Greater => left > right,
            Order::GreaterOrEqual => left >= right,
        }
    }

    /// As it is written.
    pub fn sign(self) -> &'static str {
        match self {
            Order::Less => "<",
            Order::LessOrEqual => "<=",
            Order::Greater => ">",
            Order::GreaterOrEqual => ">=",
        }
    }
}

impl Expr {
    /// A test.
    pub fn test(field: impl Into<String>, check: Check) -> Expr {
        Expr::Test(Test {
            field: field.into(),
            check,
        })
    }

    /// The opposite; of an opposite, the thing itself.
    #[must_use]
    pub fn negated(self) -> Expr {
        match self {
            Expr::Not(inner) => *inner,
            other => Expr::Not(Box::new(other)),
        }
    }

    /// Calls `f` with every test.
    pub fn each_test<'e>(&'e self, f: &mut dyn FnMut(&'e Test)) {
        match self {
            Expr::All(parts) | Expr::Any(parts) => {
                parts.iter().for_each(|part| part.each_test(f));
            }
            Expr::Not(inner) => inner.each_test(f),
            Expr::Test(test) => f(test),
        }
    }
}

impl Literal {
    /// Text in which case matters.
    pub fn text(bytes: impl Into<Vec<u8>>) -> Literal {
        Literal::Text {
            bytes: bytes.into(),
            cased: true,
        }
    }
}
