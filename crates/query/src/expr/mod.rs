//! Expressions: what must hold of something with named values.
//!
//! ```text
//! --where text ─ parse ─▶ Expr ─ compile(naming) ─▶ Program ─ matches(subject)? ─▶ bool
//! a Sigma rule ─────────▶  │                           names are looked up here, once
//!                          └─ needles ─▶ byte strings, one of which a matching event holds
//! ```
//!
//! A *subject* is whatever has named values ([`Subject`]): a whole event, a record, an event under
//! other names. A field may have several values (an event has several paths): a test holds if it
//! holds of one of them. `docs/where.md` has the language.
//!
//! ```
//! use indelible_query::criteria::Filter;
//! use indelible_query::expr::Where;
//! use indelible_record::{Assembler, Record, Settings};
//!
//! let wanted = Where::parse(r#"exe ~ "/tmp/*" and auid >= 1000 and not success"#).unwrap();
//! let mut assembler = Assembler::new(Settings::FILE);
//! let line = b"type=SYSCALL msg=audit(1.002:3): success=no auid=1000 exe=\"/tmp/x\"";
//! assembler.push(0, &Record::parse(line)).count();
//! let event = assembler.finish().next().unwrap();
//! assert!(wanted.matches(&event));
//! ```

mod ast;
mod compile;
mod error;
mod event;
mod lexer;
mod literal;
mod message;
mod names;
mod needles;
mod network;
mod parse;
mod pattern;
mod print;
mod subject;
mod text;
mod wants;

pub use ast::{Check, DatePart, Expr, Item, Literal, Order, Reference, Regex, Test};
pub use compile::{Naming, Program, Type};
pub use error::{CompileError, ParseError, Suggestion};
pub use event::{EventField, EventNaming};
pub use message::{About, MessageField, MessageNaming};
pub use network::Network;
pub use parse::parse;
pub use pattern::{Pattern, Piece};
pub use subject::{Subject, Value};

use indelible_record::Event;

use crate::criteria::{Filter, Needles};
use crate::terms::Wants;

/// A condition on events, as `--where` takes it: parsed, compiled, ready.
#[derive(Clone, Debug)]
pub struct Where {
    expr: Expr,
    program: Program<EventField>,
    messages: Program<MessageField>,
    needles: Option<Needles>,
    about: About,
}

impl Where {
    /// Reads the language of `docs/where.md`.
    ///
    /// # Errors
    /// Text that is no condition, or that asks of a field what its values cannot answer.
    pub fn parse(text: &str) -> Result<Where, ParseError> {
        let expr = parse(text)?;
        let whole = |error| ParseError::whole(text, error);
        let program = expr.compile(&EventNaming).map_err(whole)?;
        let messages = expr.compile(&MessageNaming).map_err(whole)?;
        let needles = expr.needles();
        let about = expr.about();
        Ok(Where {
            expr,
            program,
            messages,
            needles,
            about,
        })
    }

    /// What can match at all.
    pub fn about(&self) -> About {
        self.about
    }

    /// Whether a message is meant.
    pub fn matches_message<S: Subject<Field = MessageField>>(&self, message: &S) -> bool {
        self.about.messages && self.messages.matches(message)
    }

    /// The condition itself; printed, it reads back as the same.
    pub fn expr(&self) -> &Expr {
        &self.expr
    }
}

impl Filter for Where {
    fn matches(&self, event: &Event) -> bool {
        self.about.events && self.program.matches(event)
    }

    fn needles(&self) -> Option<Needles> {
        self.needles.clone()
    }

    fn wants(&self) -> Wants {
        match self.about.events {
            true => self.expr.wants(),
            false => Wants::Nothing,
        }
    }
}
