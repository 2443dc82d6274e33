//! Under a service manager: the shipped units, and what the daemons tell it.

mod manager;
mod units;

use std::fs;
use std::time::Duration;

use manager::Manager;

#[test]
fn the_collector_says_ready_alive_and_stopping() {
    let folder = tempfile::tempdir().unwrap();
    let manager = Manager::new(folder.path());
    let store = folder.path().join("store");
    let words = [
        "collector",
        "--store",
        store.to_str().unwrap(),
        "--native",
        "127.0.0.1:0",
    ];
    let mut daemon = manager.start(&words);
    manager.wait_for("READY=1\nSTATUS=receiving at 127.0.0.1:");
    // The log's writer feeds the watchdog, idle or not.
    manager.wait_for("WATCHDOG=1");
    manager.wait_for("WATCHDOG=1");
    daemon.ask_to_stop();
    manager.wait_for("STOPPING=1");
    assert!(daemon.wait().success());
}

#[test]
fn the_roles_of_an_agent_say_ready_and_stopping() {
    let folder = tempfile::tempdir().unwrap();
    let (log, spool) = (folder.path().join("audit.log"), folder.path().join("agent"));
    fs::write(&log, "type=TEST msg=audit(1.000:1): a=b\n").unwrap();
    let config = folder.path().join("agent.toml");
    let text = format!(
        "spool = {spool:?}\ncapture = \"file:{0}\"\nsources = [\"file:{0}\"]\nworker-user = \"root\"\n",
        log.display()
    );
    fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    for role in ["capture", "sources"] {
        let manager = Manager::new(folder.path());
        let mut daemon = manager.start(&["agent", "--config", config, "--role", role]);
        manager.wait_for("READY=1\nSTATUS=reading ");
        manager.wait_for("WATCHDOG=1");
        daemon.ask_to_stop();
        manager.wait_for("STOPPING=1");
        assert!(daemon.wait().success(), "{role}");
    }
    // Nothing is configured to send to: that is no failure that a restart could mend.
    let manager = Manager::new(folder.path());
    let mut worker = manager.start(&["agent", "--config", config, "--role", "worker"]);
    manager.wait_for("READY=1\nSTATUS=no collector is configured");
    assert!(worker.wait().success());
}

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);
