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

/// Ends a collector and checks that its store is intact, and that no gap is in it but the silence of a
/// host whose worker was away: a busy machine makes that longer than the collector's patience.
fn verified_but_for_silence(collector: &mut collector::Collector) {
    let is_silence = |gap: &serde_json::Value| gap["reason"] == "silence";
    collector.stop();
    let gaps = collector.contents().gaps;
    assert!(gaps.iter().all(is_silence), "{gaps:?}");
    let (code, text) = collector.verify();
    assert_eq!(code, Some(i32::from(!gaps.is_empty())), "{text}");
}
