//! `indelible search`: what it has beside ausearch's options, and its own exit codes.

use std::fs;
use std::path::Path;
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

/// The link passes over damaged lines as ausearch does, unless it is asked; ours tells of each kind
/// once, with the place of the first.
#[test]
fn damaged_lines_are_told_once() {
    let log = tempfile::NamedTempFile::new().unwrap();
    let sound = "type=CWD msg=audit(1700000000.001:1): cwd=\"/\"\n";
    fs::write(
        log.path(),
        format!("{sound}rubbish\nmore\n{sound}").as_bytes(),
    )
    .unwrap();
    let at = sound.len();
    let damage = format!(
        "{}: line 2, offset {at}: no audit record (and 1 more such lines)\n",
        log.path().display()
    );
    let read = "needles: none, every event was parsed\n\
                read 4 lines, 105 bytes, in 1 piece; 1 with a needle\n\
                put together 1 event, of which 1 matched\n";
    for (name, words, expect) in [
        ("ausearch", &[][..], String::new()),
        ("ausearch", &["--debug"], damage.clone()),
        ("indelible", &["search"], damage.clone()),
        ("indelible", &["search", "--debug"], damage + read),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_indelible"));
        std::os::unix::process::CommandExt::arg0(&mut command, name);
        command.args(words).arg("-if").arg(log.path());
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{name} {words:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, expect, "{name} {words:?}");
    }
}

/// A checkpoint notes the last event that was looked at: where not all of it is shown, or not now,
/// it would skip events.
#[test]
fn a_checkpoint_goes_with_the_whole_answer_only() {
    for words in [
        &["--reverse"][..],
        &["--count"],
        &["--tree"],
        &["--follow"],
        &["--limit", "3"],
        &["--store", "/nowhere"],
    ] {
        let output = search(&[&["--checkpoint", "/nowhere/file"], words].concat());
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        let expect = format!("'--checkpoint <FILE>' cannot be used with '{}", words[0]);
        assert!(said.contains(&expect), "{said}");
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

/// A log with bytes that an attacker chose, in every place where there is room for them.
fn hostile_log() -> tempfile::NamedTempFile {
    let log = tempfile::NamedTempFile::new().unwrap();
    let name = "2F746D702F1B5D303B7469746C6507C29B316D9B316D";
    let text = [
        &b"type=SYSCALL msg=audit(1700000000.001:1): arch=c000003e syscall=87 success=yes exit=0 \
           items=1 ppid=1 pid=2 auid=0 uid=0 ses=3 comm=\"r\x1b[0m\" exe=\"/bin/\xc2\x9b1m\" key=6B1B5B31\n"[..],
        b"type=PATH msg=audit(1700000000.001:1): item=0 name=",
        name.as_bytes(),
        b" inode=1 nametype=DELETE\ntype=CWD msg=audit(1700000000.001:1): cwd=\"/a\x1b[2J\x9b2J\"\n\
          type=EXECVE msg=audit(1700000000.001:1): argc=2 a0=\"x\x1b[1m\" a1=6A1B5B326D\n\
          type=USER_LOGIN msg=audit(1700000001.001:2): pid=1 uid=0 auid=0 ses=1 msg='op=login \
          acct=1B5B41 exe=\"/x\x1bc\" hostname=h\x07 addr=? terminal=t\xc2\x9b1m res=failed'\n",
    ];
    fs::write(log.path(), text.concat()).unwrap();
    log
}

/// Whether a terminal could take some of the bytes for a command: C0 but for line ends, DEL, and C1
/// as characters or as bytes.
fn steers_a_terminal(text: &[u8]) -> bool {
    text.utf8_chunks().any(|chunk| {
        let is_command = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        chunk.valid().chars().any(is_command) || !chunk.invalid().is_empty()
    })
}

/// A pseudo-terminal as standard output: no form lets control bytes through, not even raw.
#[test]
fn no_form_steers_a_terminal() {
    let program = Path::new("/usr/bin/script");
    if !program.exists() {
        eprintln!("skipped: script is not installed");
        return;
    }
    let log = hostile_log();
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("ausearch");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_indelible"), &link).unwrap();
    let ours = format!("{} search", env!("CARGO_BIN_EXE_indelible"));
    let forms = [
        "raw",
        "default",
        "interpret",
        "csv",
        "text",
        "json",
        "ndjson",
    ];
    let forms = forms.map(|form| format!("--format {form}"));
    let more = ["--format default --escape raw", "--tree", "--reverse -r"];
    for words in forms.iter().map(String::as_str).chain(more) {
        for program_words in [&ours, link.to_str().unwrap()] {
            let words = format!("{program_words} {words} -if {}", log.path().display());
            let output = Command::new(program)
                .args(["-qec", &words, "/dev/null"])
                .env("SHELL", "/bin/sh")
                .env("LC_ALL", "C.UTF-8")
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert_eq!(output.status.code(), Some(0), "{words}: {text}");
            assert!(text.lines().count() >= 1, "{words}");
            assert!(!steers_a_terminal(&output.stdout), "{words}: {text:?}");
        }
    }
}

/// Without a terminal: control characters of names stand there as text in every form for people.
#[test]
fn no_form_for_people_holds_control_characters() {
    let log = hostile_log();
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
