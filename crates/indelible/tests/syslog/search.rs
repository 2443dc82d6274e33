//! What the receivers stored is found by `indelible search --store`.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::collector::Collector;

const OVER_TCP: [&str; 3] = [
    "<34>Oct 11 22:14:15 web1 su[230]: 'su root' failed",
    "<86>1 2026-01-02T03:04:05Z web2 sshd 77 - - Failed password for root",
    "<13>no header, \x1b]0;title\x07",
];
const OVER_UDP: &str = "<30>Oct 11 22:14:16 web3 cron[42]: two\nlines";

/// A collector that has stored the messages above.
fn filled() -> Collector {
    let collector = Collector::start();
    let mut tcp = TcpStream::connect(("127.0.0.1", collector.port("syslog-tcp"))).unwrap();
    for message in OVER_TCP {
        tcp.write_all(format!("{message}\n").as_bytes()).unwrap();
    }
    collector.wait_for_messages(3);
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.send_to(
        OVER_UDP.as_bytes(),
        ("127.0.0.1", collector.port("syslog-udp")),
    )
    .unwrap();
    collector.wait_for_messages(4);
    collector
}

fn command(name: &str, collector: &Collector, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_indelible"));
    command.arg0(name);
    if name == "indelible" {
        command.arg("search");
    }
    command
        .arg("--store")
        .arg(collector.store())
        .args(words)
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .stdin(Stdio::null());
    command
}

fn search(collector: &Collector, words: &[&str]) -> Output {
    command("indelible", collector, words).output().unwrap()
}

fn found(collector: &Collector, words: &[&str]) -> Vec<String> {
    let output = search(collector, &[words, &["--raw"]].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "", "{words:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn messages_are_found_by_what_they_say() {
    let collector = filled();
    let udp = OVER_UDP.replace('\n', " ");
    let [su, ssh, bare] = OVER_TCP;
    assert_eq!(found(&collector, &[]), [su, ssh, bare, &udp]);
    assert_eq!(found(&collector, &["--reverse"]), [&udp, bare, ssh, su]);
    for (words, expect) in [
        (&["--text", "failed"][..], &[su][..]),
        (&["--text", "two\nlines"], &[&udp]),
        (&["-c", "sshd"], &[ssh]),
        (&["-x", "su", "-w"], &[su]),
        (&["-p", "42"], &[&udp]),
        (&["-n", "web2"], &[ssh]),
        (&["-n", "127.0.0.1", "--limit", "2"], &[su, ssh]),
        (&["--since", "1h ago", "-p", "77"], &[ssh]),
        (&["--until", "1h ago"], &[]),
        (&["-k", "failed"], &[]),
        (&["-ui", "0", "--text", "failed"], &[]),
        (&["--where", "not success"], &[]),
        (&["--text", "nobody wrote this"], &[]),
    ] {
        assert_eq!(found(&collector, words), expect, "{words:?}");
    }
    let count = search(&collector, &["--count"]).stdout;
    assert_eq!(count, b"4\n");
}

#[test]
fn messages_in_every_form() {
    let collector = filled();
    let text = |words: &[&str]| {
        let output = search(&collector, words);
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        let is_control = |byte: &u8| *byte < b' ' && *byte != b'\n';
        assert!(!output.stdout.iter().any(is_control), "{words:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let lines = text(&["--format", "ndjson"]);
    let events: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schemas/event.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    for event in &events {
        has_members(event, &schema);
        let record = &event["records"][0];
        has_members(record, &schema["properties"]["records"]["items"]);
        assert_eq!(record["type"], "SYSLOG");
        assert_eq!(
            (&event["serial"], &event["node"], &event["complete"]),
            (&Value::Null, &"127.0.0.1".into(), &true.into())
        );
    }
    let su = &events[0]["records"][0];
    assert_eq!(su["raw"], OVER_TCP[0]);
    assert_eq!(
        su["fields"],
        serde_json::json!({"source": "syslog-tcp", "time": "Oct 11 22:14:15", "host": "web1",
            "app": "su", "pid": "230", "facility": "4", "severity": "2",
            "message": "'su root' failed"})
    );
    assert_eq!(
        su["interpreted"],
        serde_json::json!({"facility": "auth", "severity": "crit"})
    );
    let udp = &events[3]["records"][0];
    assert_eq!(udp["raw"], OVER_UDP);
    assert!(
        udp["fields"]["address"]
            .as_str()
            .unwrap()
            .starts_with("127.0.0.1:")
    );
    let array: Vec<Value> = serde_json::from_str(&text(&["--format", "json"])).unwrap();
    assert_eq!(array, events);

    let shown = text(&["-p", "42"]);
    assert!(shown.starts_with("----\ntime->"), "{shown}");
    let expect = format!(
        "\nnode=127.0.0.1 type=SYSLOG from=syslog-udp: {}\n",
        OVER_UDP.replace('\n', "\\012")
    );
    assert!(shown.ends_with(&expect), "{shown}");
    let shown = text(&["-p", "230", "-i"]);
    let expect = "\nnode=127.0.0.1 type=SYSLOG facility=auth severity=crit host=web1 app=su pid=230: \
                  'su root' failed\n";
    assert!(shown.ends_with(expect), "{shown}");
    let shown = text(&["-p", "77", "--format", "text"]);
    assert!(shown.starts_with("On 127.0.0.1 at "), "{shown}");
    let expect = " sshd[77] wrote: Failed password for root\n";
    assert!(shown.ends_with(expect), "{shown}");
    let shown = text(&["--text", "header", "--format", "csv"]);
    let (header, row) = shown.split_once('\n').unwrap();
    assert_eq!(header.matches(',').count(), 15, "{header}");
    assert!(row.starts_with("127.0.0.1,SYSLOG,"), "{row}");
    let expect = r#",,message,,,,,wrote,,"no header, \033]0;title\007",,,syslog-tcp"#;
    assert!(row.trim_end().ends_with(expect), "{row}");
}

/// A script that calls ausearch gets audit events alone, unless it asks for text.
#[test]
fn the_link_gives_messages_to_those_who_ask() {
    let collector = filled();
    let run = |words: &[&str]| command("ausearch", &collector, words).output().unwrap();
    let output = run(&["-i"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stderr, b"<no matches>\n");
    let output = run(&["--text", "failed", "-r"]);
    assert_eq!(output.stdout, format!("{}\n", OVER_TCP[0]).as_bytes());
}

#[test]
fn messages_are_followed() {
    let collector = filled();
    let words = ["--follow", "--text", "news", "--raw", "--limit", "2"];
    let mut child = command("indelible", &collector, &words)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let to = ("127.0.0.1", collector.port("syslog-udp"));
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    // Sent again until it is shown: the search may not have begun to look.
    let (shown, is_shown) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        for _ in 0..2 {
            let _ = shown.send(lines.next());
        }
    });
    let mut first = None;
    for number in 0..600 {
        udp.send_to(format!("<13>news {number}").as_bytes(), to)
            .unwrap();
        if let Ok(line) = is_shown.recv_timeout(std::time::Duration::from_millis(50)) {
            first = Some(line);
            break;
        }
    }
    let first = first.expect("within 30 s").unwrap().unwrap();
    assert!(first.starts_with("<13>news "), "{first}");
    udp.send_to(b"<13>news at last", to).unwrap();
    reader.join().unwrap();
    assert!(child.wait().unwrap().success());
}

fn has_members(object: &Value, schema: &Value) {
    let members = object.as_object().unwrap();
    for name in schema["required"].as_array().unwrap() {
        assert!(members.contains_key(name.as_str().unwrap()), "{name}");
    }
    for name in members.keys() {
        assert!(schema["properties"].get(name).is_some(), "{name}");
    }
}
