//! The agent's configuration.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use indelible_log::spool::SpoolOptions;
use serde::Deserialize;

use super::disk::DiskConfig;
use super::layers::Configuration;
use super::outputs::{MaskConfig, OutputConfig, OutputTls};
use super::selection::SelectionConfig;
use super::{DetectionsConfig, InspectConfig, TlsFiles};

/// What `indelible agent` runs with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct AgentConfig {
    /// The host's spool.
    pub(crate) spool: PathBuf,
    /// How kernel records are obtained.
    #[serde(default)]
    pub(crate) capture: Capture,
    /// What else of this host is read, each into a stream of its own.
    #[serde(default)]
    pub(crate) sources: Vec<SourceConfig>,
    /// The user that the worker becomes when the agent is started as root.
    #[serde(default = "default_worker_user")]
    pub(crate) worker_user: String,
    /// Whether the worker, and detections that run no program, are confined by Landlock and seccomp, and
    /// the reader of the kernel's records by seccomp.
    #[serde(default = "yes")]
    pub(crate) sandbox: bool,
    /// Whether the worker describes processes (names of users, parents, unit, container) in a stream of
    /// its own.
    #[serde(default = "yes")]
    pub(crate) context: bool,
    /// What the spool may take of the disk.
    #[serde(default)]
    pub(crate) limits: SpoolLimits,
    /// Where entries are sent; without it and outputs they stay in the spool.
    pub(crate) collector: Option<CollectorAddress>,
    /// Further collectors, each with a log of its own, that are sent to in turn while those before do
    /// not answer. When the first one is back it is sent to again; what both have can be told by stream
    /// and sequence number.
    #[serde(default)]
    pub(crate) failover: Vec<CollectorAddress>,
    /// How long a collector may be away before the next one stands in, in seconds.
    #[serde(default = "failover_after")]
    pub(crate) failover_after_seconds: u32,
    /// What the collector gets of the audit events; all of them where it is missing.
    pub(crate) selection: Option<SelectionConfig>,
    /// Where else entries go: syslog, RELP, files.
    #[serde(default)]
    pub(crate) outputs: Vec<OutputConfig>,
    /// Where metrics are served for Prometheus: `ADDRESS:PORT` on loopback, or `unix:/PATH`.
    pub(crate) metrics: Option<MetricsAddress>,
    /// Secrets that no plain output shows.
    #[serde(default)]
    pub(crate) masks: MaskConfig,
    /// What is found while entries come; nothing where it is missing.
    pub(crate) detections: Option<DetectionsConfig>,
    /// What a helper with more privileges reads of processes; there is none where it is missing.
    pub(crate) inspect: Option<InspectConfig>,
    /// What is done when the disk fills up or fails, beside what `limits` say; nothing where it is
    /// missing.
    pub(crate) disk: Option<DiskConfig>,
}

impl Configuration for AgentConfig {
    const NAME: &'static str = "agent";
}

impl AgentConfig {
    /// Everything but the spool as it is by default: capture as the audit daemon, send nothing.
    pub(crate) fn new(spool: PathBuf) -> Self {
        Self {
            spool,
            capture: Capture::default(),
            sources: Vec::new(),
            worker_user: default_worker_user(),
            sandbox: true,
            context: true,
            limits: SpoolLimits::default(),
            collector: None,
            failover: Vec::new(),
            failover_after_seconds: failover_after(),
            selection: None,
            outputs: Vec::new(),
            metrics: None,
            masks: MaskConfig::default(),
            detections: None,
            inspect: None,
            disk: None,
        }
    }

    /// Whether anything is sent or served.
    pub(crate) fn has_worker(&self) -> bool {
        self.collector.is_some() || !self.outputs.is_empty()
    }

    /// Files that it names and that are not there.
    pub(crate) fn missing_files(&self) -> Vec<String> {
        let collector = self.collector.iter().chain(&self.failover);
        let of_collector = collector.flat_map(|collector| {
            let tls = collector.tls.all().into_iter();
            tls.chain([collector.log_key.as_path()])
        });
        let outputs = self.outputs.iter().filter_map(|output| output.tls.as_ref());
        super::missing(of_collector.chain(outputs.flat_map(OutputTls::all)))
    }
}

/// Where metrics are served.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum MetricsAddress {
    /// A port of loopback.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl fmt::Display for MetricsAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl FromStr for MetricsAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:/") {
            return Ok(Self::Unix(PathBuf::from("/").join(path)));
        }
        let wrong = || format!("{text:?} is neither ADDRESS:PORT of loopback nor unix:/PATH");
        let address: SocketAddr = text.parse().map_err(|_| wrong())?;
        if address.ip().is_loopback() {
            Ok(Self::Tcp(address))
        } else {
            Err(wrong())
        }
    }
}

impl TryFrom<String> for MetricsAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// Something else of this host that is read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum SourceConfig {
    /// Files that match a pattern, across rotation.
    Files(String),
    /// The journal, through journalctl.
    Journal,
    /// The kernel's messages.
    Kmsg,
    /// A datagram socket at a path, as `/dev/log`.
    Unix(PathBuf),
    /// Syslog over UDP on loopback.
    Udp(SocketAddr),
    /// Syslog over TCP on loopback.
    Tcp(SocketAddr),
}

impl SourceConfig {
    /// The word that the configuration and stream openings use.
    pub(crate) fn word(&self) -> String {
        match self {
            Self::Files(pattern) => format!("file:{pattern}"),
            Self::Journal => "journal".into(),
            Self::Kmsg => "kmsg".into(),
            Self::Unix(path) => format!("unix:{}", path.display()),
            Self::Udp(address) => format!("udp:{address}"),
            Self::Tcp(address) => format!("tcp:{address}"),
        }
    }
}

impl FromStr for SourceConfig {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let loopback = |address: &str| {
            let address: SocketAddr = address
                .parse()
                .map_err(|error| format!("{text:?}: {error}"))?;
            let wrong = "an agent listens on loopback only; a collector receives from the network";
            Some(address)
                .filter(|address| address.ip().is_loopback())
                .ok_or_else(|| format!("{text:?}: {wrong}"))
        };
        match text.split_once(':') {
            None if text == "journal" => Ok(Self::Journal),
            None if text == "kmsg" => Ok(Self::Kmsg),
            Some(("file", pattern)) if pattern.starts_with('/') => {
                glob::Pattern::new(pattern).map_err(|error| format!("{text:?}: {error}"))?;
                Ok(Self::Files(pattern.into()))
            }
            Some(("unix", path)) if path.starts_with('/') => Ok(Self::Unix(path.into())),
            Some(("udp", address)) => Ok(Self::Udp(loopback(address)?)),
            Some(("tcp", address)) => Ok(Self::Tcp(loopback(address)?)),
            _ => Err(format!(
                "unknown source {text:?}; known are file:/PATTERN, journal, kmsg, unix:/PATH, udp:ADDRESS and tcp:ADDRESS"
            )),
        }
    }
}

impl TryFrom<String> for SourceConfig {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// What the streams of one process may take of the disk. Sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct SpoolLimits {
    /// All streams together; no limit where it is not given.
    pub(crate) max_bytes: Option<u64>,
    /// What must stay free on the spool's file system.
    pub(crate) min_free: u64,
    /// Entries that are covered by receipts stay as local history up to this size.
    pub(crate) history_bytes: u64,
    /// What happens when a limit is reached or the disk takes nothing.
    pub(crate) when_full: WhenFull,
}

/// What happens when the spool can take nothing more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum WhenFull {
    /// Nothing is read any more: the kernel queues, and system calls that cause records wait
    Block,
    /// The oldest streams are removed, then the newest entries dropped; each is a gap entry
    #[default]
    DropOldest,
}

impl Default for SpoolLimits {
    fn default() -> Self {
        Self {
            max_bytes: None,
            min_free: 16 << 20,
            history_bytes: 256 << 20,
            when_full: WhenFull::default(),
        }
    }
}

impl SpoolLimits {
    /// For the writer of one stream.
    pub(crate) fn options(&self) -> SpoolOptions {
        let smallest = self
            .max_bytes
            .map_or(u64::MAX, |max| (max / 16).max(64 << 10));
        SpoolOptions {
            file_bytes: SpoolOptions::default().file_bytes.min(smallest),
            history_bytes: self.history(),
        }
    }

    /// Bytes of local history: no more than half of what the spool may hold, or it would be full of it.
    pub(crate) fn history(&self) -> u64 {
        let most = self.max_bytes.map_or(u64::MAX, |max| max / 2);
        self.history_bytes.min(most)
    }

    /// Size at which a stream ends and the next begins, so that a full spool has one to remove.
    pub(crate) fn roll_bytes(&self) -> u64 {
        self.max_bytes
            .map_or(u64::MAX, |max| (max / 8).max(64 << 10))
            .min(1 << 30)
    }
}

/// The collector that an agent sends to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct CollectorAddress {
    /// `HOST:PORT`.
    pub(crate) address: String,
    /// Further addresses of the same collector, tried in turn while the one before does not answer.
    #[serde(default)]
    pub(crate) alternates: Vec<String>,
    /// The DNS name that its certificate must carry.
    #[serde(default = "default_name")]
    pub(crate) name: String,
    /// File with the collector's verifier key (`log.vkey`).
    pub(crate) log_key: PathBuf,
    /// Certificates and key.
    pub(crate) tls: TlsFiles,
}

/// How kernel records are obtained.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Capture {
    /// As the kernel's audit daemon.
    #[default]
    Kernel,
    /// From the multicast group, beside a running daemon; best effort.
    Observe,
    /// From auditd's dispatcher: as its plugin, on standard input, or from the socket of its
    /// `af_unix` plugin.
    Audisp(Option<PathBuf>),
    /// From auditd's log, across its rotation.
    File(PathBuf),
}

impl Capture {
    /// The word that the configuration and stream openings use.
    pub(crate) fn word(&self) -> String {
        match self {
            Self::Kernel => "kernel".into(),
            Self::Observe => "observe".into(),
            Self::Audisp(None) => "audisp".into(),
            Self::Audisp(Some(socket)) => format!("audisp:{}", socket.display()),
            Self::File(path) => format!("file:{}", path.display()),
        }
    }

    /// Whether standard input carries the records.
    pub(crate) fn is_on_standard_input(&self) -> bool {
        *self == Self::Audisp(None)
    }
}

impl FromStr for Capture {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let absolute = |path: &str| {
            let path = PathBuf::from(path);
            let wrong = || format!("{text:?} needs an absolute path after the colon");
            Some(path)
                .filter(|path| path.is_absolute())
                .ok_or_else(wrong)
        };
        match text.split_once(':') {
            None if text == "kernel" => Ok(Self::Kernel),
            None if text == "observe" => Ok(Self::Observe),
            None if text == "audisp" => Ok(Self::Audisp(None)),
            Some(("audisp", path)) => Ok(Self::Audisp(Some(absolute(path)?))),
            Some(("file", path)) => Ok(Self::File(absolute(path)?)),
            _ => Err(format!(
                "unknown capture {text:?}; known are kernel, observe, audisp, audisp:SOCKET and file:PATH"
            )),
        }
    }
}

impl TryFrom<String> for Capture {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

fn failover_after() -> u32 {
    30
}

fn yes() -> bool {
    true
}

/// The user `nobody` exists everywhere and owns nothing.
pub(crate) fn default_worker_user() -> String {
    "nobody".into()
}

/// The name in certificates that [`crate::net::pki`] makes.
pub(crate) fn default_name() -> String {
    "collector".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_file_is_read_and_unknown_keys_are_refused() {
        let text = "spool = '/s'\ncapture = 'observe'\n[collector]\naddress = 'c:6514'\n\
                    log-key = 'v'\ntls = { ca = 'a', certificate = 'b', key = 'c' }\n";
        let config: AgentConfig = toml::from_str(text).unwrap();
        assert_eq!(config.capture, Capture::Observe);
        assert_eq!(config.collector.unwrap().name, "collector");
        let error = toml::from_str::<AgentConfig>("spool = '/s'\nspol = 1\n").unwrap_err();
        assert!(
            error.to_string().contains("unknown field `spol`"),
            "{error}"
        );
        assert!(toml::from_str::<AgentConfig>("spool = '/s'\ncapture = 'x'").is_err());
    }

    #[test]
    fn sources_come_back() {
        for word in [
            "file:/var/log/nginx/*.log",
            "journal",
            "kmsg",
            "unix:/dev/log",
            "udp:127.0.0.1:514",
            "tcp:[::1]:514",
        ] {
            assert_eq!(word.parse::<SourceConfig>().unwrap().word(), word);
        }
        for word in [
            "",
            "file:relative",
            "file:/[",
            "udp:0.0.0.0:514",
            "tcp:127.0.0.1",
            "journal:x",
        ] {
            assert!(word.parse::<SourceConfig>().is_err(), "{word:?}");
        }
    }

    #[test]
    fn ways_to_capture_come_back() {
        for word in [
            "kernel",
            "observe",
            "audisp",
            "audisp:/run/a",
            "file:/var/log/a b",
        ] {
            assert_eq!(word.parse::<Capture>().unwrap().word(), word);
        }
        for word in ["", "file", "file:", "file:relative", "kernel:/x", "audisp:"] {
            assert!(word.parse::<Capture>().is_err(), "{word:?}");
        }
    }
}
