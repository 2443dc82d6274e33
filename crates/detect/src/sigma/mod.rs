//! Sigma: rules of the community, over audit events.
//!
//! ```text
//! files ─ yaml ─▶ document ─▶ detections, condition ─▶ Expr ─ view's names ─▶ Program ┐
//!                    └─ correlation, filter                                          Engine
//! event ─ views (records, program, files, connection) ─▶ index ─▶ program ─▶ match ─▶ finding
//! ```
//!
//! Specification 2.1: <https://github.com/SigmaHQ/sigma-specification>. What a rule asks is
//! compiled to [`indelible_query::expr`]; what cannot be evaluated is refused with a reason and
//! never silently matches nothing.
//!
//! ```
//! use indelible_detect::sigma::Loader;
//! use indelible_record::{Assembler, Record, Settings};
//!
//! let mut loader = Loader::default();
//! loader.file("split.yml", br#"
//! title: Splitting a file
//! level: low
//! logsource: {product: linux, service: auditd}
//! detection:
//!     selection: {type: SYSCALL, comm: split}
//!     condition: selection
//! "#);
//! let mut engine = loader.finish();
//! let line = b"type=SYSCALL msg=audit(1.002:3): arch=c000003e syscall=59 comm=\"split\"";
//! let mut assembler = Assembler::new(Settings::FILE);
//! assembler.push(0, &Record::parse(line)).count();
//! let event = assembler.finish().next().unwrap();
//! let mut found = Vec::new();
//! engine.event(1_002, &event, &mut found);
//! assert_eq!(found[0].rule.title, "Splitting a file");
//! ```

mod condition;
mod correlation;
mod document;
mod engine;
mod finding;
mod header;
mod index;
mod load;
mod modifiers;
mod processes;
mod record_view;
mod scene;
mod selection;
mod strings;
mod view;
mod window;
mod yaml;

pub use document::LogSource;
pub use engine::{Engine, Forgotten};
pub use finding::{Correlated, Finding};
pub use header::{Header, Level};
pub use load::{Loader, Refused, RuleInfo};
pub use view::View;
