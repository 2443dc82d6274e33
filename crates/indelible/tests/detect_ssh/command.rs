//! The command: forms of output, sources, exit codes.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Runs `indelible detect ssh`; its output.
pub(crate) fn detect(paths: &[&Path], options: &[&str]) -> String {
    let output = run(paths, options);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}

fn run(paths: &[&Path], options: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_indelible"))
        .args(["detect", "ssh"])
        .args(paths)
        .args(options)
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .output()
        .expect("it starts")
}

fn json(paths: &[&Path], options: &[&str]) -> Value {
    serde_json::from_str(&detect(paths, &[options, &["--format", "json"]].concat())).expect("JSON")
}

/// Lines of one attack: `count` failures of `address` from 10:00:00 on.
fn attack(address: &str, count: u32) -> String {
    (0..count)
        .map(|number| {
            format!(
                "2026-11-25T10:00:{number:02}.000000+00:00 web1 sshd[{}]: Failed password for invalid user u{} from {address} port 5{number:02} ssh2\n",
                700 + number,
                number % 2,
            )
        })
        .collect()
}

#[test]
fn the_first_table_has_the_shape_of_the_one_liner() {
    let scratch = tempfile::tempdir().expect("a folder");
    let log = scratch.path().join("auth.log");
    fs::write(&log, attack("192.0.2.1", 3) + &attack("192.0.2.2", 12)).expect("a file");
    let text = detect(&[&log], &[]);
    let first: Vec<&str> = text.lines().take(3).collect();
    assert_eq!(first, ["     12 192.0.2.2", "      3 192.0.2.1", ""]);
    assert!(
        text.contains("15 lines of sshd, 0 not understood"),
        "{text}"
    );
    let csv = detect(&[&log], &["--format", "csv"]);
    assert_eq!(
        csv.lines().nth(1),
        Some(
            "192.0.2.2,192.0.2.0/24,12,12,12,0,0,2,2026-11-25T10:00:00Z,2026-11-25T10:00:11Z,65.454,brute"
        )
    );
    let top = json(&[&log], &["--top", "1"]);
    assert_eq!(top["sources"].as_array().map(Vec::len), Some(1));
    let window = json(
        &[&log],
        &[
            "--since",
            "2026-11-25T10:00:10Z",
            "--until",
            "2026-11-25T10:00:10Z",
        ],
    );
    assert_eq!(window["total"]["failures"], 1);
}

#[test]
fn json_is_what_the_schema_says() {
    let scratch = tempfile::tempdir().expect("a folder");
    let log = scratch.path().join("auth.log");
    let odd = "2026-11-25T10:00:30Z web1 sshd[9]: Failed password for invalid user \\033[2J\\377 from 192.0.2.2 port 9 ssh2\n";
    let unknown = "2026-11-25T10:00:31Z web1 sshd[9]: what is this 123\n";
    let login = "2026-11-25T10:00:40Z web1 sshd[10]: Accepted publickey for root from 192.0.2.2 port 10 ssh2: ED25519 SHA256:abc\n";
    fs::write(&log, attack("192.0.2.2", 12) + odd + unknown + login).expect("a file");
    let report = json(&[&log], &[]);
    let schema = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/schemas/detect-ssh.json"
    );
    let schema: Value = serde_json::from_slice(&fs::read(schema).expect("a schema")).expect("JSON");
    let same = |schema: &Value, value: &Value| {
        let known: Vec<&String> = schema["properties"]
            .as_object()
            .expect("properties")
            .keys()
            .collect();
        let mut found: Vec<&String> = value.as_object().expect("an object").keys().collect();
        found.sort();
        let mut known = known;
        known.sort();
        assert_eq!(found, known);
    };
    let properties = &schema["properties"];
    same(&schema, &report);
    same(&properties["sources"]["items"], &report["sources"][0]);
    same(&properties["lines"], &report["lines"]);
    assert_eq!(report["sources"][0]["users"][2]["name"], "\u{1b}[2J\\377");
    assert_eq!(
        report["lines"]["not_understood_shapes"][0]["shape"],
        "what is this ###"
    );
    assert_eq!(report["findings"][0]["kind"], "compromised");
    assert_eq!(report["findings"][0]["key"], "ED25519 SHA256:abc");
    assert_eq!(
        report["findings"][0]["lines"][0],
        format!("{}:15", log.display())
    );
    // A table shows such names without what a terminal would obey.
    let table = detect(&[&log], &[]);
    assert!(
        table.contains("\\033[2J\\377") && !table.contains('\u{1b}'),
        "{table}"
    );
}

#[test]
fn exit_codes() {
    let scratch = tempfile::tempdir().expect("a folder");
    let log = scratch.path().join("auth.log");
    fs::write(&log, attack("192.0.2.2", 12)).expect("a file");
    let code = |options: &[&str]| run(&[&log], options).status.code();
    assert_eq!(code(&[]), Some(0));
    assert_eq!(code(&["--fail-on", "brute"]), Some(1));
    assert_eq!(code(&["--fail-on", "any"]), Some(1));
    assert_eq!(code(&["--fail-on", "spray,compromised"]), Some(0));
    assert_eq!(code(&["--brute", "13", "--fail-on", "brute"]), Some(0));
    assert_eq!(
        run(&[Path::new("/nonexistent")], &[]).status.code(),
        Some(2)
    );
}

#[test]
fn rotated_files_standard_input_the_journal_and_audit_logs() {
    let scratch = tempfile::tempdir().expect("a folder");
    let path = |name: &str| scratch.path().join(name);
    // Two halves of one log: one connection goes on from the older into the newer.
    let whole = attack("192.0.2.2", 12);
    let half = whole.len() / 2;
    let half = half + whole[half..].find('\n').expect("a line") + 1;
    fs::write(path("auth.log.1"), &whole[..half]).expect("a file");
    fs::write(path("auth.log"), &whole[half..]).expect("a file");
    fs::write(path("lastlog"), [0; 64]).expect("a file");
    let folder = json(&[scratch.path()], &[]);
    assert_eq!(folder["total"]["failures"], 12);
    assert_eq!(
        folder["sources"][0]["first_line"],
        format!("{}:1", path("auth.log.1").display())
    );

    // The older half packed: its name and its bytes say with what.
    for (program, ending) in [("gzip", "gz"), ("xz", "xz"), ("zstd", "zst")] {
        if !Path::new("/usr/bin").join(program).exists() {
            eprintln!("skipped: no {program}");
            continue;
        }
        let packed = path(&format!("auth.log.2.{ending}"));
        let options = ["-c", "-k", "-q"];
        let output = Command::new(program)
            .args(options)
            .arg(path("auth.log.1"))
            .output();
        fs::write(&packed, output.expect("it starts").stdout).expect("a file");
        let both = json(&[&packed, &path("auth.log")], &[]);
        assert_eq!(both["total"]["failures"], 12, "{program}");
        fs::remove_file(packed).expect("a file");
    }

    // The same tries in the journal and in the audit log: nothing is counted twice.
    let journal: String = (0..12)
        .map(|number| {
            let us = (1_795_600_800 + number) * 1_000_000u64 + 400;
            format!(
                "{{\"__REALTIME_TIMESTAMP\":\"{us}\",\"_HOSTNAME\":\"web1\",\"SYSLOG_IDENTIFIER\":\"sshd\",\"_COMM\":\"sshd\",\"_PID\":\"{}\",\"MESSAGE\":\"Failed password for invalid user u{} from 192.0.2.2 port 5{number:02} ssh2\"}}\n",
                700 + number,
                number % 2,
            )
        })
        .collect();
    fs::write(path("journal.json"), journal).expect("a file");
    let audit: String = (0..13)
        .map(|number| {
            format!(
                "type=USER_AUTH msg=audit({}.500:{number}): pid={} uid=0 auid=4294967295 ses=4294967295 msg='op=PAM:authentication grantors=? acct=\"u{}\" exe=\"/usr/sbin/sshd\" hostname=192.0.2.2 addr=192.0.2.2 terminal=ssh res=failed'\n",
                1_795_600_800 + number,
                // The last one is of a connection whose messages are lost.
                700 + number % 12,
                number % 2,
            )
        })
        .collect();
    fs::write(path("audit.log"), audit).expect("a file");
    let all = json(
        &[
            &path("auth.log"),
            &path("auth.log.1"),
            &path("journal.json"),
            &path("audit.log"),
        ],
        &[],
    );
    assert_eq!(all["total"]["failures"], 13, "{all}");
    assert_eq!(all["total"]["connections"], 12, "{all}");
    assert_eq!(all["lines"]["duplicates"], 12);
    assert_eq!(all["lines"]["audit"], 13);

    let mut child = Command::new(env!("CARGO_BIN_EXE_indelible"))
        .args(["detect", "ssh", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(whole.as_bytes())
        .expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let piped: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(piped["sources"][0]["failures"], 12);
}

#[test]
fn a_log_of_bare_messages_is_read_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("sshd.log");
    let lines = "Server listening on 127.0.0.1 port 2222.\r\n\
        Invalid user admin from 127.0.0.2 port 50001\r\n\
        Failed password for invalid user admin from 127.0.0.2 port 50001 ssh2\r\n\
        Failed password for root from 127.0.0.3 port 50002 ssh2\r\n\
        Failed password for invalid user x from 8.8.8.8 port 22 ssh2 from 127.0.0.2 port 50003 ssh2\r\n\
        Accepted password for root from 127.0.0.3 port 50002 ssh2\r\n";
    fs::write(&log, lines).unwrap();
    let output = run(&[&log], &["--format", "json"]);
    let warning = String::from_utf8_lossy(&output.stderr);
    assert!(warning.contains("sshd -E"), "{warning}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let failures: Vec<(&str, u64)> = report["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| {
            let address = source["address"].as_str().unwrap();
            (address, source["failures"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(failures, [("127.0.0.2", 2), ("127.0.0.3", 1)]);
    assert_eq!(report["lines"]["not_understood"], 0);
}
