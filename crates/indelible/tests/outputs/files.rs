//! Files as outputs.

use std::fs;

use super::host::{Host, wait_for};

const COUNT: usize = 3_000;

/// Two forms at once, the worker in its sandbox; each has every line once, in order.
#[test]
fn two_files_have_everything_in_order() {
    let mut host = Host::new(
        "[[outputs]]\nname = \"plain\"\nto = [\"file:FOLDER/plain.log\"]\nformat = \"audit\"\n\
         [[outputs]]\nname = \"json\"\nto = [\"file:FOLDER/out.ndjson\"]\n",
    );
    host.log(0..COUNT);
    host.start_sources();
    host.start_worker();
    wait_for("the lines", || {
        host.lines("plain.log").len() >= COUNT && host.lines("out.ndjson").len() >= COUNT
    });
    wait_for("no lag", || {
        host.output("plain")["lag_entries"] == 0 && host.output("json")["lag_entries"] == 0
    });
    assert_eq!(
        host.output("plain")["state"]["required"],
        true,
        "nothing else holds the spool"
    );
    host.stop_sources();
    host.stop_worker();
    assert_eq!(host.lines("plain.log"), host.lines("app.log"));
    let texts: Vec<String> = host
        .lines("out.ndjson")
        .iter()
        .map(|line| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            event["records"][0]["fields"]["message"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(texts, host.lines("app.log"));
}

/// A rotation by renaming is followed without a signal.
#[test]
fn a_renamed_file_is_followed_by_a_new_one() {
    let mut host = Host::new(
        "[[outputs]]\nname = \"plain\"\nto = [\"file:FOLDER/plain.log\"]\nformat = \"audit\"\n",
    );
    host.log(0..10);
    host.start_sources();
    host.start_worker();
    wait_for("the lines", || host.lines("plain.log").len() == 10);
    fs::rename(host.path("plain.log"), host.path("plain.log.1")).unwrap();
    wait_for("the new file", || host.path("plain.log").exists());
    host.log(10..20);
    wait_for("more lines", || host.lines("plain.log").len() == 10);
    assert_eq!(host.lines("plain.log.1").len(), 10);
}

/// The worker is killed again and again: nothing is missing, and what came twice came of the last
/// second before a kill.
#[test]
fn a_killed_worker_leaves_nothing_out() {
    let mut host = Host::new(
        "[[outputs]]\nname = \"plain\"\nto = [\"file:FOLDER/plain.log\"]\nformat = \"audit\"\n",
    );
    host.start_sources();
    for round in 0..4 {
        host.start_worker();
        host.log(round * COUNT..(round + 1) * COUNT);
        let some = round * COUNT + COUNT / 3;
        wait_for("some lines", || host.lines("plain.log").len() >= some);
        host.kill_worker();
    }
    host.start_worker();
    wait_for("all lines", || {
        super::host::numbers(&host.path("plain.log")).len() == 4 * COUNT
    });
    host.stop_worker();
    let written = host.lines("plain.log").len();
    println!(
        "{} lines, 4 kills, 0 lost, {} came twice",
        4 * COUNT,
        written - 4 * COUNT
    );
}
