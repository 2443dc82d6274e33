//! The parser of the `--where` language. `docs/where.md` describes what it reads.
//!
//! ```text
//! any   = all   { ("or"  | "||") all }
//! all   = unary { ("and" | "&&") unary }
//! unary = ("not" | "!") unary | "(" any ")" | "true" | "false" | "exists" "(" name ")" | test
//! test  = part "(" name ")" "=" number
//!       | name [ sign value | ("~" | "!~") (string | /regex/) | ["not"] "in" ( item | "(" items ")" ) ]
//! ```

use super::ast::{Check, DatePart, Expr, Item, Literal, Order, Reference, Regex, Test};
use super::compile::check;
use super::error::{ParseError, shortened};
use super::event::EventNaming;
use super::lexer::{Lexer, Placed, Token};
use super::literal;
use super::network::Network;
use crate::limits::{NESTING_MAX, TESTS_MAX, WHERE_BYTES_MAX};

/// Reads an expression about events.
///
/// # Errors
/// Text that is no expression, and tests that no event can answer, each with its column.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    if text.len() > WHERE_BYTES_MAX {
        let message = format!("longer than {WHERE_BYTES_MAX} bytes");
        return Err(ParseError::at(text, 0, 0, message));
    }
    let mut parser = Parser {
        lexer: Lexer::new(text),
        peeked: None,
        nesting: 0,
        tests: 0,
    };
    let expr = parser.any()?;
    let end = parser.next()?;
    match end.token {
        Token::End => Ok(expr),
        _ => Err(parser.expected("\"and\", \"or\" or the end", &end)),
    }
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    peeked: Option<Placed>,
    nesting: usize,
    tests: usize,
}

impl Parser<'_> {
    fn next(&mut self) -> Result<Placed, ParseError> {
        match self.peeked.take() {
            Some(placed) => Ok(placed),
            None => self.lexer.next(),
        }
    }

    fn peek(&mut self) -> Result<&Placed, ParseError> {
        let placed = self.next()?;
        Ok(self.peeked.insert(placed))
    }

    /// Takes the next token if it is this word or sign.
    fn take(&mut self, word: &str) -> Result<bool, ParseError> {
        let found = match &self.peek()?.token {
            Token::Word(found) => found.eq_ignore_ascii_case(word),
            Token::Sign(found) => *found == word,
            _ => false,
        };
        if found {
            self.peeked = None;
        }
        Ok(found)
    }

    fn need(&mut self, sign: &str) -> Result<(), ParseError> {
        let placed = self.next()?;
        match placed.token {
            Token::Sign(found) if found == sign => Ok(()),
            _ => Err(self.expected(&format!("{sign:?}"), &placed)),
        }
    }

    fn expected(&self, what: &str, found: &Placed) -> ParseError {
        let text = self.lexer.text();
        let found_text = match found.token {
            Token::End => "the end".to_owned(),
            _ => format!("{:?}", shortened(&text[found.start..found.end])),
        };
        let message = format!("expected {what}, found {found_text}");
        ParseError::at(text, found.start, found.end, message)
    }

    fn error(&self, at: &Placed, message: impl Into<String>) -> ParseError {
        ParseError::at(self.lexer.text(), at.start, at.end, message)
    }

    fn any(&mut self) -> Result<Expr, ParseError> {
        let mut parts = vec![self.all()?];
        while self.take("or")? || self.take("||")? {
            parts.push(self.all()?);
        }
        Ok(Expr::any(parts))
    }

    fn all(&mut self) -> Result<Expr, ParseError> {
        let mut parts = vec![self.unary()?];
        while self.take("and")? || self.take("&&")? {
            parts.push(self.unary()?);
        }
        Ok(Expr::all(parts))
    }

    fn unary(&mut self) -> Result<Expr, ParseError> {
        let start = self.peek()?.clone();
        self.nesting += 1;
        if self.nesting > NESTING_MAX {
            let message =
                format!("more than {NESTING_MAX} parentheses and negations in each other");
            return Err(self.error(&start, message));
        }
        let expr = if self.take("not")? || self.take("!")? {
            self.unary()?.negated()
        } else if self.take("(")? {
            let inner = self.any()?;
            self.need(")")?;
            inner
        } else {
            self.test()?
        };
        self.nesting -= 1;
        Ok(expr)
    }

    fn test(&mut self) -> Result<Expr, ParseError> {
        let place = self.next()?;
        self.tests += 1;
        if self.tests > TESTS_MAX {
            return Err(self.error(&place, format!("more than {TESTS_MAX} tests")));
        }
        let field = match &place.token {
            Token::Name(name) => name.clone(),
            Token::Word(word) => match word.to_ascii_lowercase().as_str() {
                "true" => return Ok(Expr::All(Vec::new())),
                "false" => return Ok(Expr::Any(Vec::new())),
                "exists" => return self.exists(),
                "and" | "or" | "in" => return Err(self.expected(A_FIELD, &place)),
                _ => word.clone(),
            },
            _ => return Err(self.expected(A_FIELD, &place)),
        };
        if let Some(part) = DatePart::from_name(&field)
            && self.take("(")?
        {
            return self.date(part);
        }
        self.checked(&field, &place)
    }

    fn date(&mut self, part: DatePart) -> Result<Expr, ParseError> {
        let (field, place) = self.name()?;
        self.need(")")?;
        let is_negated = self.take("!=")?;
        if !is_negated && !self.take("==")? {
            self.need("=")?;
        }
        let number = self.next()?;
        let value = match &number.token {
            Token::Word(word) => literal::number(word),
            _ => None,
        };
        let Some(value) = value else {
            return Err(self.expected("a number", &number));
        };
        let test = self.test_of(field, Check::Date(part, value), &place)?;
        Ok(if is_negated { test.negated() } else { test })
    }

    fn exists(&mut self) -> Result<Expr, ParseError> {
        self.need("(")?;
        let (field, place) = self.name()?;
        self.need(")")?;
        self.test_of(field, Check::Exists, &place)
    }

    fn name(&mut self) -> Result<(String, Placed), ParseError> {
        let place = self.next()?;
        match &place.token {
            Token::Word(name) | Token::Name(name) => Ok((name.clone(), place)),
            _ => Err(self.expected(A_FIELD, &place)),
        }
    }

    /// What comes after a field's name.
    fn checked(&mut self, field: &str, place: &Placed) -> Result<Expr, ParseError> {
        let (sign, is_negated) = match &self.peek()?.token {
            Token::Sign(sign @ ("=" | "==" | "<" | "<=" | ">" | ">=" | "~")) => (*sign, false),
            Token::Sign("!=") => ("=", true),
            Token::Sign("!~") => ("~", true),
            Token::Sign("=~") => {
                let found = self.next()?;
                return Err(self.error(&found, "write ~ /REGEX/ or ~ \"GLOB\""));
            }
            Token::Word(word) if word.eq_ignore_ascii_case("in") => ("in", false),
            Token::Word(word) if word.eq_ignore_ascii_case("not") => {
                self.peeked = None;
                let next = self.peek()?.clone();
                match &next.token {
                    Token::Word(word) if word.eq_ignore_ascii_case("in") => ("in", true),
                    _ => return Err(self.expected("\"in\"", &next)),
                }
            }
            _ => return self.test_of(field.to_owned(), Check::Holds, place),
        };
        self.peeked = None;
        let order = match sign {
            "<" => Some(Order::Less),
            "<=" => Some(Order::LessOrEqual),
            ">" => Some(Order::Greater),
            ">=" => Some(Order::GreaterOrEqual),
            _ => None,
        };
        let check = match (sign, order) {
            (_, Some(order)) => Check::Order(order, self.literal()?),
            ("in", _) => Check::In(self.items()?),
            ("~", _) => self.pattern()?,
            _ => match self.reference()? {
                Some(reference) => Check::Same(reference),
                None => Check::Is(self.literal()?),
            },
        };
        let test = self.test_of(field.to_owned(), check, place)?;
        Ok(if is_negated { test.negated() } else { test })
    }

    /// The test, if an event can answer it.
    fn test_of(&self, field: String, asked: Check, place: &Placed) -> Result<Expr, ParseError> {
        let test = Test {
            field,
            check: asked,
        };
        check(&EventNaming, &test).map_err(|error| self.error(place, error.to_string()))?;
        Ok(Expr::Test(test))
    }

    fn literal(&mut self) -> Result<Literal, ParseError> {
        let place = self.next()?;
        match &place.token {
            Token::Word(word) => Ok(literal::of_word(word)),
            Token::Text(bytes, folded) => Ok(literal::of_text(bytes, !folded)),
            _ => Err(self.expected("a number, a word or a text in quotes", &place)),
        }
    }

    fn items(&mut self) -> Result<Vec<Item>, ParseError> {
        if !self.take("(")? {
            return Ok(vec![self.item()?]);
        }
        let mut items = vec![self.item()?];
        while self.take(",")? {
            if items.len() == TESTS_MAX {
                let place = self.next()?;
                return Err(self.error(&place, format!("more than {TESTS_MAX} values")));
            }
            items.push(self.item()?);
        }
        let place = self.next()?;
        match place.token {
            Token::Sign(")") => Ok(items),
            _ => Err(self.expected("\",\" or \")\"", &place)),
        }
    }

    fn item(&mut self) -> Result<Item, ParseError> {
        if let Token::Word(word) = &self.peek()?.token
            && word.contains('/')
            && let Ok(network) = word.parse::<Network>()
        {
            self.peeked = None;
            return Ok(Item::Network(network));
        }
        self.literal().map(Item::Literal)
    }

    /// What stands after `~`.
    fn pattern(&mut self) -> Result<Check, ParseError> {
        debug_assert!(self.peeked.is_none(), "a slash was read as a word");
        if let Some(slashed) = self.lexer.slashed()? {
            let mut regex = Regex {
                source: slashed.source,
                ignore_case: false,
                multi_line: false,
                dot_all: false,
            };
            for flag in slashed.flags.chars() {
                match flag {
                    'i' => regex.ignore_case = true,
                    'm' => regex.multi_line = true,
                    's' => regex.dot_all = true,
                    _ => {
                        let message = format!("no flag {flag:?}; there are i, m and s");
                        let text = self.lexer.text();
                        return Err(ParseError::at(text, slashed.start, slashed.end, message));
                    }
                }
            }
            return Ok(Check::Matches(regex));
        }
        if let Some(reference) = self.reference()? {
            return Ok(Check::Same(reference));
        }
        let place = self.next()?;
        match &place.token {
            Token::Text(bytes, folded) => Ok(Check::Like(literal::pattern(bytes, !folded))),
            _ => Err(self.expected("a glob in quotes or a /regex/", &place)),
        }
    }

    /// `field(NAME)`, `*field(NAME, i)*`.
    fn reference(&mut self) -> Result<Option<Reference>, ParseError> {
        let open_start = self.take("*")?;
        let place = self.peek()?.clone();
        let is_field = matches!(&place.token, Token::Word(word) if word == "field");
        if !is_field {
            return match open_start {
                true => Err(self.expected("field(NAME), or a glob in quotes", &place)),
                false => Ok(None),
            };
        }
        self.peeked = None;
        self.need("(")?;
        let (field, _) = self.name()?;
        let mut cased = true;
        if self.take(",")? {
            let flag = self.next()?;
            if !matches!(&flag.token, Token::Word(word) if word == "i") {
                return Err(self.expected("\"i\"", &flag));
            }
            cased = false;
        }
        self.need(")")?;
        let open_end = self.take("*")?;
        Ok(Some(Reference {
            field,
            open_start,
            open_end,
            cased,
        }))
    }
}

impl Expr {
    /// All of these; parts that are such lists themselves are taken into it.
    pub fn all(parts: impl IntoIterator<Item = Expr>) -> Expr {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                // Empty ones say "true"; they stay to be seen.
                Expr::All(inner) if !inner.is_empty() => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match flat.len() {
            1 => flat.remove(0),
            _ => Expr::All(flat),
        }
    }

    /// One of these; parts that are such lists themselves are taken into it.
    pub fn any(parts: impl IntoIterator<Item = Expr>) -> Expr {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Expr::Any(inner) if !inner.is_empty() => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match flat.len() {
            1 => flat.remove(0),
            _ => Expr::Any(flat),
        }
    }
}

const A_FIELD: &str = "a field's name, \"not\", \"exists(NAME)\" or \"(\"";
