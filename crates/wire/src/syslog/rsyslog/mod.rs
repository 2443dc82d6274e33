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

mod reader;
mod words;

use std::fmt;

use super::framing::Framing;
use super::selector::Selector;
use words::Quoted;

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
        reader::read(text)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::RSYSLOG_STATEMENTS_MAX;

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
