//! From text to statements: where one ends, which conditions it stands under, what it means.

use super::words::{
    DEFAULT_PORT, Parameters, Quotes, host_and_port, property_filter_bytes, size, word_at,
};
use super::{Configuration, Forward, Input, Meaning, Statement, Transport};
use crate::limits::{RSYSLOG_DEPTH_MAX, RSYSLOG_STATEMENTS_MAX};
use crate::syslog::framing::Framing;
use crate::syslog::selector::Selector;

/// Reads the text of one file.
pub(super) fn read(text: &str) -> Configuration {
    let mut reader = Reader {
        text,
        at: 0,
        line: 1,
        blocks: Vec::new(),
        pending: None,
        selector: Selector::ALL,
        conditional: None,
        legacy: Legacy::default(),
        found: Configuration::default(),
    };
    while reader.step() {
        if reader.found.statements.len() >= RSYSLOG_STATEMENTS_MAX {
            reader.found.is_cut = true;
            break;
        }
    }
    reader.found
}

/// What `$Action…` lines set: TLS stays, the queue is of the next action.
#[derive(Debug, Default)]
struct Legacy {
    tls: bool,
    peer: Option<String>,
    has_queue: bool,
    queue_bytes_max: Option<u64>,
    retries: i64,
    file: Option<String>,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    /// Conditions of the open blocks.
    blocks: Vec<Option<String>>,
    /// A condition that the next statement or block stands under.
    pending: Option<String>,
    /// The selector of the line before, for `&`.
    selector: Selector,
    /// The condition of the line before, for `&`.
    conditional: Option<String>,
    legacy: Legacy,
    found: Configuration,
}

impl<'a> Reader<'a> {
    /// Reads one statement; false at the end.
    fn step(&mut self) -> bool {
        self.skip_blanks();
        let rest = &self.text[self.at..];
        let Some(first) = rest.chars().next() else {
            return false;
        };
        let line = self.line;
        match first {
            '{' => {
                if self.blocks.len() < RSYSLOG_DEPTH_MAX {
                    let condition = self.pending.take();
                    self.blocks.push(condition);
                }
                self.advance(1);
            }
            '}' => {
                self.blocks.pop();
                self.advance(1);
            }
            '$' => {
                let text = self.rest_of_line();
                self.directive(line, text);
            }
            // An action by itself: of a condition.
            '@' | '/' | '~' => {
                let text = self.rest_of_line();
                self.legacy_action(line, &text, Selector::ALL);
            }
            ':' if rest.starts_with(RELP_ACTION) => {
                let text = self.rest_of_line();
                self.legacy_action(line, &text, Selector::ALL);
            }
            _ => {
                let word = word_at(rest);
                match word {
                    "if" => {
                        self.advance(2);
                        let condition = self.until_then();
                        self.pending = Some(condition);
                    }
                    "else" => {
                        self.advance(4);
                        self.pending = Some("else".into());
                    }
                    _ => match self.object(word) {
                        Some((name, parameters)) => {
                            self.statement(line, &name, &parameters, Selector::ALL);
                        }
                        None => self.legacy_line(line),
                    },
                }
            }
        }
        true
    }

    fn push(&mut self, line: usize, meaning: Meaning) {
        self.found.statements.push(Statement { line, meaning });
    }

    fn push_other(&mut self, line: usize, text: &str) {
        let text = text.chars().take(SHOWN_CHARS).collect();
        self.push(line, Meaning::Other(text));
    }

    /// The conditions around the next statement, joined.
    fn condition(&mut self) -> Option<String> {
        let around = self.blocks.iter().flatten().cloned();
        let all: Vec<String> = around.chain(self.pending.take()).collect();
        (!all.is_empty()).then(|| all.join(" and "))
    }

    fn advance(&mut self, bytes: usize) {
        let passed = &self.text[self.at..self.at + bytes];
        self.line += passed.bytes().filter(|byte| *byte == b'\n').count();
        self.at += bytes;
    }

    /// Passes over white space and comments.
    fn skip_blanks(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let blanks = rest.len() - rest.trim_start().len();
            if blanks > 0 {
                self.advance(blanks);
            } else if rest.starts_with('#') {
                self.advance(rest.find('\n').unwrap_or(rest.len()));
            } else if rest.starts_with("/*") {
                self.advance(rest.find("*/").map_or(rest.len(), |at| at + 2));
            } else {
                return;
            }
        }
    }

    /// The rest of the line, with lines that a backslash continues.
    fn rest_of_line(&mut self) -> String {
        let mut text = String::new();
        loop {
            let rest = &self.text[self.at..];
            let end = rest.find('\n').unwrap_or(rest.len());
            let part = rest[..end].trim_end();
            self.advance((end + 1).min(rest.len()));
            match part.strip_suffix('\\') {
                Some(part) if end < rest.len() => {
                    text.push_str(part);
                    text.push(' ');
                }
                _ => {
                    text.push_str(part);
                    return text.trim().to_owned();
                }
            }
        }
    }

    /// A condition up to its `then`.
    fn until_then(&mut self) -> String {
        let rest = &self.text[self.at..];
        let mut quotes = Quotes::default();
        let mut end = rest.len();
        for (at, byte) in rest.bytes().enumerate() {
            let ends_word = |before: u8| {
                before.is_ascii_whitespace() || before == b')' || before == b'"' || before == b'\''
            };
            if quotes.is_outside(byte)
                && rest.as_bytes()[at..].starts_with(b"then")
                && at > 0
                && ends_word(rest.as_bytes()[at - 1])
            {
                end = at;
                break;
            }
        }
        let condition = rest[..end].split_whitespace().collect::<Vec<_>>().join(" ");
        self.advance((end + 4).min(rest.len()));
        condition.chars().take(SHOWN_CHARS).collect()
    }

    /// `word(…)` where the text stands at one.
    fn object(&mut self, word: &str) -> Option<(String, Parameters)> {
        let rest = &self.text[self.at..];
        let after = rest[word.len()..].trim_start();
        let open = rest.len() - after.len();
        if word.is_empty() || !after.starts_with('(') {
            return None;
        }
        let body = &rest[open + 1..];
        let (mut quotes, mut depth, mut end) = (Quotes::default(), 0_usize, body.len());
        for (at, byte) in body.bytes().enumerate() {
            if !quotes.is_outside(byte) {
                continue;
            }
            match byte {
                b'(' => depth += 1,
                b')' if depth == 0 => {
                    end = at;
                    break;
                }
                b')' => depth -= 1,
                _ => {}
            }
        }
        let parameters = Parameters::parse(&body[..end]);
        let name = word.to_ascii_lowercase();
        self.advance((open + 1 + end + 1).min(rest.len()));
        Some((name, parameters))
    }

    /// An object of the newer syntax.
    fn statement(&mut self, line: usize, name: &str, given: &Parameters, selector: Selector) {
        let condition = self.condition();
        match name {
            "action" => self.action(line, given, selector, condition),
            "input" => match input(given) {
                Some(input) => self.push(line, Meaning::Input(input)),
                None => self.push_other(line, &format!("input({given})")),
            },
            "module" => match given.value("load") {
                Some("imuxsock") if given.value("syssock.use") != Some("off") => {
                    self.push(line, Meaning::Input(Input::SystemSocket));
                }
                Some("imjournal") => self.push(line, Meaning::Input(Input::Journal)),
                Some("imklog" | "imkmsg") => self.push(line, Meaning::Input(Input::Kernel)),
                _ => {}
            },
            "global" => {
                let tls = &mut self.found.tls;
                given.set(&mut tls.ca, "defaultnetstreamdrivercafile");
                given.set(&mut tls.certificate, "defaultnetstreamdrivercertfile");
                given.set(&mut tls.key, "defaultnetstreamdriverkeyfile");
                self.legacy.tls |= given
                    .value("defaultnetstreamdriver")
                    .is_some_and(|driver| driver != "ptcp");
            }
            "include" => match given.value("file") {
                Some(file) => self.push(line, Meaning::Include(file.into())),
                None => self.push_other(line, &format!("include({given})")),
            },
            "ruleset" => {
                self.pending = Some(format!("ruleset {}", given.value("name").unwrap_or("?")));
            }
            _ => self.push_other(line, &format!("{name}({given})")),
        }
    }

    fn action(
        &mut self,
        line: usize,
        given: &Parameters,
        selector: Selector,
        condition: Option<String>,
    ) {
        let transport = match given.value("type").map(str::to_ascii_lowercase).as_deref() {
            Some("omfwd") => {
                let secured = match given
                    .value("streamdrivermode")
                    .or(given.value("streamdriver.mode"))
                {
                    Some(mode) => mode != "0",
                    None => false,
                };
                match given.value("protocol") {
                    Some(protocol) if protocol.eq_ignore_ascii_case("tcp") => {
                        if secured {
                            Transport::Tls
                        } else {
                            Transport::Tcp
                        }
                    }
                    _ => Transport::Udp,
                }
            }
            Some("omrelp") if given.value("tls") == Some("on") => Transport::RelpTls,
            Some("omrelp") => Transport::Relp,
            _ => {
                let text: String = format!("action({given})")
                    .chars()
                    .take(SHOWN_CHARS)
                    .collect();
                return self.push(line, Meaning::Local(text));
            }
        };
        let hosts = given
            .values("target")
            .map(str::to_owned)
            .collect::<Vec<_>>();
        let framing = given.value("tcp_framing").map(str::to_ascii_lowercase);
        let number = |name| given.value(name).and_then(size);
        let tls = &mut self.found.tls;
        given.set(&mut tls.ca, "tls.cacert");
        given.set(&mut tls.certificate, "tls.mycert");
        given.set(&mut tls.key, "tls.myprivkey");
        given.set(&mut tls.ca, "streamdriver.cafile");
        given.set(&mut tls.certificate, "streamdriver.certfile");
        given.set(&mut tls.key, "streamdriver.keyfile");
        let peer = [
            "streamdriverpermittedpeers",
            "streamdriverpermittedpeer",
            "tls.permittedpeer",
        ]
        .iter()
        .find_map(|name| given.value(name));
        let forward = Forward {
            selector,
            condition,
            transport,
            hosts,
            port: given
                .value("port")
                .map_or(Some(DEFAULT_PORT), |port| port.parse().ok())
                .unwrap_or(0),
            framing: if framing.is_some_and(|framing| framing.starts_with("octet-counted")) {
                Framing::Octets
            } else {
                Framing::Lines
            },
            template: given.value("template").map(str::to_owned),
            peer: peer.map(str::to_owned),
            has_queue: given
                .value("queue.type")
                .is_some_and(|kind| !kind.eq_ignore_ascii_case("direct")),
            queue_bytes_max: number("queue.maxdiskspace"),
            retries: given
                .value("action.resumeretrycount")
                .and_then(|count| count.parse().ok())
                .unwrap_or(0),
        };
        self.push_forward(line, forward);
    }

    fn push_forward(&mut self, line: usize, forward: Forward) {
        if forward.hosts.is_empty()
            || forward.hosts.iter().any(String::is_empty)
            || forward.port == 0
        {
            return self.push_other(line, &forward.to_string());
        }
        self.push(line, Meaning::Forward(forward));
    }

    /// `SELECTOR ACTION`, `:property, test, "value" ACTION`, `& ACTION`, and what is none of them.
    fn legacy_line(&mut self, line: usize) {
        let rest = &self.text[self.at..];
        let end_of_line = rest.find('\n').unwrap_or(rest.len());
        let head = &rest[..end_of_line];
        let split = if head.starts_with(':') {
            property_filter_bytes(head)
        } else {
            head.find([' ', '\t'])
        };
        let Some(split) = split else {
            let text = self.rest_of_line();
            return self.push_other(line, &text);
        };
        let filter = head[..split].trim().to_owned();
        let blanks = head[split..].len() - head[split..].trim_start().len();
        let selected = if filter == "&" {
            true
        } else if filter.starts_with(':') {
            self.selector = Selector::ALL;
            self.conditional = Some(filter.chars().take(SHOWN_CHARS).collect());
            true
        } else if let Ok(selector) = Selector::parse(&filter) {
            self.selector = selector;
            self.conditional = None;
            true
        } else {
            false
        };
        if !selected {
            let text = self.rest_of_line();
            // Nothing of it can have a condition of its own.
            self.pending = None;
            return self.push_other(line, &text);
        }
        if let Some(condition) = self.conditional.clone() {
            self.pending = Some(match self.pending.take() {
                Some(outer) => format!("{outer} and {condition}"),
                None => condition,
            });
        }
        self.advance(split + blanks);
        let word = word_at(&self.text[self.at..]);
        let selector = self.selector;
        if let Some((name, parameters)) = self.object(word) {
            return self.statement(line, &name, &parameters, selector);
        }
        let text = self.rest_of_line();
        let action = text.split(" #").next().unwrap_or_default().trim();
        self.legacy_action(line, action, selector);
    }

    fn legacy_action(&mut self, line: usize, action: &str, selector: Selector) {
        let condition = self.condition();
        let (transport, rest) = if let Some(rest) = action.strip_prefix("@@") {
            (
                if self.legacy.tls {
                    Transport::Tls
                } else {
                    Transport::Tcp
                },
                rest,
            )
        } else if let Some(rest) = action.strip_prefix('@') {
            (Transport::Udp, rest)
        } else if let Some(rest) = action.strip_prefix(RELP_ACTION) {
            (Transport::Relp, rest)
        } else {
            let text = action.chars().take(SHOWN_CHARS).collect();
            return self.push(line, Meaning::Local(text));
        };
        let (options, rest) = match rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
            Some((options, rest)) => (options, rest),
            None => ("", rest),
        };
        let (address, template) = match rest.split_once(';') {
            Some((address, template)) => (address, Some(template.trim().to_owned())),
            None => (rest, None),
        };
        let Some((host, port)) = host_and_port(address.trim()) else {
            return self.push_other(line, action);
        };
        let octets = options.split(',').any(|option| option.trim() == "o");
        let framing = if octets {
            Framing::Octets
        } else {
            Framing::Lines
        };
        let legacy = &mut self.legacy;
        let forward = Forward {
            selector,
            condition,
            transport,
            hosts: vec![host.to_owned()],
            port,
            framing,
            template: template.filter(|template| !template.is_empty()),
            peer: legacy.peer.clone().filter(|_| transport == Transport::Tls),
            has_queue: std::mem::take(&mut legacy.has_queue),
            queue_bytes_max: legacy.queue_bytes_max.take(),
            retries: std::mem::take(&mut legacy.retries),
        };
        self.push_forward(line, forward);
    }

    /// `$Name value`.
    fn directive(&mut self, line: usize, text: String) {
        let (name, value) = text.split_once([' ', '\t']).unwrap_or((&text, ""));
        let value = value.trim();
        let legacy = &mut self.legacy;
        let tls = &mut self.found.tls;
        match name.to_ascii_lowercase().as_str() {
            "$includeconfig" => self.push(line, Meaning::Include(value.into())),
            "$modload" => match value.trim_end_matches(".so") {
                "imuxsock" => self.push(line, Meaning::Input(Input::SystemSocket)),
                "imjournal" => self.push(line, Meaning::Input(Input::Journal)),
                "imklog" | "imkmsg" => self.push(line, Meaning::Input(Input::Kernel)),
                _ => {}
            },
            "$udpserverrun" | "$inputtcpserverrun" | "$inputrelpserverrun" => match value.parse() {
                Ok(port) if name.eq_ignore_ascii_case("$UDPServerRun") => {
                    self.push(line, Meaning::Input(Input::Udp(String::new(), port)));
                }
                Ok(port) if name.eq_ignore_ascii_case("$InputTCPServerRun") => {
                    self.push(line, Meaning::Input(Input::Tcp(String::new(), port)));
                }
                Ok(port) => self.push(line, Meaning::Input(Input::Relp(String::new(), port))),
                Err(_) => self.push_other(line, &text),
            },
            "$inputfilename" => legacy.file = Some(value.into()),
            "$inputrunfilemonitor" => {
                if let Some(file) = legacy.file.take() {
                    self.push(line, Meaning::Input(Input::File(file)));
                }
            }
            "$defaultnetstreamdrivercafile" => tls.ca = Some(value.into()),
            "$defaultnetstreamdrivercertfile" => tls.certificate = Some(value.into()),
            "$defaultnetstreamdriverkeyfile" => tls.key = Some(value.into()),
            "$actionsendstreamdrivermode" => legacy.tls = value != "0",
            "$actionsendstreamdriverpermittedpeer" => legacy.peer = Some(value.into()),
            "$actionqueuetype" => legacy.has_queue = !value.eq_ignore_ascii_case("direct"),
            "$actionqueuemaxdiskspace" => legacy.queue_bytes_max = size(value),
            "$actionresumeretrycount" => legacy.retries = value.parse().unwrap_or(0),
            _ => self.push_other(line, &text),
        }
    }
}

fn input(given: &Parameters) -> Option<Input> {
    let port = || given.value("port").and_then(|port| port.parse().ok());
    let address = || given.value("address").unwrap_or_default().to_owned();
    Some(match given.value("type")? {
        "imfile" => Input::File(given.value("file")?.to_owned()),
        "imudp" => Input::Udp(address(), port()?),
        "imtcp" | "imptcp" => Input::Tcp(address(), port()?),
        "imrelp" => Input::Relp(address(), port()?),
        _ => return None,
    })
}

const RELP_ACTION: &str = ":omrelp:";
/// Of a text that is only shown.
const SHOWN_CHARS: usize = 200;
