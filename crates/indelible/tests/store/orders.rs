//! Holds and erasures, with a collector and without one.

use crate::lab::{HOST, Lab, many};

/// What is in three sealed segments.
const MANY: u64 = 200_000;

#[test]
fn what_is_held_is_not_erased_and_what_is_erased_is_proven() {
    let lab = Lab::new();
    lab.fill(many(MANY));
    let held = lab.told(&["hold", "add", "--host", HOST, "--reason", "case 7"]);
    let held = held.unwrap();
    let hold = held.trim().strip_prefix("holding ").unwrap();
    let list = lab.told(&["hold", "list"]).unwrap();
    assert!(list.contains(hold) && list.contains("case 7"), "{list}");

    let refused = lab.told(&["erase", "--entry", "40000", "--reason", "asked"]);
    assert!(refused.unwrap_err().contains(hold));
    let released = lab.told(&["hold", "remove", hold, "--reason", "closed"]);
    assert_eq!(released.unwrap(), format!("released {hold}\n"));

    // The same orders reach a running collector.
    let collector = lab.collector("");
    let erased = lab.told(&["erase", "--entry", "40000", "--reason", "asked"]);
    assert_eq!(erased.unwrap(), "erased the payload of entry 40000\n");
    for (entry, why) in [
        ("40000", "erased already"),
        ("0", "no record"),
        ("199999", "among the newest"),
        ("9999999", "no entry"),
    ] {
        let refused = lab.told(&["erase", "--entry", entry, "--reason", "asked"]);
        let refused = refused.unwrap_err();
        assert!(refused.contains(why), "{entry}: {refused}");
    }
    collector.stop();

    let report = lab.verified();
    assert_eq!(report["erased"], 1);
    let actions = lab.actions();
    let names: Vec<_> = actions
        .iter()
        .map(|action| action["action"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["hold-add", "hold-remove", "erase"]);
    assert_eq!(actions[0]["host"], HOST);
    assert_eq!(actions[2]["entry"], 40_000);
    assert_eq!(actions[2]["reason"], "asked");
    let uid = format!("uid:{}", rustix::process::getuid().as_raw());
    assert!(
        actions
            .iter()
            .all(|action| action["principal"] == uid.as_str())
    );
    // Search goes on, and says so.
    let found = lab.run(&["search", "--count"]);
    let said = crate::lab::text(&found.stderr);
    assert!(said.contains("1 entry of this store was erased"), "{said}");
}
