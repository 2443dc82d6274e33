//! Conditions: `selection and not 1 of filter_*`.
//!
//! ```text
//! any   = all { "or" all }
//! all   = unary { "and" unary }
//! unary = "not" unary | "(" any ")" | ("1" | "any" | "all") "of" ("them" | pattern) | name
//! ```

use indelible_query::expr::Expr;

use crate::limits::sigma::{CONDITION_BYTES_MAX, CONDITION_NESTING_MAX, RULE_TESTS_MAX};

/// Reads a condition over named detections.
///
/// # Errors
/// What is no condition, names that there are not, and the aggregations of Sigma 1.
pub(super) fn read(text: &str, detections: &[(String, Expr)]) -> Result<Expr, String> {
    if text.len() > CONDITION_BYTES_MAX {
        return Err(format!(
            "the condition is longer than {CONDITION_BYTES_MAX} bytes"
        ));
    }
    let mut reader = Reader {
        words: words(text)?,
        at: 0,
        nesting: 0,
        tests: 0,
        detections,
    };
    let expr = reader.any()?;
    match reader.words.get(reader.at) {
        None => Ok(expr),
        Some(word) => Err(format!(
            "the condition has {word:?} where \"and\" or \"or\" may stand"
        )),
    }
}

fn words(text: &str) -> Result<Vec<String>, String> {
    if text.contains('|') {
        return Err("aggregations behind | are of Sigma 1; a correlation says the same".into());
    }
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    Ok(spaced.split_whitespace().map(str::to_owned).collect())
}

struct Reader<'d> {
    words: Vec<String>,
    at: usize,
    nesting: usize,
    tests: usize,
    detections: &'d [(String, Expr)],
}

impl Reader<'_> {
    /// Takes the next word if it is this one.
    fn take(&mut self, word: &str) -> bool {
        let found = self
            .words
            .get(self.at)
            .is_some_and(|next| next.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<Expr, String> {
        let mut parts = vec![self.all()?];
        while self.take("or") {
            parts.push(self.all()?);
        }
        Ok(Expr::any(parts))
    }

    fn all(&mut self) -> Result<Expr, String> {
        let mut parts = vec![self.unary()?];
        while self.take("and") {
            parts.push(self.unary()?);
        }
        Ok(Expr::all(parts))
    }

    fn unary(&mut self) -> Result<Expr, String> {
        self.nesting += 1;
        if self.nesting > CONDITION_NESTING_MAX {
            return Err(format!(
                "more than {CONDITION_NESTING_MAX} parentheses in each other"
            ));
        }
        let expr = if self.take("not") {
            self.unary()?.negated()
        } else if self.take("(") {
            let inner = self.any()?;
            if !self.take(")") {
                return Err("the condition lacks a \")\"".into());
            }
            inner
        } else {
            self.name()?
        };
        self.nesting -= 1;
        Ok(expr)
    }

    fn name(&mut self) -> Result<Expr, String> {
        let Some(word) = self.words.get(self.at).cloned() else {
            return Err("the condition ends where a detection's name may stand".into());
        };
        self.at += 1;
        if !self.take("of") {
            let found = self.detections.iter().find(|named| named.0 == word);
            let (_, expr) = found.ok_or_else(|| format!("there is no detection {word:?}"))?;
            return self.counted(expr);
        }
        let all = match word.to_ascii_lowercase().as_str() {
            "all" => true,
            "1" | "any" => false,
            _ => return Err(format!("\"{word} of\": only 1, any and all are possible")),
        };
        let Some(pattern) = self.words.get(self.at).cloned() else {
            return Err(format!("\"{word} of\" what?"));
        };
        self.at += 1;
        let detections = self.detections;
        let mut parts = Vec::new();
        for (name, expr) in detections {
            let is_meant = match pattern.as_str() {
                // Names that begin so are kept out of "them".
                "them" => !name.starts_with('_'),
                _ => glob(pattern.as_bytes(), name.as_bytes()),
            };
            if is_meant {
                parts.push(self.counted(expr)?);
            }
        }
        match (parts.is_empty(), all) {
            (true, _) => Err(format!("no detection's name is like {pattern:?}")),
            (_, true) => Ok(Expr::all(parts)),
            (_, false) => Ok(Expr::any(parts)),
        }
    }

    fn counted(&mut self, expr: &Expr) -> Result<Expr, String> {
        expr.each_test(&mut |_| self.tests += 1);
        if self.tests > RULE_TESTS_MAX {
            return Err(format!("more than {RULE_TESTS_MAX} tests"));
        }
        Ok(expr.clone())
    }
}

/// `*` is any characters.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let mut parts = pattern.split(|byte| *byte == b'*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let found = (0..=rest.len()).find(|at| rest[*at..].starts_with(part));
        match found {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use indelible_query::expr::Check;

    use super::*;

    fn check(text: &str, expect: &str) {
        let detections: Vec<(String, Expr)> = ["sel_a", "sel_b", "filter", "_hidden"]
            .into_iter()
            .map(|name| (name.to_owned(), Expr::test(name, Check::Exists)))
            .collect();
        let shown = match read(text, &detections) {
            Ok(expr) => expr
                .to_string()
                .replace("exists", "")
                .replace(['(', ')'], ""),
            Err(why) => format!("error: {why}"),
        };
        assert_eq!(shown, expect, "{text}");
    }

    #[test]
    fn conditions() {
        check("sel_a", "sel_a");
        check(
            "sel_a and not filter or sel_b",
            "sel_a and not filter or sel_b",
        );
        check("1 of sel_* and not filter", "sel_a or sel_b and not filter");
        check("all of sel*", "sel_a and sel_b");
        check("1 of them", "sel_a or sel_b or filter");
        check("ANY OF *_?", "error: no detection's name is like \"*_?\"");
        check("any of *el*a", "sel_a");
        check("not (sel_a)", "not sel_a");
    }

    #[test]
    fn refused() {
        check("sel_c", "error: there is no detection \"sel_c\"");
        check(
            "sel_a | count() > 5",
            "error: aggregations behind | are of Sigma 1; a correlation says the same",
        );
        check(
            "2 of sel*",
            "error: \"2 of\": only 1, any and all are possible",
        );
        check(
            "sel_a sel_b",
            "error: the condition has \"sel_b\" where \"and\" or \"or\" may stand",
        );
        check("(sel_a", "error: the condition lacks a \")\"");
        check(
            "sel_a and",
            "error: the condition ends where a detection's name may stand",
        );
        check(
            &"(".repeat(100),
            "error: more than 64 parentheses in each other",
        );
    }
}
