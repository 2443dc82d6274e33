//! The documents of a rule file: rules, correlations, filters.

use indelible_query::expr::Expr;

use super::condition;
use super::correlation::Correlation;
use super::header::Header;
use super::load::Refused;
use super::selection;
use super::yaml::Yaml;

/// One document.
#[derive(Debug)]
pub(super) enum Document {
    Rule(Rule),
    Correlation(Header, Correlation),
    Filter(Filter),
}

/// A rule about single events.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) header: Header,
    pub(super) source: LogSource,
    pub(super) expr: Expr,
}

/// A condition that is added to other rules.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub(super) header: Header,
    pub(super) source: LogSource,
    /// Ids and names of the rules; all where there are none.
    pub(super) rules: Option<Vec<String>>,
    pub(super) expr: Expr,
}

/// Where a rule's events come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogSource {
    /// `process_creation`, `file_event` …
    pub category: Option<String>,
    /// `linux`
    pub product: Option<String>,
    /// `auditd`, `sshd` …
    pub service: Option<String>,
}

impl LogSource {
    fn read(node: Option<&Yaml>) -> Result<LogSource, String> {
        let node = node.ok_or("it has no logsource")?;
        let text = |name: &str| node.get(name).and_then(Yaml::text).map(str::to_lowercase);
        Ok(LogSource {
            category: text("category"),
            product: text("product"),
            service: text("service"),
        })
    }

    /// Whether everything that this one names is so in the other.
    pub(super) fn includes(&self, other: &LogSource) -> bool {
        let same =
            |mine: &Option<String>, theirs: &Option<String>| mine.is_none() || mine == theirs;
        same(&self.category, &other.category)
            && same(&self.product, &other.product)
            && same(&self.service, &other.service)
    }
}

impl Document {
    /// # Errors
    /// The title, if there is one, and why it is no rule that can be evaluated.
    pub(super) fn read(document: &Yaml, file: &str) -> Result<Document, Box<Refused>> {
        let untitled = |why| {
            let header = Header {
                file: file.to_owned(),
                ..Header::default()
            };
            Refused::unsound(header, why)
        };
        if document.get("action").is_some() {
            let why = "action: global and the like are of Sigma 1; write whole documents";
            return Err(untitled(why.into()));
        }
        let header = Header::read(document, file).map_err(untitled)?;
        Self::with(document, &header).map_err(|why| Refused::unsound(header, why))
    }

    fn with(document: &Yaml, header: &Header) -> Result<Document, String> {
        let header = header.clone();
        if let Some(node) = document.get("correlation") {
            return Ok(Document::Correlation(header, Correlation::read(node)?));
        }
        let source = LogSource::read(document.get("logsource"))?;
        if let Some(node) = document.get("filter") {
            let rules = match node.get("rules") {
                None => None,
                Some(node) => match node.texts().ok_or("rules is no list of texts")? {
                    names if names.is_empty() || names == ["any"] => None,
                    names => Some(names),
                },
            };
            let expr = detections(node, &["rules"])?;
            return Ok(Document::Filter(Filter {
                header,
                source,
                rules,
                expr,
            }));
        }
        let detection = document
            .get("detection")
            .ok_or("it has neither detection nor correlation nor filter")?;
        let expr = detections(detection, &["timeframe"])?;
        Ok(Document::Rule(Rule {
            header,
            source,
            expr,
        }))
    }
}

/// The condition over the detections beside it.
fn detections(node: &Yaml, besides: &[&str]) -> Result<Expr, String> {
    let Yaml::Map(pairs) = node else {
        return Err("its detection is no map".into());
    };
    let named = pairs
        .iter()
        .filter(|(name, _)| name != "condition" && !besides.contains(&name.as_str()))
        .map(|(name, node)| {
            let expr = selection::read(node).map_err(|why| format!("{name}: {why}"))?;
            Ok((name.clone(), expr))
        })
        .collect::<Result<Vec<_>, String>>()?;
    let conditions = node
        .get("condition")
        .and_then(Yaml::texts)
        .ok_or("it has no condition")?;
    if conditions.is_empty() {
        return Err("it has no condition".into());
    }
    let parts = conditions
        .iter()
        .map(|text| condition::read(text, &named))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Expr::any(parts))
}
