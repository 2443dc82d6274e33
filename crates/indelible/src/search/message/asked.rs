//! What is asked of messages: those options of a search that mean something for them.
//!
//! The time window is about the capture time. `-n` is the node or the host that the message names,
//! `-c` and `-x` are its program, `-p` its process, `--text` any part of it, `--where` what its fields
//! must be ([`super::fields`]). Where an option is given that only an audit record can answer, no
//! message is meant.

use std::os::unix::ffi::OsStrExt;

use indelible_query::criteria::{Criteria, Filter, Needles, Pattern, Window};
use indelible_query::expr::Where;
use indelible_query::terms::{TermField, Test, Wants};
use indelible_record::Event;

use super::fields::Fields;
use super::{Class, Message, escape};
use crate::search::arguments::What;

/// What a message must fulfil.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    window: Window,
    nodes: Vec<Vec<u8>>,
    apps: Vec<(Pattern, Vec<u8>)>,
    pid: Option<String>,
    text: Option<(Pattern, Vec<u8>)>,
    expression: Option<Where>,
    /// Findings alone.
    findings: bool,
}

impl Asked {
    /// What the options ask of messages; none where they are about audit events alone.
    pub(crate) fn new(what: &What, criteria: &Criteria) -> Option<Self> {
        let is_expressed = |expression: &Where| expression.about().messages;
        if is_about_events(what) || !criteria.expression.as_ref().is_none_or(is_expressed) {
            return None;
        }
        let pattern = |text: &std::ffi::OsString| {
            let text = text.as_bytes().to_vec();
            (Pattern::new(text.clone(), what.word), text)
        };
        let apps = [&what.comm, &what.executable];
        Some(Self {
            window: criteria.window,
            nodes: what
                .node
                .iter()
                .map(|node| node.as_bytes().to_vec())
                .collect(),
            apps: apps.into_iter().flatten().map(pattern).collect(),
            pid: what.pid.clone(),
            text: what.text.as_ref().map(pattern),
            expression: criteria.expression.clone(),
            findings: what.findings,
        })
    }

    /// Whether findings are asked for and nothing else.
    pub(crate) fn is_of_findings(&self) -> bool {
        self.findings
    }

    pub(super) fn matches(&self, message: &Message<'_>) -> bool {
        let is_wanted = !self.findings || message.class == Class::Finding;
        if !is_wanted || !self.window.holds(Some(message.stamp)) {
            return false;
        }
        let view = message.view();
        let is_node = |node: &Vec<u8>| {
            *node == *message.node || view.host.as_deref() == Some(node.as_slice())
        };
        let is_app = |(pattern, _): &(Pattern, Vec<u8>)| {
            view.app.as_deref().is_some_and(|app| pattern.matches(app))
        };
        let is_pid = |wanted: &String| {
            // As the options of ausearch, which have their own spellings.
            view.pid()
                .is_some_and(|pid| wanted.parse() == Ok(i64::from(pid)))
        };
        (self.nodes.is_empty() || self.nodes.iter().any(is_node))
            && self.apps.iter().all(is_app)
            && self.pid.as_ref().is_none_or(is_pid)
            && self.text.as_ref().is_none_or(|(pattern, _)| {
                pattern.matches(&view.text) || pattern.matches(&message.raw)
            })
            && self.expression.as_ref().is_none_or(|expression| {
                let view = &view;
                expression.matches_message(&Fields { message, view })
            })
    }

    /// What the terms of every such message hold.
    fn wants(&self) -> Wants {
        let mut parts = Vec::new();
        if !self.nodes.is_empty() {
            parts.push(Wants::Node(Test::one_of(self.nodes.clone())));
        }
        for (pattern, _) in &self.apps {
            let pattern = pattern.clone();
            let test = Test::new(move |app| pattern.matches(app));
            parts.push(Wants::Value(TermField::Comm, test));
        }
        if let Some(pid) = &self.pid {
            let number = pid.parse::<u32>();
            parts.push(number.map_or(Wants::Nothing, |number| {
                let spelt = vec![number.to_string().into_bytes()];
                Wants::Value(TermField::Pid, Test::one_of(spelt))
            }));
        }
        let expressed = self.expression.as_ref();
        parts.extend(expressed.map(|expression| expression.expr().message_wants()));
        let mut parts = parts.into_iter();
        match parts.next() {
            Some(first) => Wants::all(first, parts),
            None => Wants::Anything,
        }
    }

    /// Strings of which the line of every such message holds one.
    fn needles(&self) -> Option<Needles> {
        let escaped = |(_, text): &(Pattern, Vec<u8>)| {
            let mut out = Vec::new();
            escape(text, &mut out);
            Needles::any_of(vec![out])
        };
        let number = |pid: &String| {
            let pid: u32 = pid.parse().ok()?;
            Needles::any_of(vec![format!("pid={pid}").into_bytes()])
        };
        let expressed = |expression: &Where| {
            let needles = expression.expr().message_needles()?;
            let escaped = needles.iter().map(|needle| {
                let mut out = Vec::new();
                escape(needle, &mut out);
                out
            });
            Needles::any_of(escaped.collect())
        };
        let finding = || {
            let name = format!("type={} ", Class::Finding.name());
            Needles::any_of(vec![name.into_bytes()]).filter(|_| self.findings)
        };
        self.apps
            .iter()
            .chain(&self.text)
            .filter_map(escaped)
            .chain(self.pid.as_ref().and_then(number))
            .chain(self.expression.as_ref().and_then(expressed))
            .chain(finding())
            .reduce(Needles::better)
    }
}

/// Whether an option is given that no message can answer.
fn is_about_events(what: &What) -> bool {
    let texts = [
        &what.file,
        &what.host,
        &what.key,
        &what.object,
        &what.context,
        &what.subject,
        &what.terminal,
        &what.uuid,
        &what.vm_name,
    ];
    let words = [
        &what.event,
        &what.arch,
        &what.exit,
        &what.gid_all,
        &what.gid_effective,
        &what.gid,
        &what.ppid,
        &what.syscall,
        &what.session,
        &what.success,
        &what.uid_all,
        &what.uid_effective,
        &what.uid,
        &what.loginuid,
    ];
    let is_all = |list: &String| list.eq_ignore_ascii_case("ALL");
    texts.into_iter().any(Option::is_some)
        || words.into_iter().any(Option::is_some)
        || !what.message.is_empty() && !what.message.iter().any(is_all)
}

/// Events that meet the criteria, and messages that are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selection<'a> {
    pub(crate) criteria: &'a Criteria,
    /// None where the source gives no messages.
    pub(crate) messages: Option<&'a Asked>,
    /// No events, whatever the criteria say: findings are asked for.
    pub(crate) no_events: bool,
}

impl Filter for Selection<'_> {
    fn matches(&self, event: &Event) -> bool {
        match (
            self.messages,
            self.messages.and_then(|_| Message::of(event)),
        ) {
            (Some(asked), Some(message)) => asked.matches(&message),
            _ => !self.no_events && self.criteria.matches(event),
        }
    }

    fn needles(&self) -> Option<Needles> {
        if let Some(asked) = self.messages.filter(|_| self.no_events) {
            return asked.needles();
        }
        let expression = self.criteria.expression.as_ref();
        match self.messages {
            Some(asked) if expression.is_some_and(|expression| !expression.about().events) => {
                asked.needles()
            }
            Some(asked) => self.criteria.needles()?.or(asked.needles()?),
            None => self.criteria.needles(),
        }
    }

    fn wants(&self) -> Wants {
        match self.messages {
            Some(asked) if self.no_events => asked.wants(),
            Some(asked) => Wants::any(vec![self.criteria.wants(), asked.wants()]),
            None => self.criteria.wants(),
        }
    }

    fn window(&self) -> Window {
        self.criteria.window()
    }
}

#[cfg(test)]
mod tests {
    use indelible_log::{EntryRef, Header, Kind, StreamId, entry};
    use indelible_query::criteria::contains;
    use indelible_record::Record;

    use super::*;
    use crate::payload::{StreamOpened, to_bytes};
    use crate::search::arguments::Times;
    use crate::search::entries::Lines;
    use crate::search::resolve::{self, Manner};

    /// What a store holds: a syslog peer's messages, a journal's entry, a file's line, a record.
    fn lines() -> Vec<Vec<u8>> {
        let opened = StreamOpened::received("syslog-tcp", Some("192.0.2.7"));
        let entries: [(Kind, &[u8]); 7] = [
            (Kind::StreamOpened, &to_bytes(&opened)),
            (Kind::Syslog, b"<34>Oct 11 22:14:15 web1 su[230]: one\nfailed"),
            (Kind::Syslog, b"<13>1 - web2 cron 77 - - two"),
            (Kind::Journal, br#"{"SYSLOG_IDENTIFIER":"c\u0072on","_PID":"42","MESSAGE":"thr\u0065e"}"#),
            (Kind::FileLine, b"four"),
            (Kind::Audit, b"\x05\x14audit(1700000000.001:1): comm=\"cron\" pid=42 key=\"two\""),
            // Somebody's record that would like to be a message.
            (Kind::Audit, b"\0\0\x01message type=SYSLOG msg=audit(1700000000.001:2): \x02\x02\x02\x02\x02\x02two"),
        ];
        let mut lines = Lines::of_store(true);
        let mut text = Vec::new();
        for (sequence, (kind, payload)) in entries.into_iter().enumerate() {
            let header = Header {
                kind,
                flags: 0,
                stream: StreamId([7; 16]),
                sequence: sequence as u64,
                time_ns: 1_700_000_000_000_000_000 + sequence as u64 * 1_000_000_000,
            };
            let mut bytes = Vec::new();
            entry::push(&mut bytes, &header, payload);
            lines.entry(&EntryRef::parse(&bytes[2..]).expect("an entry"), &mut text);
        }
        let lines = text.split_inclusive(|byte| *byte == b'\n');
        lines.map(<[u8]>::to_vec).collect()
    }

    /// The numbers of the lines that match; each that does holds a needle.
    fn check(what: &What, expect: &[usize]) {
        let criteria = resolve::criteria(what, Manner::Native).expect("options");
        let asked = Asked::new(what, &criteria);
        let selection = Selection {
            criteria: &criteria,
            messages: asked.as_ref(),
            no_events: false,
        };
        let needles = selection.needles();
        let mut found = Vec::new();
        for (number, line) in lines().iter().enumerate() {
            let mut event = Event::default();
            event.gather(&mut std::iter::once(Record::parse(line)), true);
            if !selection.matches(&event) {
                continue;
            }
            found.push(number + 1);
            if let Some(needles) = &needles {
                let holds = needles.iter().any(|needle| contains(line, needle));
                assert!(holds, "{what:?}: line {number} without {needles:?}");
            }
        }
        // Where messages are not asked for, they are not given either.
        if asked.is_none() {
            found.retain(|number| *number > 4);
        }
        assert_eq!(found, expect, "{what:?}");
    }

    #[test]
    fn options_that_apply_find_messages() {
        let none = What::default;
        check(&none(), &[1, 2, 3, 4, 5, 6]);
        let text = |text: &str| What {
            text: Some(text.into()),
            ..none()
        };
        check(&text("failed"), &[1]);
        check(&text("one\nf"), &[1]);
        check(&text("two"), &[2, 5, 6]);
        check(&text("three"), &[3]);
        check(&text(r"thr\u0065e"), &[3]);
        check(&text("four"), &[4]);
        check(&text(""), &[1, 2, 3, 4, 5, 6]);
        let whole = What {
            word: true,
            ..text("one\nfailed")
        };
        check(&whole, &[1]);
        let comm = What {
            comm: Some("cron".into()),
            ..none()
        };
        check(&comm, &[2, 3, 5]);
        let pid = What {
            pid: Some("42".into()),
            ..none()
        };
        check(&pid, &[3, 5]);
        let node = |node: &str| What {
            node: vec![node.into()],
            ..none()
        };
        check(&node("web2"), &[2]);
        check(&node("192.0.2.7"), &[1, 2, 3, 4, 5, 6]);
        let times = What {
            times: Times {
                since: Some("2023-11-14T22:13:22Z".into()),
                until: Some("2023-11-14T22:13:23Z".into()),
                ..Times::default()
            },
            ..none()
        };
        check(&times, &[2, 3]);
    }

    #[test]
    fn options_about_events_find_none() {
        let key = What {
            key: Some("two".into()),
            ..What::default()
        };
        check(&key, &[5]);
        let types = |types: &str| What {
            message: vec![types.into()],
            ..What::default()
        };
        check(&types("SYSCALL"), &[5]);
        check(&types("all"), &[1, 2, 3, 4, 5, 6]);
        check(&expression("not success"), &[5, 6]);
        check(&expression("time > 0 and exists(key)"), &[5]);
    }

    fn expression(text: &str) -> What {
        What {
            expression: Some(text.into()),
            ..What::default()
        }
    }

    #[test]
    fn expressions_find_messages() {
        let find = |text: &str, expect: &[usize]| check(&expression(text), expect);
        find("app = cron", &[2, 3]);
        find("not app = cron", &[1, 4]);
        find("pid = 42", &[3, 5]);
        find("host in (web1, web2)", &[1, 2]);
        find("facility = auth and severity <= 2", &[1]);
        find("severity = notice", &[2]);
        find("message ~ \"*two*\"", &[2, 5, 6]);
        find("message = \"one\\nfailed\"", &[1]);
        find("message = three or app = su", &[1, 3]);
        find("type = FILE", &[4]);
        // The last is a record that says so, and is found and shown as one.
        find("type in (SYSLOG, 3)", &[1, 2, 3, 6]);
        find(
            "source ~ \"syslog-*\" and time >= 2023-11-14T22:13:23Z",
            &[3, 4],
        );
        find("any ~ /thr\\\\u0065e/", &[3]);
        find("node = 192.0.2.7", &[1, 2, 3, 4, 5, 6]);
        find("node = 192.0.2.7 and exists(app)", &[1, 2, 3]);
    }
}
