//! A search as it is asked of a collector: one JSON object, documented in docs/openapi.json.
//!
//! Whatever depends on where the question is asked is answered there: times are ms since 1970, names of
//! users and groups have the ids that they have there beside them, and `b64` is an architecture by name.

use std::collections::BTreeMap;

use indelible_query::criteria::{Criteria, Window};
use indelible_rules::Host as _;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::rules::LocalHost;
use crate::search::arguments::What;
use crate::search::engine::Settings;
use crate::search::message::{Asked, Selection};
use crate::search::resolve::{self, Ids, Manner, Refused};

/// What is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Query {
    v: u8,
    /// The options of a search, by their long names.
    #[serde(default)]
    what: What,
    /// ms since 1970, both included.
    #[serde(default)]
    from_ms: Option<u64>,
    #[serde(default)]
    until_ms: Option<u64>,
    /// Ids of names in `what`.
    #[serde(default)]
    users: BTreeMap<String, u32>,
    #[serde(default)]
    groups: BTreeMap<String, u32>,
    /// Whether messages are wanted, too.
    #[serde(default)]
    messages: bool,
    /// Whether the context of events is wanted.
    #[serde(default)]
    contexts: bool,
    /// What comes from now on, instead of what is there.
    #[serde(default)]
    pub(crate) follow: bool,
    /// Whether lines are counted.
    #[serde(default)]
    count_lines: bool,
    #[serde(default)]
    eoe_timeout_ms: Option<u64>,
}

/// A body that asks nothing.
#[derive(Debug, Error)]
pub(crate) enum NotAQuery {
    #[error("the query cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    #[error("queries of version {0} are unknown here")]
    Version(u8),
    #[error("more than {QUERY_PATTERNS_MAX} patterns in --where")]
    Patterns,
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// A query that was understood.
#[derive(Debug)]
pub(crate) struct Understood {
    criteria: Criteria,
    messages: Option<Asked>,
    pub(crate) settings: Settings,
    pub(crate) contexts: bool,
    pub(crate) follow: bool,
}

impl Query {
    /// These options, as they are meant here.
    ///
    /// # Errors
    /// Names of architectures that mean nothing.
    pub(super) fn new(what: &What) -> Result<Self, Refused> {
        let mut what = What {
            times: Default::default(),
            ..what.clone()
        };
        what.arch = resolve::arch_name(&what)?;
        let ids = |names: [&Option<String>; 4], look_up: &dyn Fn(&str) -> Option<u32>| {
            let names = names.into_iter().flatten();
            let known = names.filter_map(|name| Some((name.clone(), look_up(name)?)));
            known.collect()
        };
        let users = [
            &what.uid,
            &what.uid_all,
            &what.uid_effective,
            &what.loginuid,
        ];
        let groups = [&what.gid, &what.gid_all, &what.gid_effective, &None];
        Ok(Self {
            v: VERSION,
            users: ids(users, &|name| LocalHost.user(name.as_bytes())),
            groups: ids(groups, &|name| LocalHost.group(name.as_bytes())),
            what,
            from_ms: None,
            until_ms: None,
            messages: false,
            contexts: false,
            follow: false,
            count_lines: false,
            eoe_timeout_ms: None,
        })
    }

    /// The same within a window, with what a run needs.
    pub(super) fn run(
        &self,
        window: Window,
        settings: Settings,
        contexts: bool,
        follow: bool,
    ) -> Self {
        Self {
            from_ms: (window.from_ms > 0).then_some(window.from_ms),
            until_ms: (window.until_ms < u64::MAX).then_some(window.until_ms),
            messages: settings.messages,
            contexts,
            follow,
            count_lines: settings.counts_lines,
            eoe_timeout_ms: Some(settings.timeout_ms),
            ..self.clone()
        }
    }

    /// As JSON, without what was not said.
    pub(crate) fn to_json(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        strip(&mut value);
        value.to_string()
    }

    /// Reads one of no more than [`QUERY_BYTES_MAX`].
    ///
    /// # Errors
    /// What is no JSON, of another version, or has unknown members.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, NotAQuery> {
        let query: Self = serde_json::from_slice(body)?;
        match query.v {
            VERSION => Ok(query),
            other => Err(NotAQuery::Version(other)),
        }
    }

    /// What it means on a collector, whose own users and groups are of no matter.
    ///
    /// # Errors
    /// Options that mean nothing, and patterns that would take too much memory.
    pub(crate) fn understood(&self) -> Result<Understood, NotAQuery> {
        // Each may take as much memory as a regular expression may.
        let expression = self.what.expression.as_deref().unwrap_or_default();
        if expression.matches('~').count() > QUERY_PATTERNS_MAX {
            return Err(NotAQuery::Patterns);
        }
        let window = Window {
            from_ms: self.from_ms.unwrap_or(0),
            until_ms: self.until_ms.unwrap_or(u64::MAX),
        };
        let ids = Ids {
            user: &|name| self.users.get(name).copied(),
            group: &|name| self.groups.get(name).copied(),
        };
        let criteria = resolve::criteria_with(&self.what, Manner::Native, window, &ids)?;
        let default = Settings::default();
        let messages = Asked::new(&self.what, &criteria).filter(|_| self.messages);
        Ok(Understood {
            settings: Settings {
                timeout_ms: self.eoe_timeout_ms.unwrap_or(default.timeout_ms),
                counts_lines: self.count_lines,
                messages: messages.is_some(),
                is_quiet: true,
                ..default
            },
            criteria,
            messages,
            contexts: self.contexts,
            follow: self.follow,
        })
    }
}

impl Understood {
    /// What is selected of a store.
    pub(crate) fn selection(&self) -> Selection<'_> {
        Selection {
            criteria: &self.criteria,
            messages: self.messages.as_ref(),
            no_events: self.messages.as_ref().is_some_and(Asked::is_of_findings),
        }
    }
}

/// Takes away what says nothing: null, no, and empty lists and objects.
fn strip(value: &mut serde_json::Value) {
    use serde_json::Value;
    if let Value::Object(members) = value {
        members.values_mut().for_each(strip);
        members.retain(|_, value| match value {
            Value::Null | Value::Bool(false) => false,
            Value::Array(items) => !items.is_empty(),
            Value::Object(members) => !members.is_empty(),
            _ => true,
        });
    }
}

/// Longest body of a query.
pub(crate) const QUERY_BYTES_MAX: usize = 64 << 10;
/// Globs and regular expressions in one.
const QUERY_PATTERNS_MAX: usize = 32;
const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use indelible_query::criteria::Filter as _;
    use proptest::prelude::*;

    use super::*;

    fn understood(body: &str) -> Result<Understood, NotAQuery> {
        Query::parse(body.as_bytes())?.understood()
    }

    #[test]
    fn a_query_keeps_what_was_asked() {
        let what = What {
            key: Some("shadow".into()),
            comm: Some("c\u{e4}t".into()),
            uid: Some("root".into()),
            node: vec!["web1".into()],
            message: vec!["SYSCALL".to_owned()],
            expression: Some("pid > 1".to_owned()),
            word: true,
            ..What::default()
        };
        let window = Window {
            from_ms: 5,
            until_ms: u64::MAX,
        };
        let settings = Settings {
            messages: true,
            ..Settings::default()
        };
        let text = Query::new(&what)
            .unwrap()
            .run(window, settings, false, true)
            .to_json();
        assert_eq!(
            text,
            r#"{"eoe-timeout-ms":2000,"follow":true,"from-ms":5,"messages":true,"users":{"root":0},"v":1,"what":{"comm":"cät","key":"shadow","message":["SYSCALL"],"node":["web1"],"uid":"root","where":"pid > 1","word":true}}"#
        );
        let back = Query::parse(text.as_bytes()).unwrap();
        assert_eq!(back.to_json(), text);
        let understood = back.understood().unwrap();
        assert_eq!(understood.selection().window(), window);
        let here = resolve::criteria_with(&what, Manner::Native, window, &Ids::here()).unwrap();
        assert_eq!(
            format!("{:?}", understood.criteria),
            format!("{here:?}"),
            "the same on both sides"
        );
    }

    #[test]
    fn bytes_that_are_no_text_come_back() {
        use std::os::unix::ffi::OsStringExt as _;
        let bytes = std::ffi::OsString::from_vec(b"a\xff".to_vec());
        let what = What {
            file: Some(bytes.clone()),
            node: vec![bytes],
            ..What::default()
        };
        let text = Query::new(&what).unwrap().to_json();
        let expect = r#"{"v":1,"what":{"file":{"hex":"61ff"},"node":[{"hex":"61ff"}]}}"#;
        assert_eq!(text, expect);
        let back = Query::parse(text.as_bytes()).unwrap();
        assert_eq!(back.what.file, what.file);
        assert_eq!(back.to_json(), text);
    }

    #[test]
    fn what_is_no_query() {
        let many = format!(
            r#"{{"v":1,"what":{{"where":"{}pid = 1"}}}}"#,
            "exe ~ \\\"*\\\" or ".repeat(QUERY_PATTERNS_MAX + 1)
        );
        for (bad, says) in [
            ("", "cannot be read"),
            ("[]", "cannot be read"),
            ("{}", "missing field `v`"),
            (r#"{"v":2}"#, "version 2"),
            (r#"{"v":1,"wath":{}}"#, "unknown field `wath`"),
            (r#"{"v":1,"what":{"kye":"x"}}"#, "unknown field `kye`"),
            (r#"{"v":1,"what":{"times":{}}}"#, "unknown field `times`"),
            (r#"{"v":1,"what":{"file":{"hex":"6"}}}"#, "hexadecimal"),
            (r#"{"v":1,"what":{"pid":"x"}}"#, "must be a numeric value"),
            (r#"{"v":1,"what":{"where":"pid ="}}"#, "expected"),
            (many.as_str(), "more than 32 patterns"),
        ] {
            let error = understood(bad).err().map(|error| error.to_string());
            let error = error.unwrap_or_default();
            assert!(error.contains(says), "{bad}: {error}");
        }
        // Names mean what they mean where the question was asked, or else only themselves.
        assert!(understood(r#"{"v":1,"what":{"uid":"nobody-of-here"}}"#).is_ok());
    }

    proptest! {
        /// Whatever a body holds, it is understood or refused, and is asked for needles and terms.
        #[test]
        fn hostile_bodies(
            member in "(key|where|pid|message|uid|exit|arch|syscall|event|node|text|word|session)",
            value in prop_oneof!["\\PC{0,40}", "[a-z~<>=!()*/\\\\\"' 0-9-]{0,60}"],
            noise in prop::collection::vec(any::<(u8, u8)>(), 0..3),
            from in any::<u64>(),
        ) {
            let list = matches!(member.as_str(), "message" | "node");
            let value = serde_json::json!(value);
            let value = if list { serde_json::json!([value]) } else { value };
            let mut what = serde_json::Map::new();
            what.insert(member, value);
            let body = serde_json::json!({
                "v": 1, "what": what, "from-ms": from, "messages": true,
            });
            let mut bytes = body.to_string().into_bytes();
            for (at, byte) in noise {
                let length = bytes.len();
                bytes[usize::from(at) % length] = byte;
            }
            if let Ok(understood) = Query::parse(&bytes).map_err(|_| ()).and_then(|query| query.understood().map_err(|_| ())) {
                let selection = understood.selection();
                let (_, _) = (selection.needles(), selection.wants());
                selection.matches(&indelible_record::Event::default());
            }
        }
    }
}
