//! Forms that aureport does not have.

use std::process::Command;

use crate::cases::path;

pub(crate) fn run(words: &[&str]) -> (String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_indelible"))
        .arg("report")
        .args(words)
        .env("TZ", "UTC")
        .output()
        .expect("a program that starts");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    (text, output.status.code())
}

fn input(name: &str) -> String {
    format!("--input={}", path(name).display())
}

/// Rows as JSON are the rows of text: as many, and with the same serials.
#[test]
fn json_and_csv_have_the_rows_of_the_text() {
    for (word, log) in [
        ("files", "files"),
        ("login", "logins"),
        ("avc", "mac"),
        ("tty", "anomalies"),
    ] {
        let (text, code) = run(&[word, &input(log)]);
        assert_eq!(code, Some(0), "{word}");
        let rows = text
            .lines()
            .filter(|line| line.contains(". 11/14/23 "))
            .count();
        let (json, _) = run(&[word, "--format=json", &input(log)]);
        let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(json["report"], word);
        assert_eq!(json["rows"].as_array().expect("rows").len(), rows, "{word}");
        assert!(json["rows"][0]["event"].is_u64(), "{word}");
        let (csv, _) = run(&[word, "--format=csv", &input(log)]);
        assert_eq!(csv.lines().count(), rows + 1, "{word}");
        assert!(csv.starts_with("time,"), "{word}");
    }
}

/// What was typed is shown without its secrets, but for who asks for them, and through the link.
#[test]
fn secrets_that_were_typed_are_masked() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("audit.log");
    let typed = |text: &str| -> String { text.bytes().map(|byte| format!("{byte:02X}")).collect() };
    let tty = format!(
        "type=TTY msg=audit(1700000000.001:7): tty pid=5 uid=0 auid=1000 ses=2 major=136 minor=0 comm=\"bash\" data={}\n",
        typed("mysql -u root -psesame shop\r")
    );
    let program = format!(
        "type=USER_TTY msg=audit(1700000000.002:8): pid=5 uid=0 auid=1000 ses=2 data={}\n",
        typed("curl --user me:sesame https://h/")
    );
    std::fs::write(&log, tty + &program).expect("written");
    let input = format!("--input={}", log.display());
    for form in ["text", "json", "csv"] {
        let form = format!("--format={form}");
        let (masked, code) = run(&["tty", &form, &input]);
        assert_eq!(code, Some(0));
        assert!(!masked.contains("sesame"), "{masked}");
        assert!(masked.contains("mysql -u root -p**** shop"), "{masked}");
        assert!(masked.contains("me:****"), "{masked}");
        let (shown, _) = run(&["tty", "--unmasked", &form, &input]);
        assert_eq!(shown.matches("sesame").count(), 2, "{shown}");
        let (more, _) = run(&["tty", "--mask=sh(op)", &form, &input]);
        assert!(more.contains("-p**** sh****"), "{more}");
    }
    // A line of an event that cannot be read is no way around it.
    std::fs::write(
        &log,
        b"type=TTY msg=audit(1700000000.001:7): tty pid=5 uid=0 data=\"--password=sesame\"\n",
    )
    .expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_indelible"))
        .args(["report", "tty", "--debug", &input])
        .output()
        .expect("a program that starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("Malformed event") && !said.contains("sesame"),
        "{said}"
    );
    let link = folder.path().join("aureport");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_indelible"), &link).expect("linked");
    std::fs::write(&log, format!("type=TTY msg=audit(1700000000.001:7): tty pid=5 uid=0 auid=1000 ses=2 major=136 minor=0 comm=\"bash\" data={}\n", typed("x --token=sesame")))
        .expect("written");
    let output = Command::new(&link)
        .args(["--tty", "-if"])
        .arg(&log)
        .output();
    let shown =
        String::from_utf8_lossy(&output.expect("a program that starts").stdout).into_owned();
    assert!(shown.contains("--token=sesame"), "{shown}");
}

#[test]
fn summaries_and_totals_as_json() {
    let (json, _) = run(&["files", "--summary", "--format=json", &input("files")]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let totals: Vec<u64> = json["summary"]
        .as_array()
        .expect("an array")
        .iter()
        .map(|entry| entry["total"].as_u64().expect("a number"))
        .collect();
    assert!(totals.windows(2).all(|pair| pair[0] >= pair[1]) && totals.len() > 5);
    assert_eq!(json["cut"], 0);
    let (json, _) = run(&["--format=json", &input("logins")]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["counts"]["logins"], 3);
    assert_eq!(json["counts"]["failed_logins"], 6);
    let (csv, _) = run(&["totals", "--format=csv", &input("logins")]);
    assert!(csv.starts_with("name,count\r\n") && csv.contains("\r\nlogins,3\r\n"));
}

#[test]
fn both_spellings_are_one_report() {
    for (ours, theirs) in [
        ("files", "-f"),
        ("hosts", "-h"),
        ("keys", "-k"),
        ("mac", "-ma"),
    ] {
        let long = run(&[ours, "--summary", &input("files")]);
        let short = run(&[
            theirs,
            "--summary",
            "-if",
            path("files").to_str().expect("UTF-8"),
        ]);
        assert_eq!(long, short, "{ours}");
    }
    assert_eq!(run(&["nonsense", &input("files")]).1, Some(2));
}

#[test]
fn keys_and_types_over_time() {
    let words = ["keys", "--rate", "--interval=10s", "--format=json"];
    let (json, code) = run(&[&words[..], &[&input("files")]].concat());
    assert_eq!(code, Some(0));
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let rows = json["rows"].as_array().expect("rows");
    let events = |name: &str| -> u64 {
        let of = rows.iter().filter(|row| row["key"] == name);
        of.map(|row| row["events"].as_u64().expect("a number"))
            .sum()
    };
    // The summary of keys counts the same events.
    let (summary, _) = run(&["keys", "--summary", &input("files")]);
    let total = |name: &str| {
        let ending = format!("  {name}");
        let line = summary.lines().find(|line| line.ends_with(&ending));
        line.expect("a line")
            .split(' ')
            .next()
            .expect("a word")
            .parse::<u64>()
    };
    assert_eq!(Ok(events("watch")), total("watch"));
    assert_eq!(Ok(events("exec")), total("exec"));
    assert!(rows.iter().all(|row| row["bytes"].as_u64() > Some(100)));
    let (text, _) = run(&["timeline", "--interval=1m", &input("logins")]);
    assert!(text.contains(" 22:13:00 USER_LOGIN "), "{text}");
    assert_eq!(run(&["files", "--rate", &input("files")]).1, Some(2));
    assert_eq!(
        run(&["timeline", "--interval=0", &input("files")]).1,
        Some(2)
    );
}
