//! The real kernel, the real daemons: nothing that the kernel emitted is lost, nothing is stored
//! twice, whatever is killed.
//!
//! `INDELIBLE_EVENTS` sets the number of kernel events (20,000 by default), `INDELIBLE_COLLECTOR_KILLS`,
//! `INDELIBLE_WORKER_KILLS` and `INDELIBLE_UPGRADES` what happens meanwhile; `cargo xtask soak` runs more.

mod burst;
mod context;
mod follow;
mod host;
mod stored;
mod upgrade;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use host::Host;
use indelible_log::Kind;
use indelible_sys::audit::{Control, StatusChange};
use indelible_testkit::Kernel;
use stored::Stored;

#[test]
fn kills_lose_and_duplicate_nothing() {
    let Some(mut kernel) = Kernel::claim("kills_lose_and_duplicate_nothing") else {
        return;
    };
    let events = number("INDELIBLE_EVENTS", 20_000);
    let mut random = Random::seeded();
    let mut host = Host::new(kernel.folder());
    host.start_collector();
    host.start_capture();
    host.start_worker();
    let watched = watch(&mut kernel);
    let lost_before = kernel.status().lost;

    let burst = burst::start(&watched, events);
    let collector_kills = number("INDELIBLE_COLLECTOR_KILLS", 5);
    let worker_kills = number("INDELIBLE_WORKER_KILLS", 10);
    let upgrades = number("INDELIBLE_UPGRADES", 3);
    let mut kills = vec![Kill::Collector; usize::try_from(collector_kills).unwrap()];
    kills.resize(
        kills.len() + usize::try_from(worker_kills).unwrap(),
        Kill::Worker,
    );
    kills.resize(
        kills.len() + usize::try_from(upgrades).unwrap(),
        Kill::Capture,
    );
    while let Some(kill) = random.take(&mut kills) {
        std::thread::sleep(Duration::from_millis(random.below(KILL_EVERY_MS)));
        match kill {
            Kill::Collector => host.kill_and_restart_collector(),
            Kill::Worker => host.kill_and_restart_worker(),
            Kill::Capture => host.upgrade_capture(),
        }
    }
    burst::wait(burst);
    let lost = kernel.status().lost.wrapping_sub(lost_before);
    kernel.unload();

    let began = Instant::now();
    let mut stored = host.stored();
    while stored.complete_events < events && began.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(200));
        stored = host.stored();
    }
    host.stop();
    let stored = Stored::read(&host.store());
    println!(
        "{events} kernel events, {collector_kills} kills of the collector, {worker_kills} of the worker, \
         {upgrades} upgrades of capture: {} complete events, {} records, {} duplicates, {} serials missing, lost delta {lost}",
        stored.complete_events, stored.records, stored.duplicates, stored.missing_serials,
    );
    assert_eq!(stored.complete_events, events);
    assert_eq!(stored.incomplete_events, 0);
    assert_eq!(stored.duplicates, 0);
    assert_eq!(stored.missing_serials, 0);
    assert_eq!(lost, 0);
    // Intact; on a busy machine a restart or an upgrade takes longer than the silence of a host that is
    // recorded, which `verify` then says.
    let verified = host.verify();
    assert!(verified <= 1, "verify of the store: {verified}");
    // What `status` counts is what this test counts itself.
    let account = host.status();
    let findings = account["findings"].as_array().unwrap();
    let others: Vec<_> = findings
        .iter()
        .filter(|finding| finding["kind"] != "silence")
        .collect();
    assert!(others.is_empty(), "{account}");
    let boot = &account["boots"][0];
    assert_eq!(boot["records"], stored.records);
    assert_eq!(boot["serials"]["missing"], stored.missing_serials);
}

/// Invariant 1: the spool is the only queue, capture waits for nothing downstream of it.
#[test]
fn capture_goes_on_while_the_collector_is_away() {
    let Some(mut kernel) = Kernel::claim("capture_goes_on_while_the_collector_is_away") else {
        return;
    };
    let mut host = Host::new(kernel.folder());
    host.make_keys();
    host.start_capture();
    let watched = watch(&mut kernel);
    let lost_before = kernel.status().lost;
    burst::wait(burst::start(&watched, 2_000));
    kernel.unload();
    host.wait_until_spooled(2_000);
    assert_eq!(kernel.status().lost, lost_before);

    // The collector comes late, the worker later: everything arrives all the same.
    host.start_collector();
    host.start_worker();
    let began = Instant::now();
    while host.stored().complete_events < 2_000 && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(100));
    }
    // And capture learns of it from the worker's folder.
    host.wait_for_entry(Kind::HostHead, "\"checkpoint\":{\"origin\"");
    host.stop();
    let stored = Stored::read(&host.store());
    assert_eq!(
        (
            stored.complete_events,
            stored.duplicates,
            stored.missing_serials
        ),
        (2_000, 0, 0)
    );
}

/// Whoever disables, changes or takes auditing is recorded at once, and capture registers again.
#[test]
fn what_others_do_to_auditing_is_recorded() {
    let Some(kernel) = Kernel::claim("what_others_do_to_auditing_is_recorded") else {
        return;
    };
    let mut host = Host::new(kernel.folder());
    host.start_capture();
    let limit = kernel.status().backlog_limit;
    let mut control = Control::open().unwrap();
    control.set(StatusChange::Enabled(0)).unwrap();
    host.wait_for_entry(Kind::Finding, "audit-disabled");
    control.set(StatusChange::Enabled(1)).unwrap();
    host.wait_for_entry(Kind::Finding, "audit-enabled");
    control.set(StatusChange::BacklogLimit(limit - 1)).unwrap();
    let said = host.wait_for_entry(Kind::Finding, "audit-reconfigured");
    control.set(StatusChange::BacklogLimit(limit)).unwrap();
    assert!(
        said.contains(&format!("backlog_limit was {limit} and is {}", limit - 1)),
        "{said}"
    );
    let head = host.wait_for_entry(Kind::HostHead, "\"audit_pid\":");
    for member in ["\"lost\":", "\"serial_last\":", "\"sha256\":", "\"sig\":"] {
        assert!(head.contains(member), "{member} in {head}");
    }
    host.stop();
    assert_eq!(host.verify_spool(), 0);
}

/// Invariant 8: the worker holds no capability and another user's identity.
#[test]
fn the_worker_has_no_privileges() {
    let Some(kernel) = Kernel::claim("the_worker_has_no_privileges") else {
        return;
    };
    let mut host = Host::new(kernel.folder());
    host.start_collector();
    host.start_capture();
    host.start_worker();
    let worker = host.worker_status();
    assert_eq!(worker.effective_capabilities, 0, "{worker:?}");
    assert_eq!(worker.permitted_capabilities, 0, "{worker:?}");
    assert_ne!(worker.uid, 0, "{worker:?}");
    // Confined by a filter, and without a way to more rights.
    assert_eq!(
        (worker.seccomp, worker.no_new_privileges),
        (2, 1),
        "{worker:?}"
    );
    let refused = host.probe_worker_sandbox();
    if refused.contains("landlock true") {
        assert!(refused.contains("file true"), "{refused}");
    } else {
        eprintln!("skipped: files of the sandbox: this kernel has no Landlock");
    }
    assert!(
        refused.contains("execute true, netlink true, ptrace true"),
        "{refused}"
    );
    let capture = host.capture_status();
    // CAP_AUDIT_WRITE is 29, CAP_AUDIT_CONTROL 30, CAP_AUDIT_READ 37 (linux/capability.h).
    assert_eq!(
        capture.permitted_capabilities,
        1 << 29 | 1 << 30 | 1 << 37,
        "{capture:?}"
    );
    // The main thread, which executes an upgrade, has no filter; the others read, and have.
    let filters = host.capture_filters();
    assert_eq!(filters[0], 0, "{filters:?}");
    assert!(
        filters.len() >= 3 && filters[2..].iter().all(|mode| *mode == 2),
        "{filters:?}"
    );
    host.stop();
}

/// Every open of the file that is returned becomes an event.
fn watch(kernel: &mut Kernel) -> PathBuf {
    let file = kernel.path("watched");
    fs::write(&file, "watched").unwrap();
    kernel.load("-a always,exit -F path={}/watched -F perm=r -F key=indelible_test");
    file
}

#[derive(Clone, Copy)]
enum Kill {
    Collector,
    Worker,
    /// Executed anew in place: not even a kill.
    Capture,
}

/// xorshift64*, seeded from `INDELIBLE_SEED` or the clock; the seed is printed.
struct Random(u64);

impl Random {
    fn seeded() -> Self {
        let seed = std::env::var("INDELIBLE_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| indelible_sys::clock::realtime_ns() | 1);
        println!("INDELIBLE_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % end
    }

    fn take(&mut self, kills: &mut Vec<Kill>) -> Option<Kill> {
        if kills.is_empty() {
            return None;
        }
        let at = self.below(kills.len() as u64);
        Some(kills.swap_remove(usize::try_from(at).expect("below the length")))
    }
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(default)
}

/// Longest wait between two kills.
const KILL_EVERY_MS: u64 = 400;
