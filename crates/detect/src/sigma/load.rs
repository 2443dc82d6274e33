//! Loading: from rule files to an engine, and what cannot be evaluated, with the reason.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use indelible_query::expr::{Check, Expr, Literal, Naming, Test};
use indelible_record::RecordType;

use super::correlation::Correlation;
use super::document::{Document, Filter, LogSource, Rule};
use super::engine::{Bucket, Correlator, Engine, Link, Ready, RecordRules, SharedHeader};
use super::header::Header;
use super::index::Index;
use super::processes::Processes;
use super::record_view::{RecordNames, RecordNaming};
use super::selection::ANY;
use super::view::{View, ViewNaming, why_missing};
use super::window::Windows;
use super::yaml;
use crate::limits::sigma::{CORRELATION_DEPTH_MAX, FINDING_FIELDS_MAX, RULES_MAX};

/// A rule that is evaluated.
#[derive(Clone, Debug)]
pub struct RuleInfo {
    /// What it says about itself.
    pub header: SharedHeader,
    /// What it is evaluated over; none for a correlation.
    pub view: Option<View>,
    /// Where its events come from; none for a correlation.
    pub source: Option<LogSource>,
    /// Whether its matches are findings: not where only correlations ask for them.
    pub finds: bool,
    /// What its findings show.
    pub(super) fields: Vec<String>,
}

/// A document that is not evaluated.
#[derive(Clone, Debug)]
pub struct Refused {
    /// What it says about itself, as far as that could be read.
    pub header: Header,
    /// Why.
    pub why: String,
    /// Whether it is a sound rule about other things than audit events.
    pub sound: bool,
}

impl Refused {
    fn boxed(header: Header, why: String, sound: bool) -> Box<Refused> {
        Box::new(Refused { header, why, sound })
    }

    /// A document that is no rule, or one that cannot be evaluated at all.
    pub(super) fn unsound(header: Header, why: String) -> Box<Refused> {
        Refused::boxed(header, why, false)
    }
}

/// Reads rule files; takes any number of them, then makes an [`Engine`].
#[derive(Debug, Default)]
pub struct Loader {
    rules: Vec<Rule>,
    correlations: Vec<(Header, Correlation)>,
    filters: Vec<Filter>,
    refused: Vec<Refused>,
}

impl Loader {
    /// Reads a file's documents. `file` is how findings name it.
    pub fn file(&mut self, file: &str, bytes: &[u8]) {
        let named = || Header {
            file: file.to_owned(),
            ..Header::default()
        };
        let documents = match yaml::read(bytes) {
            Ok(documents) => documents,
            Err(why) => return self.refuse(named(), why, false),
        };
        for document in documents {
            if self.rules.len() + self.correlations.len() == RULES_MAX {
                return self.refuse(named(), format!("more than {RULES_MAX} rules"), false);
            }
            match Document::read(&document, file) {
                Ok(Document::Rule(rule)) => self.rules.push(rule),
                Ok(Document::Correlation(header, correlation)) => {
                    self.correlations.push((header, correlation));
                }
                Ok(Document::Filter(filter)) => self.filters.push(filter),
                Err(refused) => self.refused.push(*refused),
            }
        }
    }

    fn refuse(&mut self, header: Header, why: String, sound: bool) {
        self.refused.push(Refused { header, why, sound });
    }

    /// Compiles what was read.
    pub fn finish(mut self) -> Engine {
        self.filter();
        let correlations = std::mem::take(&mut self.correlations);
        let mut maker = Maker::new(&correlations);
        for rule in std::mem::take(&mut self.rules) {
            if let Err(refused) = maker.rule(rule) {
                self.refused.push(*refused);
            }
        }
        let (engine, refused) = maker.finish(&correlations);
        self.refused.extend(refused);
        Engine {
            refused: self.refused,
            ..engine
        }
    }

    /// Adds the filters' conditions to the rules that they name.
    fn filter(&mut self) {
        for filter in std::mem::take(&mut self.filters) {
            let mut is_used = false;
            for rule in &mut self.rules {
                let names = names_of(&rule.header);
                let is_named = filter.rules.as_ref().is_none_or(|wanted| {
                    wanted.iter().any(|wanted| names.contains(&wanted.as_str()))
                });
                if is_named && filter.source.includes(&rule.source) {
                    rule.expr = Expr::all([rule.expr.clone(), filter.expr.clone()]);
                    is_used = true;
                }
            }
            if !is_used {
                let why = "the filter's rules are not among the loaded ones".to_owned();
                self.refuse(filter.header, why, true);
            }
        }
    }
}

/// By what others may refer to a rule.
fn names_of(header: &Header) -> Vec<&str> {
    [header.id.as_deref(), header.name.as_deref()]
        .into_iter()
        .flatten()
        .chain([header.title.as_str()])
        .collect()
}

/// A rule on its way into the engine.
struct Mapped {
    rule: usize,
    expr: Expr,
    view: View,
}

/// Puts the engine together.
struct Maker<'c> {
    correlations: &'c [(Header, Correlation)],
    infos: Vec<RuleInfo>,
    mapped: Vec<Mapped>,
    records: RecordNaming,
}

impl<'c> Maker<'c> {
    fn new(correlations: &'c [(Header, Correlation)]) -> Self {
        Maker {
            correlations,
            infos: Vec::new(),
            mapped: Vec::new(),
            records: RecordNaming(RefCell::new(RecordNames::new())),
        }
    }

    fn rule(&mut self, rule: Rule) -> Result<(), Box<Refused>> {
        let Rule {
            header,
            source,
            expr,
        } = rule;
        let view = match View::of(&source) {
            Ok(view) => view,
            Err(why) => return Err(Refused::boxed(header, why, true)),
        };
        let compiled = match view {
            View::Record => expr.compile(&self.records).map(drop),
            _ => expr.compile(&ViewNaming(view)).map(drop),
        };
        if let Err(error) = compiled {
            let missing = match &error {
                indelible_query::expr::CompileError::Field { name, .. } => Some(name.clone()),
                _ => None,
            };
            let why = match &missing {
                Some(name) => {
                    let more = why_missing(name).map_or(String::new(), |why| format!(": {why}"));
                    format!("audit events of this kind have no {name}{more}")
                }
                None => error.to_string(),
            };
            return Err(Refused::boxed(header, why, missing.is_some()));
        }
        let (fields, finds) = self.fields(&header, &expr, view);
        self.mapped.push(Mapped {
            rule: self.infos.len(),
            expr,
            view,
        });
        self.infos.push(RuleInfo {
            header: Arc::new(header),
            view: Some(view),
            source: Some(source),
            finds,
            fields,
        });
        Ok(())
    }

    /// What the rule's matches show, and whether they are findings.
    fn fields(&self, header: &Header, expr: &Expr, view: View) -> (Vec<String>, bool) {
        let mut fields: Vec<String> = Vec::new();
        let mut add = |name: &str, most: usize| {
            if name != ANY && fields.len() < most && !fields.iter().any(|known| known == name) {
                fields.push(name.to_owned());
            }
        };
        expr.each_test(&mut |test| add(&test.field, FINDING_FIELDS_MAX));
        let always: &[&str] = match view {
            View::Record => &["type"],
            View::Event => &["exe", "comm"],
            View::Process => &["Image", "CommandLine", "User"],
            View::Network => &["Image", "User", "DestinationIp", "DestinationPort"],
            _ => &["Image", "User", "TargetFilename"],
        };
        always.iter().for_each(|name| add(name, FINDING_FIELDS_MAX));
        let names = names_of(header);
        let mut finds = true;
        let mut seen = false;
        for (_, correlation) in self.correlations {
            if !correlation
                .rules
                .iter()
                .any(|rule| names.contains(&rule.as_str()))
            {
                continue;
            }
            // A rule that one correlation wants to find by itself does.
            finds = if seen {
                finds || correlation.generate
            } else {
                correlation.generate
            };
            seen = true;
            let wanted = correlation.group_by.iter().map(String::as_str);
            for name in wanted.chain(correlation.kind.field()) {
                let name = correlation.field_of(name, &names);
                // What the view does not have is the correlation's fault, not the rule's.
                let is_there = view == View::Record || ViewNaming(view).field(name).is_ok();
                if is_there {
                    add(name, usize::MAX);
                }
            }
        }
        (fields, finds)
    }

    fn finish(mut self, correlations: &[(Header, Correlation)]) -> (Engine, Vec<Refused>) {
        let mut refused = Vec::new();
        let mut views: Vec<(View, Vec<Mapped>)> = Vec::new();
        let mut typed: Vec<(Option<RecordType>, Vec<Mapped>)> = Vec::new();
        for mapped in std::mem::take(&mut self.mapped) {
            if mapped.view == View::Record {
                match record_types(&mapped.expr) {
                    None => push(&mut typed, None, mapped),
                    Some(types) => {
                        for record_type in types {
                            let copy = Mapped {
                                expr: mapped.expr.clone(),
                                ..mapped
                            };
                            push(&mut typed, Some(record_type), copy);
                        }
                    }
                }
            } else {
                let view = mapped.view;
                push(&mut views, view, mapped);
            }
        }
        let mut wrong: HashMap<usize, String> = HashMap::new();
        let views: Vec<_> = views
            .into_iter()
            .map(|(view, mapped)| {
                let naming = ViewNaming(view);
                (view, bucket(&naming, &self.infos, mapped, &mut wrong))
            })
            .collect();
        let mut untyped = bucket(&self.records, &self.infos, Vec::new(), &mut wrong);
        let mut buckets = Vec::new();
        for (record_type, mapped) in typed {
            let made = bucket(&self.records, &self.infos, mapped, &mut wrong);
            match record_type {
                Some(record_type) => buckets.push((record_type, made)),
                None => untyped = made,
            }
        }
        for (rule, why) in wrong {
            let header = Header::clone(&self.infos[rule].header);
            refused.push(Refused {
                header,
                why,
                sound: true,
            });
        }
        let parents = ["ParentImage", "ParentCommandLine"];
        let mut engine = Engine {
            needs_parents: self.infos.iter().any(|info| {
                info.fields
                    .iter()
                    .any(|field| parents.contains(&field.as_str()))
            }),
            links: vec![Vec::new(); self.infos.len()],
            rules: self.infos,
            refused: Vec::new(),
            records: RecordRules {
                names: self.records.0.into_inner(),
                typed: buckets,
                untyped,
            },
            views,
            processes: Processes::default(),
            correlations: Vec::new(),
            scratch: Vec::new(),
        };
        link(&mut engine, correlations.to_vec(), &mut refused);
        (engine, refused)
    }
}

fn push<K: PartialEq>(lists: &mut Vec<(K, Vec<Mapped>)>, key: K, mapped: Mapped) {
    match lists.iter_mut().find(|list| list.0 == key) {
        Some(list) => list.1.push(mapped),
        None => lists.push((key, vec![mapped])),
    }
}

/// Compiles rules over one naming.
fn bucket<N: Naming>(
    naming: &N,
    infos: &[RuleInfo],
    mapped: Vec<Mapped>,
    wrong: &mut HashMap<usize, String>,
) -> Bucket<N::Field>
where
    N::Field: PartialEq,
{
    let mut ready = Vec::new();
    let mut exprs = Vec::new();
    for Mapped { rule, expr, .. } in mapped {
        let fields = infos[rule].fields.iter().map(|name| naming.field(name));
        let compiled = fields
            .map(|field| field.map(|(field, _)| field))
            .collect::<Result<Vec<_>, _>>()
            .and_then(|fields| Ok((expr.compile(naming)?, fields)));
        match compiled {
            Ok((program, fields)) => {
                ready.push(Ready {
                    rule,
                    program,
                    fields,
                });
                exprs.push(expr);
            }
            Err(error) => {
                wrong.insert(rule, format!("a correlation asks for more: {error}"));
            }
        }
    }
    let index = match Index::new(naming, exprs.iter()) {
        Ok(index) => index,
        Err(why) => {
            // Too many strings for one automaton.
            let rules = ready.drain(..).map(|ready| (ready.rule, why.clone()));
            wrong.extend(rules);
            Index::empty()
        }
    };
    Bucket {
        index,
        rules: ready,
    }
}

/// The types of records that a rule can match; none if any.
fn record_types(expr: &Expr) -> Option<Vec<RecordType>> {
    match expr {
        Expr::Test(Test { field, check }) if field == "type" => match check {
            Check::Is(Literal::Text { bytes, .. }) => {
                RecordType::from_name(&bytes.to_ascii_uppercase()).map(|one| vec![one])
            }
            _ => None,
        },
        Expr::Test(_) | Expr::Not(_) => None,
        Expr::All(parts) => parts.iter().find_map(record_types),
        Expr::Any(parts) => {
            let mut types = parts
                .iter()
                .map(record_types)
                .collect::<Option<Vec<_>>>()?
                .concat();
            types.sort_unstable();
            types.dedup();
            Some(types)
        }
    }
}

/// Puts correlations behind the rules that they name, those about single events first.
fn link(engine: &mut Engine, correlations: Vec<(Header, Correlation)>, refused: &mut Vec<Refused>) {
    let mut waiting = correlations;
    let all: Vec<Correlation> = waiting.iter().map(|one| one.1.clone()).collect();
    for _ in 0..CORRELATION_DEPTH_MAX {
        let mut later = Vec::new();
        let mut is_moved = false;
        for (header, correlation) in waiting {
            match places(engine, &correlation) {
                Some(rules) => {
                    is_moved = true;
                    if let Err(why) = put(engine, &all, &header, correlation, &rules) {
                        refused.push(Refused {
                            header,
                            why,
                            sound: true,
                        });
                    }
                }
                None => later.push((header, correlation)),
            }
        }
        waiting = later;
        if waiting.is_empty() || !is_moved {
            break;
        }
    }
    for (header, correlation) in waiting {
        let is_loaded = |name: &&String| {
            let mut rules = engine.rules.iter();
            rules.any(|info| names_of(&info.header).contains(&name.as_str()))
        };
        let missing = correlation.rules.iter().find(|name| !is_loaded(name));
        let why = match missing {
            Some(name) => format!("it refers to {name:?}, which is not among the evaluated rules"),
            None => format!(
                "correlations refer to each other in more than {CORRELATION_DEPTH_MAX} steps"
            ),
        };
        refused.push(Refused {
            header,
            why,
            sound: true,
        });
    }
}

/// The rules that a correlation names, if all are there.
fn places(engine: &Engine, correlation: &Correlation) -> Option<Vec<usize>> {
    let find = |name: &String| {
        let mut rules = engine.rules.iter();
        rules.position(|info| names_of(&info.header).contains(&name.as_str()))
    };
    correlation.rules.iter().map(find).collect()
}

fn put(
    engine: &mut Engine,
    all: &[Correlation],
    header: &Header,
    correlation: Correlation,
    rules: &[usize],
) -> Result<(), String> {
    let number = engine.correlations.len();
    let mut links = Vec::new();
    for (place, rule) in rules.iter().enumerate() {
        let info = &engine.rules[*rule];
        let names = names_of(&info.header);
        let field = |name: &str| {
            let name = correlation.field_of(name, &names);
            let place = info.fields.iter().position(|field| field == name);
            place.ok_or_else(|| format!("{:?} gives no {name}", info.header.title))
        };
        let group = correlation.group_by.iter().map(|name| field(name));
        let link = Link {
            correlation: number,
            place,
            group: group.collect::<Result<_, _>>()?,
            value: correlation.kind.field().map(field).transpose()?,
        };
        links.push((*rule, link));
    }
    for (rule, link) in links {
        engine.links[rule].push(link);
    }
    let rule = engine.rules.len();
    let names = names_of(header);
    let asked: Vec<&Correlation> = all
        .iter()
        .filter(|other| {
            other
                .rules
                .iter()
                .any(|name| names.contains(&name.as_str()))
        })
        .collect();
    engine.rules.push(RuleInfo {
        header: Arc::new(header.clone()),
        view: None,
        source: None,
        finds: asked.is_empty() || asked.iter().any(|other| other.generate),
        fields: correlation.group_by.clone(),
    });
    engine.links.push(Vec::new());
    engine.correlations.push(Correlator {
        rule,
        correlation,
        windows: Windows::default(),
    });
    Ok(())
}
