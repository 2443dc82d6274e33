//! What surrounds an event is shown with it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use indelible_testkit::{Kernel, schema};
use serde_json::Value;

use super::host::Host;

/// A script that runs for a moment, started by this test: its interpreter, its path, its parents, and the
/// names of its user are the context of its events at the collector.
#[test]
fn an_event_is_shown_with_what_surrounds_it() {
    let Some(mut kernel) = Kernel::claim("an_event_is_shown_with_what_surrounds_it") else {
        return;
    };
    let mut host = Host::new(kernel.folder());
    host.start_collector();
    host.start_capture();
    host.start_worker();
    // Processes that end before it looks cannot be asked.
    let streams = host.spool().join("context/streams");
    indelible_testkit::wait_for(Duration::from_secs(20), "the context stream", || {
        fs::read_dir(&streams).is_ok_and(|mut streams| streams.next().is_some())
    });
    let script = kernel.path("script");
    fs::write(&script, "#!/bin/sh\nsleep 0.7\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    kernel.load("-a always,exit -F path={}/script -F perm=x -F key=indelible_test");
    // Through a shell that started after auditing was enabled.
    let shell = format!("{} one 'two words' & wait", script.display());
    let ran = Command::new("/bin/sh").args(["-c", &shell]).status();
    assert!(ran.unwrap().success());

    let began = Instant::now();
    let event = loop {
        let found = host.search(&["-k", "indelible_test", "--format", "ndjson"]);
        let events = found
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        let mut executions = events.filter(|event: &Value| {
            event["records"].to_string().contains("EXECVE") && !event["context"].is_null()
        });
        if let Some(event) = executions.next() {
            break event;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{found}");
        std::thread::sleep(Duration::from_millis(50));
    };
    let context = &event["context"];
    let process = &context["process"];
    assert_eq!(process["script"], script.to_str().unwrap(), "{context}");
    let argv = process["argv"].as_array().unwrap();
    assert_eq!(argv[argv.len() - 2..], ["one", "two words"], "{context}");
    assert_eq!(context["serial"], event["serial"], "{context}");
    assert_eq!(context["users"]["0"], "root", "{context}");
    let parents = context["parents"].as_array().unwrap();
    assert_eq!(parents.len(), 2, "{context}");
    // The shell, and this test.
    assert_eq!(parents[0]["argv"][2], shell.as_str(), "{context}");
    assert_eq!(parents[1]["pid"], std::process::id(), "{context}");
    for process in [process, &parents[0], &parents[1]] {
        assert!(process["started_ms"].as_u64().unwrap() > 1_500_000_000_000);
    }
    let documented = include_str!("../../../../docs/schemas/event.json");
    let documented: Value = serde_json::from_str(documented).unwrap();
    assert_eq!(schema::differences(&documented, &event), [""; 0]);
    kernel.unload();
    host.stop();
    assert_eq!(host.verify(), 0);
}
