//! Plain outputs in the agent's configuration: where else entries go, besides a collector.
//!
//! ```toml
//! [[outputs]]
//! name = "siem"
//! to = ["tls:siem-a.example:6514", "tls:siem-b.example:6514"]
//! select = "auth,authpriv.*"
//! tls = { ca = "/etc/indelible/siem-ca.pem" }
//! ```

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use indelible_query::expr::Where;
use indelible_wire::syslog::{Selector, selector};
use serde::Deserialize;

/// An output besides the collector.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct OutputConfig {
    /// Under this name its positions are kept: letters, digits and hyphens.
    pub(crate) name: OutputName,
    /// Where entries go, the first that answers: `udp:HOST:PORT`, `tcp:HOST:PORT`, `tls:HOST:PORT`,
    /// `relp:HOST:PORT`, `relp-tls:HOST:PORT`, `file:/PATH` or `stdout`.
    pub(crate) to: Vec<Destination>,
    /// Whether entries stay in the spool until this output has them. Where nothing is required and
    /// there is no collector, every output is.
    #[serde(default)]
    pub(crate) required: bool,
    /// Form of what is sent; `rfc5424` over the network, `ndjson` into files, unless given.
    pub(crate) format: Option<OutputFormat>,
    /// How messages are told apart over TCP and TLS.
    #[serde(default)]
    pub(crate) framing: OutputFraming,
    /// Which syslog messages and journal entries, as syslog.conf selects them; all unless given.
    pub(crate) select: Option<SelectorText>,
    /// Which audit events, in the language of `--where`; all unless given. What is left out becomes
    /// a gap entry.
    #[serde(rename = "where")]
    pub(crate) condition: Option<ConditionText>,
    /// How many audit events with one value of a field may pass in a second; what is more is left
    /// out and becomes a gap entry.
    #[serde(default)]
    pub(crate) limits: Vec<RateLimit>,
    /// Facility of audit records and of lines of files.
    #[serde(default)]
    pub(crate) facility: FacilityText,
    /// Whether each message carries its stream and sequence number as structured data, so that
    /// a receiver can tell repetitions. RFC 5424 only.
    #[serde(default)]
    pub(crate) identity: bool,
    /// Certificates, for `tls` and `relp-tls`.
    pub(crate) tls: Option<OutputTls>,
}

/// A name that can be a folder's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct OutputName(String);

impl TryFrom<String> for OutputName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(plain) {
            return Err(format!(
                "{name:?} is no name of an output: letters, digits and hyphens, at most {NAME_BYTES_MAX}"
            ));
        }
        if name == NATIVE {
            return Err(format!(
                "{NATIVE:?} is the name of the collector's position"
            ));
        }
        Ok(Self(name))
    }
}

impl fmt::Display for OutputName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where an output goes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Destination {
    /// Syslog in datagrams (RFC 5426).
    Udp(Address),
    /// Syslog over TCP (RFC 6587).
    Tcp(Address),
    /// Syslog over TLS (RFC 5425).
    Tls(Address),
    /// RELP.
    Relp(Address),
    /// RELP over TLS.
    RelpTls(Address),
    /// A file that is appended to.
    File(PathBuf),
    /// Standard output.
    Stdout,
}

/// Host and port of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// A name or an address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not HOST:PORT");
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(wrong)?;
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let host = bare.unwrap_or(host);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:%".contains(&byte);
        if host.is_empty() || bare.is_none() && host.contains(':') || !host.bytes().all(plain) {
            return Err(wrong());
        }
        Ok(Self {
            host: host.into(),
            port,
        })
    }
}

impl Destination {
    /// Whether it needs certificates.
    pub(crate) fn is_secured(&self) -> bool {
        matches!(self, Self::Tls(_) | Self::RelpTls(_))
    }

    /// Whether it is on this host.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self, Self::File(_) | Self::Stdout)
    }
}

impl fmt::Display for Destination {
    /// The word that the configuration uses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp(address) => write!(f, "udp:{address}"),
            Self::Tcp(address) => write!(f, "tcp:{address}"),
            Self::Tls(address) => write!(f, "tls:{address}"),
            Self::Relp(address) => write!(f, "relp:{address}"),
            Self::RelpTls(address) => write!(f, "relp-tls:{address}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Stdout => f.write_str("stdout"),
        }
    }
}

impl TryFrom<String> for Destination {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "stdout" => Ok(Self::Stdout),
            Some(("file", path)) if path.starts_with('/') && !path.ends_with('/') => {
                Ok(Self::File(path.into()))
            }
            Some(("udp", address)) => Ok(Self::Udp(address.parse()?)),
            Some(("tcp", address)) => Ok(Self::Tcp(address.parse()?)),
            Some(("tls", address)) => Ok(Self::Tls(address.parse()?)),
            Some(("relp", address)) => Ok(Self::Relp(address.parse()?)),
            Some(("relp-tls", address)) => Ok(Self::RelpTls(address.parse()?)),
            _ => Err(format!(
                "unknown destination {text:?}; known are udp:, tcp:, tls:, relp: and relp-tls:HOST:PORT, file:/PATH and stdout"
            )),
        }
    }
}

/// Form of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OutputFormat {
    /// Syslog messages with the header of RFC 5424.
    Rfc5424,
    /// Syslog messages with the header of RFC 3164.
    Rfc3164,
    /// Lines as auditd's log has them; messages as they were received.
    Audit,
    /// One JSON object per event or message, as `search --format ndjson` prints them.
    Ndjson,
}

/// How messages are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OutputFraming {
    /// A decimal length before each message.
    #[default]
    Octets,
    /// A line feed after each message; one inside becomes `#012`.
    Lines,
}

/// A facility by name or number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct FacilityText(pub(crate) u8);

impl Default for FacilityText {
    /// authpriv: what receivers keep apart from what everybody may read.
    fn default() -> Self {
        Self(10)
    }
}

impl TryFrom<String> for FacilityText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        selector::facility(&text)
            .map(Self)
            .ok_or_else(|| format!("there is no facility {text:?}"))
    }
}

/// A selector that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct SelectorText(pub(crate) Selector);

impl TryFrom<String> for SelectorText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Selector::parse(&text)
            .map(Self)
            .map_err(|error| format!("{text:?}: {error}"))
    }
}

/// A condition that can be compiled.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct ConditionText(pub(crate) String);

impl TryFrom<String> for ConditionText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match Where::parse(&text) {
            Ok(_) => Ok(Self(text)),
            Err(error) => Err(format!("{text:?}: {error}")),
        }
    }
}

/// How many events may pass.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RateLimit {
    /// The field whose values are counted apart.
    pub(crate) by: LimitBy,
    /// Only this value; every value unless given.
    pub(crate) value: Option<String>,
    /// Events of one value that pass in a second.
    pub(crate) per_second: u32,
    /// Events that pass at once after a lull; ten times `per-second` unless given.
    pub(crate) burst: Option<u32>,
}

/// What events are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LimitBy {
    /// Label of the rule.
    Key,
    /// Program.
    Exe,
    /// System call, by name.
    Syscall,
}

/// Certificates towards a peer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct OutputTls {
    /// Certificates of the authority that signed the peer's.
    pub(crate) ca: PathBuf,
    /// Own certificate chain, where the peer asks for one.
    pub(crate) certificate: Option<PathBuf>,
    /// Own private key.
    pub(crate) key: Option<PathBuf>,
    /// The name that the peer's certificate must carry; the host of its address unless given.
    pub(crate) name: Option<String>,
}

impl OutputTls {
    /// The files that it names.
    pub(super) fn all(&self) -> impl Iterator<Item = &Path> {
        let own = [&self.certificate, &self.key].into_iter().flatten();
        own.chain([&self.ca]).map(PathBuf::as_path)
    }
}

/// Secrets in command lines and messages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct MaskConfig {
    /// Whether the usual ways in which secrets stand in command lines are masked.
    pub(crate) standard: bool,
    /// Regular expressions of more; what the group `secret`, else the first group, else all of it
    /// matches becomes `****`. Between arguments stands a zero byte.
    pub(crate) patterns: Vec<String>,
}

impl Default for MaskConfig {
    fn default() -> Self {
        Self {
            standard: true,
            patterns: Vec::new(),
        }
    }
}

/// What no output may be called: the collector's position has it.
pub(crate) const NATIVE: &str = "native";
const NAME_BYTES_MAX: usize = 64;

/// What a file cannot say of one output alone: names are unique, TLS is where it is needed, files
/// and network are not mixed.
pub(crate) fn check(outputs: &[OutputConfig]) -> Result<(), String> {
    let mut names: Vec<&OutputName> = outputs.iter().map(|output| &output.name).collect();
    names.sort();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("two outputs are called {}", twice[0]));
    }
    for output in outputs {
        let name = &output.name;
        let Some(first) = output.to.first() else {
            return Err(format!("output {name} goes nowhere: `to` is empty"));
        };
        if output.to.len() > 1 && output.to.iter().any(Destination::is_local) {
            return Err(format!(
                "output {name}: only one file, and none beside other destinations"
            ));
        }
        if output.to.iter().any(Destination::is_secured) && output.tls.is_none() {
            return Err(format!(
                "output {name} needs `tls` with the authority's certificates"
            ));
        }
        let tls = output.tls.as_ref();
        if tls.is_some_and(|tls| tls.certificate.is_some() != tls.key.is_some()) {
            return Err(format!(
                "output {name}: certificate and key belong together"
            ));
        }
        let headed = matches!(
            output.format,
            Some(OutputFormat::Rfc3164 | OutputFormat::Rfc5424)
        );
        if output.identity
            && (first.is_local() && !headed || output.format == Some(OutputFormat::Rfc3164))
        {
            return Err(format!(
                "output {name}: only RFC 5424 has room for `identity`"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(text: &str) -> Result<Vec<OutputConfig>, String> {
        #[derive(Deserialize)]
        struct File {
            outputs: Vec<OutputConfig>,
        }
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        check(&file.outputs)?;
        Ok(file.outputs)
    }

    #[test]
    fn destinations_come_back() {
        for word in [
            "udp:h:514",
            "tcp:[fe80::1]:601",
            "tls:siem.example:6514",
            "relp:127.0.0.1:2514",
            "relp-tls:h:2514",
            "file:/var/log/a b",
            "stdout",
        ] {
            let destination = Destination::try_from(word.to_owned()).unwrap();
            assert_eq!(destination.to_string(), word);
        }
        for word in [
            "",
            "udp:h",
            "tcp:h:0",
            "tcp:fe80::1:1",
            "file:x",
            "file:/x/",
            "tcp::1",
            "x:h:1",
        ] {
            assert!(Destination::try_from(word.to_owned()).is_err(), "{word:?}");
        }
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let good = "[[outputs]]\nname = 'a'\nto = ['tcp:h:1']\nwhere = 'uid = 0'\nselect = 'auth.*'\n\
                    limits = [{ by = 'key', per-second = 10 }]\n";
        assert_eq!(outputs(good).unwrap()[0].facility, FacilityText(10));
        for (bad, why) in [
            ("[[outputs]]\nname = 'a/b'\nto = ['stdout']", "no name"),
            ("[[outputs]]\nname = 'native'\nto = ['stdout']", "native"),
            ("[[outputs]]\nname = 'a'\nto = []", "nowhere"),
            ("[[outputs]]\nname = 'a'\nto = ['tls:h:1']", "needs `tls`"),
            (
                "[[outputs]]\nname = 'a'\nto = ['stdout', 'tcp:h:1']",
                "only one file",
            ),
            (
                "[[outputs]]\nname = 'a'\nto = ['stdout']\nwhere = 'nosuch = 1'",
                "nosuch",
            ),
            (
                "[[outputs]]\nname = 'a'\nto = ['stdout']\nselect = 'x.*'",
                "facility",
            ),
            (
                "[[outputs]]\nname = 'a'\nto = ['stdout']\nidentity = true",
                "identity",
            ),
            (
                "[[outputs]]\nname = 'a'\nto = ['stdout']\n[[outputs]]\nname = 'a'\nto = ['stdout']",
                "two outputs",
            ),
        ] {
            let error = outputs(bad).unwrap_err();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }
}
