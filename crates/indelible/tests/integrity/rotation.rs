//! A log that gets a new key: beside agents and auditors, and killed in the middle.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use indelible_log::{Kind, SigningKey, VerifierKey};

use crate::collector::{Collector, ORIGIN, PROGRAM, copy, run, wait_for};
use crate::gaps;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn key(path: &Path) -> VerifierKey {
    VerifierKey::parse(fs::read_to_string(path).unwrap().trim_end()).unwrap()
}

#[test]
fn agents_and_auditors_follow_a_new_key() {
    let heads = tempfile::tempdir().unwrap();
    let mut collector = Collector::start(&["--heads", text(heads.path())]);
    let store = collector.store();
    let mut agent = gaps::agent(&collector);
    let mut input = agent.stdin.take().unwrap();
    let mut sent = 0;
    let mut send = |collector: &Collector| {
        for _ in 0..20 {
            let stamp = format!("audit(1700000000.000:{sent})");
            writeln!(
                input,
                "type=USER_LOGIN msg={stamp}: pid=1 uid=0 res=success"
            )
            .unwrap();
            sent += 1;
        }
        input.flush().unwrap();
        wait_for("what the agent sent", || {
            let found = run(&[
                "search",
                "--store",
                text(&collector.store()),
                "-m",
                "USER_LOGIN",
                "--count",
            ]);
            found.1.trim() == sent.to_string()
        });
    };
    send(&collector);
    let [old_key, old_private] = ["log.vkey", "key"].map(|name| {
        let kept = collector.folder().join(format!("old-{name}"));
        fs::copy(store.join(name), &kept).unwrap();
        kept
    });
    let (mark, token, url) = (
        collector.folder().join("mark"),
        collector.token_file(),
        collector.url(),
    );
    let over_http = [
        "verify",
        "--collector",
        &url,
        "--key",
        text(&old_key),
        "--token-file",
        text(&token),
        "--mark",
        text(&mark),
    ];
    assert!(run(&over_http).0 < 2);
    let before = collector.folder().join("before");
    copy(&store, &before);

    let (code, said) = run(&[
        "rotate-key",
        "--store",
        text(&store),
        "--reason",
        "it is time",
    ]);
    assert_eq!(code, 0, "{said}");
    let newest = key(&store.join("log.vkey"));
    assert!(said.contains(&newest.to_string()), "{said}");
    let declared = collector.payloads(Kind::Operator);
    assert_eq!(declared[0]["action"], "rotate-key", "{declared:?}");
    assert_eq!(declared[0]["key"], newest.to_string());
    // The agent that is connected goes on, and one that comes again.
    send(&collector);
    assert_eq!(key(&collector.pki().join("log.vkey")), newest);
    let (code, said) = run(&over_http);
    assert!(code < 2, "{said}");
    let head = heads.path().join(ORIGIN.replace('/', "_"));
    wait_for("a head", || {
        fs::read_to_string(&head).is_ok_and(|note| newest.open_note(&note).is_ok())
    });
    collector.stop();
    for more in [&[][..], &["--mark", text(&mark)], &["--known", text(&head)]] {
        let words = [
            &["verify", "--store", text(&store), "--key", text(&old_key)],
            more,
        ]
        .concat();
        let (code, said) = run(&words);
        assert!(code < 2, "{more:?}: {said}");
    }
    collector.run();
    send(&collector);
    let kept = collector.folder().join("spool/worker/log.vkey");
    assert_eq!(key(&kept), newest);

    // What the stolen old key signs is found, and a store from before the rotation is refused.
    collector.stop();
    let old = SigningKey::parse(fs::read_to_string(&old_private).unwrap().trim_end()).unwrap();
    let good = fs::read_to_string(store.join("checkpoint")).unwrap();
    let size = good.lines().nth(1).unwrap().parse().unwrap();
    let root = newest.open_note(&good).unwrap().root;
    let forged = old.sign(size, root).to_note(old.verifier());
    fs::write(store.join("checkpoint"), forged).unwrap();
    let (code, said) = run(&["verify", "--store", text(&store)]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("not signed"), "{said}");
    assert!(collector.refuses().contains("not signed"));
    fs::remove_dir_all(&store).unwrap();
    copy(&before, &store);
    let said = collector.refuses();
    assert!(said.contains("older than the log's key"), "{said}");
    let _ = agent.kill();
    let _ = agent.wait();
}

#[test]
fn a_rotation_that_is_killed_leaves_one_key_or_the_other() {
    killed("rotate-key");
}

#[test]
fn a_restart_that_is_killed_leaves_one_key_or_the_other() {
    killed("restart-log");
}

fn killed(command: &str) {
    let mut collector = Collector::start(&[]);
    collector.grow(30);
    collector.stop();
    let store = collector.store();
    let first = collector.folder().join("first");
    fs::copy(store.join("log.vkey"), &first).unwrap();
    let words = [command, "--store", text(&store), "--reason", "killed"];
    let verify = ["verify", "--store", text(&store), "--key", text(&first)];
    for delay_ms in [0, 4, 8, 12, 16, 20, 25, 30, 40] {
        let mut child = Command::new(PROGRAM)
            .args(words)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(delay_ms));
        let _ = child.kill();
        child.wait().unwrap();
        let (code, said) = run(&verify);
        assert!(code < 2, "killed after {delay_ms} ms: {said}");
    }
    let (code, said) = run(&words);
    assert_eq!(code, 0, "{said}");
    let keys = key(&store.join("log.vkey"));
    assert!(keys.successions().next().is_some());
    assert_eq!(keys.name(), ORIGIN);
    collector.run();
    collector.grow(5);
    collector.stop();
    let (code, said) = run(&verify);
    assert!(code < 2, "{said}");
    assert!(!store.join("key.next").exists());
}
