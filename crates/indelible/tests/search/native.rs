//! `indelible search`: what it has beside ausearch's options, and its own exit codes.

use std::fs;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::cases::folder;

fn search(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_indelible"))
        .arg("search")
        .args(words)
        .arg("-if")
        .arg(folder().join("options.log"))
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

fn text(words: &[&str]) -> String {
    let output = search(words);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{words:?}: {said}");
    String::from_utf8(output.stdout).expect("text")
}

/// Serials of the events in NDJSON.
fn serials(words: &[&str]) -> Vec<u64> {
    let all = [words, &["--format", "ndjson"]].concat();
    let serial = |line: &str| {
        serde_json::from_str::<Value>(line).unwrap()["serial"]
            .as_u64()
            .unwrap()
    };
    text(&all).lines().map(serial).collect()
}

#[test]
fn order_and_number() {
    assert_eq!(serials(&["-k", "net"]), [115, 116, 117]);
    assert_eq!(serials(&["-k", "net", "--reverse"]), [117, 116, 115]);
    assert_eq!(serials(&["-k", "net", "--limit", "2"]), [115, 116]);
    assert_eq!(serials(&["-k", "net", "--reverse", "--limit", "1"]), [117]);
    assert_eq!(text(&["-k", "net", "--count"]), "3\n");
    assert_eq!(text(&["-k", "net", "--count", "--limit", "2"]), "2\n");
}

#[test]
fn times_and_conditions() {
    assert_eq!(
        serials(&[
            "--since",
            "2023-11-14T22:18:00Z",
            "--until",
            "2023-11-14 22:18:10"
        ]),
        [156, 158]
    );
    assert_eq!(serials(&["-ts", "11/14/2023", "22:18:15"]), [159]);
    assert_eq!(
        serials(&[
            "--where",
            r#"exe ~ "/usr/bin/*" and not success and syscall == connect"#
        ]),
        [115]
    );
    assert_eq!(
        serials(&["--where", "auid >= 1000", "-m", "SECCOMP"]),
        [152]
    );
    // A name that only the log's host knew.
    assert_eq!(serials(&["-ul", "alice"]), [159]);
}

#[test]
fn exit_codes() {
    for (words, code) in [
        (&["-k", "nothing"][..], 1),
        (&["--count", "-k", "nothing"], 1),
        (&["-sc", "nothing"], 2),
        (&["--where", "exe ~"], 2),
        (&["--since", "soon"], 2),
        (&["--no-such-option"], 2),
        (&["-p", "42x"], 2),
    ] {
        let output = search(words);
        assert_eq!(output.status.code(), Some(code), "{words:?}");
        assert_eq!(
            output.stderr.is_empty(),
            words.contains(&"--count"),
            "{words:?}"
        );
    }
}

#[test]
fn json_is_as_its_schema_says() {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schemas/event.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(schema).unwrap()).unwrap();
    let array: Value = serde_json::from_str(&text(&["--format", "json"])).unwrap();
    let events = array.as_array().unwrap();
    let lines = text(&["--format", "ndjson"]);
    let each: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events, &each);
    assert!(events.len() > 50);
    for event in events {
        check(event, &schema);
        for record in event["records"].as_array().unwrap() {
            check(record, &schema["properties"]["records"]["items"]);
        }
    }
    let nothing = search(&["--format", "json", "-k", "nothing"]);
    assert_eq!(nothing.stdout, b"[]\n");
}

/// Members that must be there are, and there are no others.
fn check(object: &Value, schema: &Value) {
    let members = object.as_object().unwrap();
    for name in schema["required"].as_array().unwrap() {
        assert!(
            members.contains_key(name.as_str().unwrap()),
            "{name} in {object}"
        );
    }
    for name in members.keys() {
        assert!(
            schema["properties"].get(name).is_some(),
            "{name} of {object}"
        );
    }
}

#[test]
fn the_tree_of_processes() {
    let tree = text(&["--tree", "-p", "4243"]);
    assert!(tree.starts_with("session 3"), "{tree}");
    assert!(tree.contains("\n  4243 cat, 1 event\n"), "{tree}");
    let whole = text(&["--tree"]);
    assert!(whole.contains("\n  4242 ls -l /tmp/a b, "), "{whole}");
    assert!(whole.contains("\nwithout session\n"), "{whole}");
}

/// Bytes that an attacker chose: control characters of names stand there as text.
#[test]
fn no_form_for_people_holds_control_characters() {
    let log = tempfile::NamedTempFile::new().unwrap();
    let name = "2F746D702F1B5D303B7469746C6507C29B316D";
    let line = |rest: &str| format!("type={rest}\n");
    fs::write(
        log.path(),
        line("SYSCALL msg=audit(1700000000.001:1): arch=c000003e syscall=87 success=yes exit=0 items=1 \
              ppid=1 pid=2 auid=0 uid=0 comm=\"rm\" exe=\"/bin/rm\" key=6B1B5B31")
            + &line(&format!("PATH msg=audit(1700000000.001:1): item=0 name={name} inode=1 nametype=DELETE"))
            + &line("CWD msg=audit(1700000000.001:1): cwd=\"/a\u{1b}[2J\"")
            + &line("USER_LOGIN msg=audit(1700000001.001:2): pid=1 uid=0 auid=0 ses=1 \
                     msg='op=login acct=1B5B41 exe=\"/x\u{1b}c\" hostname=h\u{7} addr=? terminal=t res=failed'"),
    )
    .unwrap();
    for form in ["default", "interpret", "csv", "text", "json"] {
        for name in ["ausearch", "indelible"] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_indelible"));
            std::os::unix::process::CommandExt::arg0(&mut command, name);
            if name == "indelible" {
                command.arg("search");
            }
            let output = command
                .args(["--format", form, "-if"])
                .arg(log.path())
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let is_control = |byte: &u8| *byte < b' ' && *byte != b'\n';
            let found = output.stdout.iter().any(is_control);
            assert!(!found && !output.stdout.is_empty(), "{name} {form}");
        }
    }
}
