//! Correlation rules: what they ask (Sigma correlation rules specification 2.0 and 2.1).

use super::yaml::Yaml;

/// A correlation of other rules' matches.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Correlation {
    pub(super) kind: Kind,
    /// Ids and names of the rules.
    pub(super) rules: Vec<String>,
    pub(super) group_by: Vec<String>,
    pub(super) timespan_ms: u64,
    /// All of these must hold.
    pub(super) condition: Vec<(Comparison, f64)>,
    /// Whether the rules also find by themselves.
    pub(super) generate: bool,
    /// Alias, rule, field of that rule's events.
    aliases: Vec<(String, String, String)>,
}

/// What is compared with the condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Events.
    EventCount,
    /// Distinct values of a field.
    ValueCount(String),
    /// Rules that matched.
    Temporal,
    /// The same, in the order in which they are named.
    TemporalOrdered,
    /// Sum of a field's numbers.
    ValueSum(String),
    /// Their mean.
    ValueAverage(String),
    /// The least of them that this share of all (in percent) does not exceed.
    ValuePercentile(String, f64),
}

/// A comparison of a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
}

impl Comparison {
    fn from_name(name: &str) -> Option<Comparison> {
        Some(match name {
            "gt" => Comparison::Greater,
            "gte" => Comparison::GreaterOrEqual,
            "lt" => Comparison::Less,
            "lte" => Comparison::LessOrEqual,
            "eq" => Comparison::Equal,
            "neq" => Comparison::NotEqual,
            _ => return None,
        })
    }

    #[expect(
        clippy::float_cmp,
        reason = "counts are whole, and eq of a mean means exactly that"
    )]
    pub(super) fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Comparison::Greater => value > limit,
            Comparison::GreaterOrEqual => value >= limit,
            Comparison::Less => value < limit,
            Comparison::LessOrEqual => value <= limit,
            Comparison::Equal => value == limit,
            Comparison::NotEqual => value != limit,
        }
    }
}

impl Kind {
    /// The field whose values are counted.
    pub(super) fn field(&self) -> Option<&str> {
        match self {
            Kind::EventCount | Kind::Temporal | Kind::TemporalOrdered => None,
            Kind::ValueCount(field)
            | Kind::ValueSum(field)
            | Kind::ValueAverage(field)
            | Kind::ValuePercentile(field, _) => Some(field),
        }
    }
}

impl Correlation {
    /// # Errors
    /// What is missing or cannot be evaluated.
    pub(super) fn read(node: &Yaml) -> Result<Correlation, String> {
        let text = |name: &str| node.get(name).and_then(Yaml::text);
        let texts = |name: &str| match node.get(name) {
            None => Ok(Vec::new()),
            Some(node) => node
                .texts()
                .ok_or_else(|| format!("{name} is no list of texts")),
        };
        let rules = texts("rules")?;
        if rules.is_empty() {
            return Err("the correlation names no rules".into());
        }
        let timespan = text("timespan").ok_or("the correlation has no timespan")?;
        let (condition, field, percentile) = condition(node.get("condition"))?;
        let field = || field.clone().ok_or("the condition names no field");
        let kind = match text("type").ok_or("the correlation has no type")? {
            "event_count" => Kind::EventCount,
            "value_count" => Kind::ValueCount(field()?),
            "temporal" => Kind::Temporal,
            "temporal_ordered" => Kind::TemporalOrdered,
            "value_sum" => Kind::ValueSum(field()?),
            "value_avg" => Kind::ValueAverage(field()?),
            "value_median" => Kind::ValuePercentile(field()?, 50.0),
            "value_percentile" => {
                let share = percentile.ok_or("the condition names no percentile")?;
                Kind::ValuePercentile(field()?, share)
            }
            other => return Err(format!("there is no correlation type {other:?}")),
        };
        let condition = match (&kind, condition.is_empty()) {
            (Kind::TemporalOrdered, false) => {
                return Err("a condition in temporal_ordered; it means all rules, in order".into());
            }
            (Kind::Temporal | Kind::TemporalOrdered, true) => {
                vec![(Comparison::GreaterOrEqual, rules.len() as f64)]
            }
            (_, true) => return Err("the correlation has no condition".into()),
            (_, false) => condition,
        };
        Ok(Correlation {
            kind,
            group_by: texts("group-by")?,
            timespan_ms: timespan_ms(timespan)?,
            condition,
            generate: match node.get("generate") {
                Some(Yaml::Scalar(scalar)) => scalar.truth().ok_or("generate is no truth")?,
                _ => false,
            },
            aliases: aliases(node.get("aliases"))?,
            rules,
        })
    }

    /// What a name in `group-by` or `field` is called in the events of a rule that goes by these
    /// names.
    pub(super) fn field_of<'f>(&'f self, name: &'f str, rule: &[&str]) -> &'f str {
        let alias = self
            .aliases
            .iter()
            .find(|alias| alias.0 == name && rule.contains(&alias.1.as_str()));
        alias.map_or(name, |alias| &alias.2)
    }

    pub(super) fn holds(&self, value: f64) -> bool {
        let mut parts = self.condition.iter();
        parts.all(|(comparison, limit)| comparison.holds(value, *limit))
    }
}

type Condition = (Vec<(Comparison, f64)>, Option<String>, Option<f64>);

fn condition(node: Option<&Yaml>) -> Result<Condition, String> {
    let Some(node) = node else {
        return Ok((Vec::new(), None, None));
    };
    let Yaml::Map(pairs) = node else {
        return Err(
            "the condition is no map; expressions over rules are of no released version".into(),
        );
    };
    let mut found: Condition = (Vec::new(), None, None);
    for (name, value) in pairs {
        let number = || -> Result<f64, String> {
            let number = value.text().and_then(|text| text.parse::<f64>().ok());
            number
                .filter(|number| number.is_finite())
                .ok_or_else(|| format!("{name} is no number"))
        };
        match name.as_str() {
            "field" => match value.texts().as_deref() {
                Some([field]) => found.1 = Some(field.clone()),
                _ => return Err("field is no one name".into()),
            },
            "percentile" => {
                let share = number()?;
                if !(0.0..=100.0).contains(&share) {
                    return Err("percentile is not between 0 and 100".into());
                }
                found.2 = Some(share);
            }
            other => match Comparison::from_name(other) {
                Some(comparison) => found.0.push((comparison, number()?)),
                None => return Err(format!("the condition has {other:?}")),
            },
        }
    }
    Ok(found)
}

fn aliases(node: Option<&Yaml>) -> Result<Vec<(String, String, String)>, String> {
    let mut found = Vec::new();
    let Some(node) = node else {
        return Ok(found);
    };
    let wrong = || "aliases are no maps of names".to_owned();
    let Yaml::Map(aliases) = node else {
        return Err(wrong());
    };
    for (alias, rules) in aliases {
        let Yaml::Map(rules) = rules else {
            return Err(wrong());
        };
        for (rule, field) in rules {
            let field = field.text().ok_or_else(wrong)?;
            found.push((alias.clone(), rule.clone(), field.to_owned()));
        }
    }
    Ok(found)
}

/// `90m`: a number and a letter.
fn timespan_ms(text: &str) -> Result<u64, String> {
    let unit_s = match text.bytes().last() {
        Some(b's') => 1,
        Some(b'm') => 60,
        Some(b'h') => 60 * 60,
        Some(b'd') => 24 * 60 * 60,
        Some(b'w') => 7 * 24 * 60 * 60,
        _ => 0,
    };
    let number = text
        .get(..text.len().saturating_sub(1))
        .and_then(|digits| digits.parse::<u64>().ok());
    number
        .and_then(|number| number.checked_mul(unit_s * 1000))
        .filter(|ms| *ms > 0)
        .ok_or_else(|| format!("{text:?} is no timespan; write a number and s, m, h, d or w"))
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    fn read(text: &str) -> Result<Correlation, String> {
        Correlation::read(&yaml::read(text.as_bytes()).expect("YAML")[0])
    }

    #[test]
    fn all_types() {
        for (kind, condition, expect) in [
            ("event_count", "{gte: 10}", Kind::EventCount),
            (
                "value_count",
                "{gt: 1, lte: 5, field: User}",
                Kind::ValueCount("User".into()),
            ),
            ("temporal", "{gte: 1}", Kind::Temporal),
            (
                "value_sum",
                "{gte: 1, field: x}",
                Kind::ValueSum("x".into()),
            ),
            (
                "value_avg",
                "{gte: 1, field: x}",
                Kind::ValueAverage("x".into()),
            ),
            (
                "value_percentile",
                "{gte: 1, field: x, percentile: 95}",
                Kind::ValuePercentile("x".into(), 95.0),
            ),
            (
                "value_median",
                "{gte: 1, field: x}",
                Kind::ValuePercentile("x".into(), 50.0),
            ),
        ] {
            let text = format!(
                "{{type: {kind}, rules: [a, b], group-by: [u], timespan: 90m, condition: {condition}}}"
            );
            let correlation = read(&text).expect(kind);
            assert_eq!(correlation.kind, expect);
            assert_eq!(correlation.timespan_ms, 5_400_000);
        }
        let ordered = read("{type: temporal_ordered, rules: [a, b], timespan: 1s}").expect("valid");
        assert!(ordered.holds(2.0) && !ordered.holds(1.0));
    }

    #[test]
    fn aliases_by_rule() {
        let text = "{type: temporal, rules: [a, b], timespan: 1d, group-by: [ip], aliases: {ip: {a: src, b: dst}}}";
        let correlation = read(text).expect("valid");
        assert_eq!(correlation.field_of("ip", &["a"]), "src");
        assert_eq!(correlation.field_of("ip", &["x", "b"]), "dst");
        assert_eq!(correlation.field_of("User", &["b"]), "User");
    }

    #[test]
    fn refused() {
        for (text, why) in [
            ("{rules: [a]}", "no timespan"),
            ("{type: event_count, timespan: 1m}", "no rules"),
            (
                "{type: event_count, rules: [a], timespan: 1m}",
                "no condition",
            ),
            (
                "{type: event_count, rules: [a], timespan: 1y, condition: {gte: 1}}",
                "no timespan",
            ),
            (
                "{type: value_count, rules: [a], timespan: 1m, condition: {gte: 1}}",
                "no field",
            ),
            (
                "{type: near, rules: [a], timespan: 1m, condition: {gte: 1}}",
                "no correlation type",
            ),
            (
                "{type: event_count, rules: [a], timespan: 1m, condition: {gte: many}}",
                "no number",
            ),
            (
                "{type: temporal, rules: [a], timespan: 1m, condition: a and b}",
                "no map",
            ),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(why), "{error}");
        }
    }
}
