//! A collector and its witnesses, good and bad.

use indelible_log::witness::WitnessKey;
use indelible_log::{Kind, VerifierKey};

use crate::collector::{Collector, copy, run, wait_for};
use crate::witness::{Manner, Witness};

#[test]
fn what_is_shown_is_cosigned_by_enough() {
    let witnesses =
        ["a.example", "bb.example", "ccc.example"].map(|name| Witness::start(name, Manner::Honest));
    witnesses[2].behave(Manner::Silent);
    let options = witnesses.each_ref().map(Witness::option);
    let mut collector = Collector::start(&[
        "--witness",
        &options[0],
        "--witness",
        &options[1],
        "--witness",
        &options[2],
    ]);
    collector.grow(300);
    wait_for("a witnessed checkpoint", || collector.shown() >= 300);
    let (_, note) = collector.get("/checkpoint", None);
    let note = String::from_utf8(note).unwrap();
    let signers: Vec<&str> = note
        .lines()
        .filter_map(|line| line.strip_prefix("\u{2014} ")?.split(' ').next())
        .collect();
    assert_eq!(
        signers,
        [crate::collector::ORIGIN, "a.example", "bb.example"]
    );
    // A second one away is one too many: the pending head goes on, what is shown stays.
    witnesses[1].behave(Manner::Failing);
    let said = collector.says("does not cosign");
    assert!(!said.contains('\u{1b}'), "{said:?}");
    wait_for("rest", || witnesses[0].signed() == collector.pending());
    let shown = collector.shown();
    collector.grow(5);
    assert!(collector.pending() > collector.shown());
    assert!(collector.shown() <= shown + 2, "{shown}");
    witnesses[1].behave(Manner::Honest);
    wait_for("the newest", || collector.shown() >= collector.pending());
    let metrics = String::from_utf8(collector.get("/metrics", None).1).unwrap();
    assert!(
        metrics.contains("indelible_collector_publishing_halted 0"),
        "{metrics}"
    );
    collector.stop();
}

#[test]
fn misbehaving_witnesses_hold_up_nothing_and_get_nothing_shown() {
    for manner in [
        Manner::WrongKey,
        Manner::WrongSignature,
        Manner::Stale,
        Manner::Endless,
        Manner::Slow,
        Manner::Garbage,
        Manner::Failing,
    ] {
        let witness = Witness::start("a.example", manner);
        let mut collector = Collector::start(&["--witness", &witness.option()]);
        collector.grow(10);
        // A slow one is given up when a call has lasted too long.
        if manner != Manner::Slow {
            collector.says("does not cosign");
        }
        assert_eq!(collector.shown(), 0, "{manner:?}");
        assert!(collector.payloads(Kind::Finding).is_empty(), "{manner:?}");
        collector.stop();
    }
}

#[test]
fn a_contradiction_halts_publishing_and_is_a_finding() {
    for (manner, id) in [
        (Manner::Larger, "log-rolled-back"),
        (Manner::Unprocessable, "log-rewritten"),
    ] {
        let witness = Witness::start("a.example", Manner::Honest);
        let mut collector = Collector::start(&["--witness", &witness.option()]);
        collector.grow(10);
        wait_for("a witnessed checkpoint", || collector.shown() >= 10);
        witness.behave(manner);
        collector.grow(10);
        let said = collector.says("publishing is halted");
        assert!(said.contains("a.example"), "{said}");
        let shown = collector.shown();
        wait_for("the finding", || {
            !collector.payloads(Kind::Finding).is_empty()
        });
        let finding = &collector.payloads(Kind::Finding)[0];
        assert_eq!(
            (finding["id"].as_str(), finding["level"].as_str()),
            (Some(id), Some("critical"))
        );
        let offered = finding["fields"]["offered"].as_str().unwrap();
        assert!(offered.starts_with(crate::collector::ORIGIN), "{offered}");
        // Nothing proves what it says: the log goes on, what is shown does not.
        assert_eq!(finding["fields"].get("witnessed"), None);
        collector.grow(10);
        assert_eq!(collector.shown(), shown);
        collector.stop();
    }
}

#[test]
fn a_rolled_back_store_is_refused_by_its_witness() {
    let witness = Witness::start("a.example", Manner::Honest);
    let mut collector = Collector::start(&["--witness", &witness.option()]);
    collector.grow(10);
    wait_for("a witnessed checkpoint", || collector.shown() >= 10);
    collector.stop();
    let older = collector.folder().join("older");
    copy(&collector.store(), &older);
    collector.run();
    collector.grow(50);
    wait_for("a witnessed checkpoint", || collector.shown() >= 60);
    collector.stop();
    std::fs::remove_dir_all(collector.store()).unwrap();
    copy(&older, &collector.store());
    let said = collector.refuses();
    assert!(
        said.contains("a.example") && said.contains("rolled back"),
        "{said}"
    );

    // Restarted, as is declared, it is not: until the witness begins anew nothing is shown, and nothing halts.
    let store = collector.store();
    let store = store.to_str().unwrap();
    let (code, said) = run(&["restart-log", "--store", store, "--reason", "restored"]);
    assert_eq!(code, 0, "{said}");
    collector.run();
    collector.says("the restart of the log has given up");
    let (shown, pending) = (collector.shown(), collector.pending());
    assert!(shown < pending, "{shown} {pending}");
    witness.forget();
    wait_for("a witnessed checkpoint", || collector.shown() >= pending);
    let metrics = String::from_utf8(collector.get("/metrics", None).1).unwrap();
    assert!(
        metrics.contains("indelible_collector_publishing_halted 0"),
        "{metrics}"
    );
    collector.stop();
    // Who asks the witness for what it holds is told, too.
    let witness = witness.option();
    let (code, said) = run(&["verify", "--store", store, "--witness", &witness]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("cosigned by: a.example"), "{said}");
}

/// This witness believes what it is sent; one that holds a log to its key must be given the new one.
#[test]
fn a_witness_signs_on_across_a_new_key() {
    let witness = Witness::start("a.example", Manner::Honest);
    let mut collector = Collector::start(&["--witness", &witness.option()]);
    collector.grow(10);
    wait_for("a witnessed checkpoint", || collector.shown() >= 10);
    let store = collector.store();
    let store = store.to_str().unwrap();
    let (code, said) = run(&["rotate-key", "--store", store, "--reason", "yearly"]);
    assert_eq!(code, 0, "{said}");
    collector.grow(10);
    let pending = collector.pending();
    wait_for("a witnessed checkpoint", || collector.shown() >= pending);
    let keys = String::from_utf8(collector.get("/log.vkey", None).1).unwrap();
    let keys = VerifierKey::parse(keys.trim_end()).unwrap();
    let (_, note) = collector.get("/checkpoint", None);
    let note = String::from_utf8(note).unwrap();
    let shown = keys.open_note(&note).unwrap();
    let until = keys.successions().next().unwrap().until;
    assert!(shown.size > until, "{shown:?} {until}");
    let by_key = WitnessKey::parse(&witness.key).unwrap();
    assert!(by_key.open_note(keys.name(), &shown, &note).is_ok());
    collector.stop();
    let witness = witness.option();
    let (code, said) = run(&["verify", "--store", store, "--witness", &witness]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("cosigned by: a.example"), "{said}");
}
