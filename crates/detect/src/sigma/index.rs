//! Which rules can match at all: by the strings that a matching event must hold.
//!
//! Each rule gives strings of which one must stand in a certain field. All rules' strings of a
//! field are searched for at once, without case, and only rules of which one was found are
//! evaluated. Rules without such strings are always evaluated.

use aho_corasick::AhoCorasick;
use indelible_query::expr::{Check, Expr, Item, Literal, Naming, Subject, Test};

/// An index over rules whose fields are `F`.
#[derive(Debug)]
pub(super) struct Index<F> {
    fields: Vec<Strings<F>>,
    always: Vec<usize>,
    rules: usize,
}

#[derive(Debug)]
struct Strings<F> {
    field: F,
    automaton: AhoCorasick,
    /// Rules by string.
    rules: Vec<Vec<usize>>,
    /// Of the shortest string.
    bytes_min: usize,
}

/// A string and the rules that need it.
type RulesOf = (Vec<u8>, Vec<usize>);

/// A string that must stand in a field's value, in lower case.
type Needed = (String, Vec<u8>);

impl<F: PartialEq> Index<F> {
    /// An index over no rules.
    pub(super) fn empty() -> Index<F> {
        Index {
            fields: Vec::new(),
            always: Vec::new(),
            rules: 0,
        }
    }

    pub(super) fn new<'r, N: Naming<Field = F>>(
        naming: &N,
        rules: impl ExactSizeIterator<Item = &'r Expr>,
    ) -> Result<Index<F>, String> {
        let mut index = Index {
            fields: Vec::new(),
            always: Vec::new(),
            rules: rules.len(),
        };
        let mut strings: Vec<(F, Vec<RulesOf>)> = Vec::new();
        for (rule, expr) in rules.enumerate() {
            let Some(needed) = needed(expr) else {
                index.always.push(rule);
                continue;
            };
            for (name, string) in needed {
                let (field, _) = naming.field(&name).map_err(|error| error.to_string())?;
                let at = match strings.iter().position(|entry| entry.0 == field) {
                    Some(at) => at,
                    None => {
                        strings.push((field, Vec::new()));
                        strings.len() - 1
                    }
                };
                let of_field = &mut strings[at].1;
                match of_field.iter_mut().find(|entry| entry.0 == string) {
                    Some(entry) if entry.1.contains(&rule) => {}
                    Some(entry) => entry.1.push(rule),
                    None => of_field.push((string, vec![rule])),
                }
            }
        }
        for (field, of_field) in strings {
            let automaton = AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .build(of_field.iter().map(|entry| &entry.0))
                .map_err(|error| error.to_string())?;
            index.fields.push(Strings {
                field,
                automaton,
                bytes_min: of_field
                    .iter()
                    .map(|entry| entry.0.len())
                    .min()
                    .unwrap_or(0),
                rules: of_field.into_iter().map(|entry| entry.1).collect(),
            });
        }
        Ok(index)
    }

    /// Whether no rule could ever match.
    pub(super) fn is_empty(&self) -> bool {
        self.rules == 0
    }

    /// Appends the rules that can match, each once, ascending.
    pub(super) fn candidates<S: Subject<Field = F>>(&self, subject: &S, found: &mut Vec<usize>) {
        found.clear();
        for strings in &self.fields {
            subject.any(&strings.field, &mut |value| {
                value.with_text(|text| {
                    if text.len() < strings.bytes_min {
                        return;
                    }
                    let places = strings.automaton.find_overlapping_iter(text);
                    for place in places {
                        let rules = &strings.rules[place.pattern().as_usize()];
                        // The same string again and again must not make a long list.
                        let is_known = |rule: &usize| found.iter().rev().take(8).any(|r| r == rule);
                        if !rules.iter().all(is_known) {
                            found.extend_from_slice(rules);
                            if found.len() > 4 * self.rules {
                                found.sort_unstable();
                                found.dedup();
                            }
                        }
                    }
                });
                false
            });
        }
        found.extend_from_slice(&self.always);
        found.sort_unstable();
        found.dedup();
    }
}

/// Strings of which each matching event holds one; none where that cannot be said.
fn needed(expr: &Expr) -> Option<Vec<Needed>> {
    match expr {
        Expr::All(parts) => parts
            .iter()
            .filter_map(needed)
            .min_by_key(|needed| cost(needed)),
        Expr::Any(parts) if parts.is_empty() => None,
        Expr::Any(parts) => parts
            .iter()
            .map(needed)
            .collect::<Option<Vec<_>>>()
            .map(|all| all.concat()),
        Expr::Not(_) => None,
        Expr::Test(test) => of_test(test),
    }
}

/// The rarer the strings, the better: few and long ones, and not a record's type.
fn cost(needed: &[Needed]) -> usize {
    let one = |(name, string): &Needed| {
        let length = 40_usize.saturating_sub(4 * string.len());
        let common = match name.as_str() {
            "type" => 200,
            super::selection::ANY => 60,
            _ => 0,
        };
        5 + length + common
    };
    needed.iter().map(one).sum()
}

fn of_test(test: &Test) -> Option<Vec<Needed>> {
    let one = |bytes: &[u8]| {
        let is_useful = !bytes.is_empty() && bytes.is_ascii();
        is_useful.then(|| (test.field.clone(), bytes.to_ascii_lowercase()))
    };
    match &test.check {
        Check::Is(Literal::Text { bytes, .. }) => Some(vec![one(bytes)?]),
        Check::In(items) => items
            .iter()
            .map(|item| match item {
                Item::Literal(Literal::Text { bytes, .. }) => one(bytes),
                _ => None,
            })
            .collect(),
        // Beyond ASCII, letters without case may be more than one byte's.
        Check::Like(pattern) if pattern.literals().all(<[u8]>::is_ascii) => {
            let longest = pattern.literals().max_by_key(|literal| literal.len())?;
            Some(vec![one(longest)?])
        }
        _ => None,
    }
}
