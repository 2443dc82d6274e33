//! Plain outputs of the agent: what was spooled arrives at files, at real rsyslogd, at our own
//! collector, whoever is killed meanwhile; what does not arrive is told.

mod certificates;
#[path = "../syslog/collector.rs"]
#[expect(dead_code, reason = "shared with the tests of the receivers")]
mod collector;
mod failover;
mod failures;
mod files;
mod host;
mod namespaces;
mod native;
mod privileged;
mod rsyslog;
mod selection;
mod syslog_ng;
mod volume;
