//! Plain outputs of the agent: what was spooled arrives at files, at real rsyslogd, at our own
//! collector, whoever is killed meanwhile; what does not arrive is told.

#[path = "../syslog/collector.rs"]
#[expect(dead_code, reason = "shared with the tests of the receivers")]
mod collector;
mod failures;
mod files;
mod host;
mod native;
mod rsyslog;
mod volume;
