//! What rsyslog's configuration says of forwarding and of where messages come from: enough to take
//! a host over, not an interpreter of its language.
//!
//! Both syntaxes are read, in any mixture:
//!
//! ```text
//! *.*;mail.none   @@(o)siem.example:10514;RSYSLOG_SyslogProtocol23Format
//! auth.*          action(type="omrelp" target="siem.example" port="2514")
//! $ActionQueueType LinkedList
//! module(load="imuxsock")
//! input(type="imfile" file="/var/log/nginx/access.log" tag="nginx")
//! ```
//!
//! What stands under a condition is told with the condition, what is not understood with its line:
//! nothing is left out without a word. Bad input is data, and no bytes make the reader fail.

use std::fmt;

use super::framing::Framing;
use super::selector::Selector;
use crate::limits::{RSYSLOG_DEPTH_MAX, RSYSLOG_STATEMENTS_MAX};

/// One statement that says something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Where it begins, from 1.
    pub line: usize,
    /// What it says.
    pub meaning: Meaning,
}

/// What a statement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Messages go to another host.
    Forward(Forward),
    /// Messages come from somewhere.
    Input(Input),
    /// More files are read.
    Include(String),
    /// Messages go somewhere on this host: a file, a user, a program. Its text.
    Local(String),
    /// A setting or statement that is neither: its text, cut.
    Other(String),
}

/// How messages go to another host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Syslog in datagrams.
    Udp,
    /// Syslog over TCP.
    Tcp,
    /// Syslog over TLS.
    Tls,
    /// RELP.
    Relp,
    /// RELP over TLS.
    RelpTls,
}

/// A forwarding action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Which messages; all where it stands alone.
    pub selector: Selector,
    /// The condition that it stands under besides; it is not interpreted.
    pub condition: Option<String>,
    /// How they go.
    pub transport: Transport,
    /// To whom, the first that answers.
    pub hosts: Vec<String>,
    /// Port; rsyslog's default is 514.
    pub port: u16,
    /// How messages are told apart over TCP and TLS.
    pub framing: Framing,
    /// The template that gives messages their form.
    pub template: Option<String>,
    /// Name that the peer's certificate must carry.
    pub peer: Option<String>,
    /// Whether a queue on disk or in memory stands before it.
    pub has_queue: bool,
    /// Most bytes of that queue on disk.
    pub queue_bytes_max: Option<u64>,
    /// How often a failed action is tried again, −1 for ever; rsyslog's default 0 drops messages.
    pub retries: i64,
}

/// Somewhere that messages come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The system log socket.
    SystemSocket,
    /// The journal.
    Journal,
    /// The kernel's messages.
    Kernel,
    /// A file, or files by a pattern.
    File(String),
    /// Syslog over UDP: address (empty for any) and port.
    Udp(String, u16),
    /// Syslog over TCP.
    Tcp(String, u16),
    /// RELP.
    Relp(String, u16),
}

/// Certificates and key that a configuration names for all its TLS connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsNames {
    /// Certificates of the authority.
    pub ca: Option<String>,
    /// Own certificate.
    pub certificate: Option<String>,
    /// Own private key.
    pub key: Option<String>,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// In their order.
    pub statements: Vec<Statement>,
    /// The last that were named.
    pub tls: TlsNames,
    /// There was more than the limit allows.
    pub is_cut: bool,
}

impl Configuration {
    /// Reads the text of one file.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut reader = Reader {
            text,
            at: 0,
            line: 1,
            blocks: Vec::new(),
            pending: None,
            selector: Selector::ALL,
            conditional: None,
            legacy: Legacy::default(),
            found: Self::default(),
        };
        while reader.step() {
            if reader.found.statements.len() >= RSYSLOG_STATEMENTS_MAX {
                reader.found.is_cut = true;
                break;
            }
        }
        reader.found
    }

    /// The forwarding actions.
    pub fn forwards(&self) -> impl Iterator<Item = &Forward> {
        self.statements
            .iter()
            .filter_map(|statement| match &statement.meaning {
                Meaning::Forward(forward) => Some(forward),
                _ => None,
            })
    }
}

impl fmt::Display for Forward {
    /// `SELECTOR action(…)`, which reads back as the same where there is no condition.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relp = matches!(self.transport, Transport::Relp | Transport::RelpTls);
        let module = if relp { "omrelp" } else { "omfwd" };
        write!(f, "{} action(type=\"{module}\" target=", self.selector)?;
        match &self.hosts[..] {
            [host] => write!(f, "{}", Quoted(host))?,
            hosts => {
                f.write_str("[")?;
                let mut separator = "";
                for host in hosts {
                    write!(f, "{separator}{}", Quoted(host))?;
                    separator = ", ";
                }
                f.write_str("]")?;
            }
        }
        write!(f, " port=\"{}\"", self.port)?;
        match self.transport {
            Transport::Udp => f.write_str(" protocol=\"udp\"")?,
            Transport::Tcp => f.write_str(" protocol=\"tcp\"")?,
            Transport::Tls => f.write_str(" protocol=\"tcp\" StreamDriverMode=\"1\"")?,
            Transport::Relp => {}
            Transport::RelpTls => f.write_str(" tls=\"on\"")?,
        }
        if self.framing == Framing::Octets && !relp {
            f.write_str(" TCP_Framing=\"octet-counted\"")?;
        }
        if let Some(template) = &self.template {
            write!(f, " template={}", Quoted(template))?;
        }
        if let Some(peer) = &self.peer {
            let name = if relp {
                "tls.permittedPeer"
            } else {
                "StreamDriverPermittedPeers"
            };
            write!(f, " {name}={}", Quoted(peer))?;
        }
        if self.has_queue {
            f.write_str(" queue.type=\"LinkedList\"")?;
        }
        if let Some(bytes) = self.queue_bytes_max {
            write!(f, " queue.maxDiskSpace=\"{bytes}\"")?;
        }
        if self.retries != 0 {
            write!(f, " action.resumeRetryCount=\"{}\"", self.retries)?;
        }
        f.write_str(")")
    }
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped = self.0.replace('\\', "\\\\").replace('"', "\\\"");
        write!(f, "\"{escaped}\"")
    }
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

/// Parameters of an object: names in lower case, each with one value or a list.
#[derive(Debug, Default)]
struct Parameters(Vec<(String, Vec<String>)>);

impl Parameters {
    fn parse(body: &str) -> Self {
        let mut found = Vec::new();
        let mut rest = body;
        while let Some(equals) = rest.find('=') {
            let before = rest[..equals].trim_end();
            let from = before
                .rfind(|c: char| c.is_whitespace() || c == ')' || c == ']')
                .map_or(0, |at| at + 1);
            let name = before.get(from..).unwrap_or_default().to_ascii_lowercase();
            let after = rest[equals + 1..].trim_start();
            let (values, tail) = match after.strip_prefix('[') {
                Some(list) => {
                    let (mut values, mut tail) = (Vec::new(), list);
                    loop {
                        tail = tail.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
                        if tail.is_empty() || tail.starts_with(']') {
                            break;
                        }
                        let (value, after) = value_at(tail);
                        if after.len() == tail.len() {
                            break;
                        }
                        values.push(value);
                        tail = after;
                    }
                    (values, tail.strip_prefix(']').unwrap_or(tail))
                }
                None => {
                    let (value, tail) = value_at(after);
                    (vec![value], tail)
                }
            };
            found.push((name, values));
            rest = tail;
        }
        Self(found)
    }

    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(known, _)| known == name);
        named.flat_map(|(_, values)| values).map(String::as_str)
    }

    fn value<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.values(name).next()
    }

    /// Sets what a parameter names, where it is given.
    fn set(&self, to: &mut Option<String>, name: &str) {
        if let Some(value) = self.value(name) {
            *to = Some(value.to_owned());
        }
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, values) in &self.0 {
            for value in values {
                write!(f, "{separator}{name}={}", Quoted(value))?;
                separator = " ";
            }
        }
        Ok(())
    }
}

/// A value in quotes or up to a blank, and what follows it.
fn value_at(text: &str) -> (String, &str) {
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        let end = text
            .find(|c: char| c.is_whitespace() || c == ',' || c == ']')
            .unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ if c == quote => return (value, &text[at + c.len_utf8()..]),
            _ => value.push(c),
        }
    }
    (value, "")
}

/// Tells what stands inside quotes.
#[derive(Debug, Default)]
struct Quotes {
    open: Option<u8>,
    escaped: bool,
}

impl Quotes {
    /// Takes the next byte; true where it stands outside of quotes and is none.
    fn is_outside(&mut self, byte: u8) -> bool {
        match self.open {
            Some(_) if self.escaped => self.escaped = false,
            Some(_) if byte == b'\\' => self.escaped = true,
            Some(quote) if byte == quote => self.open = None,
            Some(_) => {}
            None if matches!(byte, b'"' | b'\'') => self.open = Some(byte),
            None => return true,
        }
        false
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

fn word_at(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    &text[..end]
}

/// Bytes of `:property, test, "value"` before the action.
fn property_filter_bytes(line: &str) -> Option<usize> {
    let mut quotes = Quotes::default();
    let mut was_open = false;
    for (at, byte) in line.bytes().enumerate() {
        quotes.is_outside(byte);
        let is_open = quotes.open.is_some();
        if was_open && !is_open {
            return Some(at + 1);
        }
        was_open = is_open;
    }
    None
}

/// `host`, `host:port`, `[address]:port`.
fn host_and_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, rest.strip_prefix(':'))
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = match port {
        Some(port) => port.trim().parse().ok().filter(|port| *port != 0)?,
        None => DEFAULT_PORT,
    };
    let plain = !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'"');
    plain.then_some((host, port))
}

/// `1g` is 10⁹ bytes, `1G` 2³⁰.
fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "" => 1,
        "k" => 1_000,
        "K" => 1 << 10,
        "m" => 1_000_000,
        "M" => 1 << 20,
        "g" => 1_000_000_000,
        "G" => 1 << 30,
        "t" => 1_000_000_000_000,
        "T" => 1 << 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

const RELP_ACTION: &str = ":omrelp:";
const DEFAULT_PORT: u16 = 514;
/// Of a text that is only shown.
const SHOWN_CHARS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    /// The forwarding actions as they are written again, and the other statements.
    fn check(text: &str, expect: &[&str]) {
        let found = Configuration::parse(text);
        let shown: Vec<String> = found
            .statements
            .iter()
            .map(|statement| match &statement.meaning {
                Meaning::Forward(forward) => {
                    if forward.condition.is_none() {
                        let again = Configuration::parse(&forward.to_string());
                        assert_eq!(again.forwards().next(), Some(forward));
                    }
                    let condition = forward.condition.as_ref();
                    let condition = condition.map_or(String::new(), |text| format!(" if {text}"));
                    format!("{} {forward}{condition}", statement.line)
                }
                other => format!("{} {other:?}", statement.line),
            })
            .collect();
        assert_eq!(shown, expect, "{text}");
    }

    #[test]
    fn the_old_syntax() {
        check(
            "# all\n*.* @siem.example\nauth,authpriv.*\t@@(o)[fe80::1]:10514;RSYSLOG_ForwardFormat\n\
             *.info;mail.none :omrelp:relay:2514\n& stop\n",
            &[
                r#"2 *.* action(type="omfwd" target="siem.example" port="514" protocol="udp")"#,
                r#"3 auth.*;authpriv.* action(type="omfwd" target="fe80::1" port="10514" protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_ForwardFormat")"#,
                r#"4 kern.info;user.info;daemon.info;auth.info;syslog.info;lpr.info;news.info;uucp.info;cron.info;authpriv.info;ftp.info;ntp.info;audit.info;alert.info;clock.info;local0.info;local1.info;local2.info;local3.info;local4.info;local5.info;local6.info;local7.info action(type="omrelp" target="relay" port="2514")"#,
                r#"5 Local("stop")"#,
            ],
        );
        check(
            "$ActionQueueType LinkedList\n$ActionQueueMaxDiskSpace 1g\n$ActionResumeRetryCount -1\n\
             $DefaultNetstreamDriverCAFile /etc/ca.pem\n$ActionSendStreamDriverMode 1\n\
             $ActionSendStreamDriverPermittedPeer *.example.net\n*.* @@a:6514\n*.* @@b\n",
            &[
                r#"7 *.* action(type="omfwd" target="a" port="6514" protocol="tcp" StreamDriverMode="1" StreamDriverPermittedPeers="*.example.net" queue.type="LinkedList" queue.maxDiskSpace="1000000000" action.resumeRetryCount="-1")"#,
                r#"8 *.* action(type="omfwd" target="b" port="514" protocol="tcp" StreamDriverMode="1" StreamDriverPermittedPeers="*.example.net")"#,
            ],
        );
        check(
            ":msg, contains, \"a, \\\"b\\\"\" @@siem\n& ~\n",
            &[
                r#"1 *.* action(type="omfwd" target="siem" port="514" protocol="tcp") if :msg, contains, "a, \"b\"""#,
                r#"2 Local("~")"#,
            ],
        );
    }

    #[test]
    fn the_new_syntax() {
        check(
            "module(load=\"imuxsock\")\nmodule(load=\"imklog\")\ninput(type=\"imfile\"\n  File=\"/var/log/a.log\" tag=\"a\")\n\
             auth.* action(type=\"omfwd\" Target=[\"a\", \"b\"] port=\"601\" protocol=\"tcp\"\n\
             \tqueue.type=\"LinkedList\" action.resumeRetryCount=\"-1\")\n*.* /var/log/all\n",
            &[
                "1 Input(SystemSocket)",
                "2 Input(Kernel)",
                r#"3 Input(File("/var/log/a.log"))"#,
                r#"5 auth.* action(type="omfwd" target=["a", "b"] port="601" protocol="tcp" queue.type="LinkedList" action.resumeRetryCount="-1")"#,
                r#"7 Local("/var/log/all")"#,
            ],
        );
        check(
            "ruleset(name=\"r\") {\n if $programname == 'then' and not ($msg contains \"}\") then {\n\
             action(type=\"omrelp\" target=\"x\" port=\"2514\" tls=\"on\" tls.permittedPeer=[\"x\"])\n }\n}\n\
             /* action(type=\"omfwd\" target=\"no\") */ action(type=\"omfwd\" target=\"y\")\n",
            &[
                r#"3 *.* action(type="omrelp" target="x" port="2514" tls="on" tls.permittedPeer="x") if ruleset r and $programname == 'then' and not ($msg contains "}")"#,
                r#"6 *.* action(type="omfwd" target="y" port="514" protocol="udp")"#,
            ],
        );
    }

    #[test]
    fn what_is_not_understood_is_told() {
        check(
            "*.* @@\nfoo bar\naction(type=\"omfwd\" port=\"1\")\n*.* @@h:0\n$UDPServerRun x\n",
            &[
                r#"1 Other("@@")"#,
                r#"2 Other("foo bar")"#,
                r#"3 Other("*.* action(type=\"omfwd\" target=[] port=\"1\" protocol=\"udp\")")"#,
                r#"4 Other("@@h:0")"#,
                r#"5 Other("$UDPServerRun x")"#,
            ],
        );
        let many = "*.* @h\n".repeat(RSYSLOG_STATEMENTS_MAX + 1);
        assert!(Configuration::parse(&many).is_cut);
    }
}
