//! Rules on the real kernel: loads that are refused, stopped and killed, and the links beside the
//! tools that they replace.
//!
//! Auditing is switched on by the one test that measures it, and no rule reaches beyond a scratch
//! folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use indelible_sys::audit::{Control, StatusChange};
use indelible_testkit::{Kernel, schema};
use rustix::process::{Pid, Signal, kill_process};

const INDELIBLE: &str = env!("CARGO_BIN_EXE_indelible");
const AUDITCTL: &str = "/sbin/auditctl";
const AUGENRULES: &str = "/sbin/augenrules";

/// The kernel's audit, and in its scratch folder the links to our program.
struct Held {
    kernel: Kernel,
}

impl Held {
    fn new(test: &str) -> Option<Self> {
        let kernel = Kernel::claim(test)?;
        symlink(INDELIBLE, kernel.path("auditctl")).expect("a link");
        symlink(INDELIBLE, kernel.path("augenrules")).expect("a link");
        Some(Self { kernel })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.kernel.path(name)
    }

    /// A file of rules; `{}` in a line stands for the scratch folder.
    fn file(&self, name: &str, lines: &[String]) -> PathBuf {
        let path = self.path(name);
        let folder = self.kernel.folder().to_str().expect("a plain path");
        fs::write(&path, lines.join("\n").replace("{}", folder) + "\n").expect("a file");
        path
    }

    /// `indelible rules ACTION --journal …`, not started.
    fn rules(&self, action: &str) -> Command {
        let mut command = Command::new(INDELIBLE);
        command.args(["rules", action, "--journal"]);
        command.arg(self.path("journal"));
        command
    }

    fn load(&self, file: &Path) -> Output {
        self.rules("load").arg(file).output().expect("it starts")
    }

    /// A load that has begun to change the kernel.
    fn begun(&self, file: &Path) -> Child {
        let mut command = self.rules("load");
        let mut child = command
            .arg(file)
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let deadline = Instant::now() + Duration::from_secs(20);
        while !self.path("journal/rules.journal").exists() {
            let ended = child.try_wait().expect("a child");
            assert!(ended.is_none(), "the load ended without a journal");
            assert!(Instant::now() < deadline, "the load does not begin");
            sleep(Duration::from_millis(1));
        }
        child
    }
}

/// Rules that differ by their key, on a file of the scratch folder.
fn many(key: &str, count: usize) -> Vec<String> {
    let rule =
        |at| format!("-a always,exit -F arch=b64 -S unlink -F path={{}}/f -F key={key}-{at}");
    (1..=count).map(rule).collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(child.id().cast_signed()).expect("a pid");
    kill_process(pid, signal).expect("a child that was not waited for");
}

#[test]
fn a_refusal_leaves_the_kernel_as_it_was() {
    let Some(held) = Held::new("a_refusal_leaves_the_kernel_as_it_was") else {
        return;
    };
    let output = held.load(&held.file("old.rules", &many("old", 8)));
    assert!(output.status.success(), "{}", stderr(&output));
    let before = held.kernel.rules();
    assert_eq!(before.len(), held.kernel.before().rules.len() + 8);

    let mut lines = many("new", 1000);
    // Rule 700: the kernel finds no such folder.
    lines[699] = "-a always,exit -F dir={}/none -F perm=r -F key=refused".to_owned();
    lines.insert(0, "-D -k old-".to_owned());
    lines.insert(0, "--backlog_wait_time 12345".to_owned());
    let output = held.load(&held.file("new.rules", &lines));
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("new.rules:702: "), "{said}");
    assert!(
        said.contains("-k refused") && said.contains("(errno 2)"),
        "{said}"
    );
    assert!(
        held.kernel.rules() == before,
        "the rules differ from those before"
    );
    assert!(!held.path("journal/rules.journal").exists());
    let wait = Control::open().and_then(|mut control| control.status());
    let wait = wait.expect("the status").backlog_wait_time;
    assert_eq!(wait, held.kernel.before().backlog_wait_time);
}

#[test]
fn after_a_kill_the_next_load_finishes_or_undoes() {
    let Some(held) = Held::new("after_a_kill_the_next_load_finishes_or_undoes") else {
        return;
    };
    let old = held.file("old.rules", &many("old", 30));
    let mut lines = many("new", 30);
    lines.insert(0, "-D -k old-".to_owned());
    let new = held.file("new.rules", &lines);
    assert!(held.load(&old).status.success());
    let before = held.kernel.rules();
    // Deleting takes the kernel milliseconds each: most kills come in time.
    let mut cut = 0;
    for delay_ms in [5, 20, 60, 120] {
        let mut child = held.begun(&new);
        sleep(Duration::from_millis(delay_ms));
        signal(&child, Signal::KILL);
        let status = child.wait().expect("a child");
        if status.signal().is_none() {
            continue;
        }
        let between = held.kernel.rules();
        cut += usize::from(between != before);
        // Another load starts from what was there before the one that was killed.
        let output = held
            .rules("load")
            .args([
                "-w",
                held.path("f").to_str().expect("a plain path"),
                "-p",
                "wa",
            ])
            .args(["-k", "third"])
            .output()
            .expect("it starts");
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(stderr(&output).contains("cut short"), "{}", stderr(&output));
        let undone = held.kernel.rules();
        assert_eq!(undone[..before.len()], before, "after {delay_ms} ms");
        assert_eq!(undone.len(), before.len() + 1);
        let deleted = held.rules("delete").args(["--key", "third"]).status();
        assert!(deleted.expect("it starts").success());
        assert!(held.kernel.rules() == before);
    }
    assert!(cut > 0, "no kill came in the middle of a load");

    // The same load again finishes what was begun.
    let mut child = held.begun(&new);
    sleep(Duration::from_millis(60));
    signal(&child, Signal::KILL);
    child.wait().expect("a child");
    let output = held.load(&new);
    assert!(output.status.success(), "{}", stderr(&output));
    let found = Command::new(INDELIBLE)
        .args(["rules", "diff"])
        .arg(&new)
        .output();
    let found = found.expect("it starts");
    let extra: Vec<_> = found
        .stdout
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(
        extra.len(),
        held.kernel.before().rules.len(),
        "only foreign rules differ"
    );
    assert_eq!(
        held.kernel.rules().len(),
        held.kernel.before().rules.len() + 30
    );
}

#[test]
fn a_signal_takes_the_load_back() {
    let Some(held) = Held::new("a_signal_takes_the_load_back") else {
        return;
    };
    assert!(
        held.load(&held.file("old.rules", &many("old", 30)))
            .status
            .success()
    );
    let before = held.kernel.rules();
    let mut lines = many("new", 30);
    lines.insert(0, "-D -k old-".to_owned());
    let child = held.begun(&held.file("new.rules", &lines));
    signal(&child, Signal::TERM);
    let output = child.wait_with_output().expect("a child");
    let said = stderr(&output);
    if output.status.success() {
        eprintln!("skipped: the load was over before the signal");
        return;
    }
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("stopped by a signal"), "{said}");
    assert!(
        held.kernel.rules() == before,
        "the rules differ from those before"
    );
}

#[test]
fn what_stands_already_is_kept() {
    let Some(held) = Held::new("what_stands_already_is_kept") else {
        return;
    };
    let output = held.load(&held.file("a.rules", &many("a", 5)));
    assert!(
        stderr(&output).contains("0 deleted, 5 added"),
        "{}",
        stderr(&output)
    );
    let mut lines = many("a", 3);
    lines.insert(0, "-D -k a-".to_owned());
    lines.insert(1, "-D -k b-".to_owned());
    lines.extend(many("b", 2));
    let output = held.load(&held.file("b.rules", &lines));
    assert!(
        stderr(&output).contains("2 deleted, 2 added"),
        "{}",
        stderr(&output)
    );
    let again = held.load(&held.path("b.rules"));
    assert!(
        stderr(&again).contains("0 deleted, 0 added"),
        "{}",
        stderr(&again)
    );
}

#[test]
fn the_cost_is_measured_and_leaves_no_rule() {
    let Some(held) = Held::new("the_cost_is_measured_and_leaves_no_rule") else {
        return;
    };
    let measure = || {
        let mut command = Command::new(INDELIBLE);
        command.args(["rules", "cost", "--measure"]);
        command.output().expect("it starts")
    };
    let mut control = Control::open().expect("the audit socket");
    if control.status().expect("the status").enabled == 0 {
        let off = measure();
        assert!(stderr(&off).contains("auditing is off"), "{off:?}");
        control
            .set(StatusChange::Enabled(1))
            .expect("auditing goes on");
    }
    let measured = measure();
    assert!(measured.status.success(), "{measured:?}");
    let text = String::from_utf8_lossy(&measured.stdout);
    assert!(
        text.contains(" ns  on every system call, 0 rules, measured"),
        "{text}"
    );
    println!("{text}");
    assert_eq!(held.kernel.rules(), held.kernel.before().rules);
}

#[test]
fn files_that_others_can_write_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    let Some(held) = Held::new("files_that_others_can_write_are_refused") else {
        return;
    };
    let file = held.file("open.rules", &many("open", 1));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("its mode");
    let output = held.load(&file);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("is world writable"),
        "{}",
        stderr(&output)
    );
    assert!(held.kernel.rules() == held.kernel.before().rules);
}

/// Exit code, standard output, standard error.
type Outcome = (Option<i32>, String, String);

/// Runs the same words through the tool and through our link, each from the same state.
fn both(held: &Held, words: &[&str]) -> [Outcome; 2] {
    [PathBuf::from(AUDITCTL), held.path("auditctl")].map(|program| {
        let output = Command::new(program)
            .args(words)
            .output()
            .expect("it starts");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr(&output),
        )
    })
}

#[test]
fn the_link_behaves_as_auditctl() {
    let Some(held) = Held::new("the_link_behaves_as_auditctl") else {
        return;
    };
    if !is_debians(AUDITCTL) {
        return;
    }
    fs::create_dir(held.path("d")).expect("a folder");
    let lines = [
        "-w {}/shadow -p wa -k shadow_watch",
        "-w {}/d -p rwxa",
        "-a always,exit -F arch=b64 -S open,openat,unlink -F dir={}/d -F auid>=1000 -F key=one",
        "-a always,exit -F arch=b32 -S open -F path={}/f -F success=0 -k one -k two",
        "-a always,exit -F arch=b64 -F path={}/f -F perm=wa -F uid=root -F key=perm",
        "-a never,exit -F dir={}/d -F exit=-EACCES -F a0&0x1f",
        "-A always,exit -F arch=b64 -S execve -C uid!=euid -F dir={}/d -F key=first",
        "-a always,exit -F arch=b64 -S openat -F dir={}/d -F a2&0100 -F key=flags",
        "-a always,exit -F arch=b64 -S kill -F dir={}/d -F a1=9 -F key=signal",
        "-a always,exit -F arch=b64 -S read -F dir={}/d -F a2>=16 -F key=number",
        "-a always,exclude -F msgtype=CWD -F exe={}/f",
    ];
    let file = held.file("mixed.rules", &lines.map(str::to_owned));
    let file = file.to_str().expect("a plain path");
    let [theirs, ours] = both(&held, &["-l"]);
    assert_eq!(ours, theirs);
    let loaded = Command::new(held.path("auditctl"))
        .args(["-R", file])
        .output();
    let loaded = loaded.expect("it starts");
    assert_eq!(loaded.status.code(), Some(0), "{}", stderr(&loaded));
    assert_eq!(
        held.kernel.rules().len(),
        held.kernel.before().rules.len() + lines.len()
    );
    let bytes = held.kernel.rules();
    let folder = held.kernel.folder().to_str().expect("a plain path");
    let (shadow, absent) = (format!("{folder}/shadow"), format!("{folder}/absent"));
    for words in [
        &["-l"][..],
        &["-l", "-i"],
        &["-l", "-k", "one"],
        &["-s"],
        &["-s", "-i"],
        &["-v"],
        &["-R", file],
        &["-R", &absent],
        &["-w", &shadow, "-p", "wa", "-k", "shadow_watch"],
        &["-W", &absent, "-p", "wa"],
        &["-w", "relative", "-p", "wa"],
        &["-a", "always,exit", "-F", "fo=1"],
        &["-D", "-k", "no such key"],
        &["-t"],
        &["-e", "3"],
        &["-m", "a message"],
        &["-x"],
    ] {
        let [theirs, ours] = both(&held, words);
        assert_eq!(steady(ours, words), steady(theirs, words), "{words:?}");
    }
    // What the tool loads from the file are the bytes that ours loaded.
    let deleted = Command::new(AUDITCTL).args(["-D", "-k", "one"]).output();
    assert!(deleted.expect("it starts").status.success());
    held.kernel.delete_new_rules();
    let loaded = Command::new(AUDITCTL)
        .args(["-R", file])
        .output()
        .expect("it starts");
    assert!(loaded.status.success(), "{}", stderr(&loaded));
    assert!(held.kernel.rules() == bytes, "the tool loads other bytes");
}

/// What must be equal. The kernel's backlog moves while both run; what the tool has to say under
/// `-R` it says to the system log, ours to whoever started it.
fn steady(outcome: Outcome, words: &[&str]) -> Outcome {
    let (code, out, err) = outcome;
    let moves =
        |line: &&str| line.starts_with("backlog ") || line.starts_with("backlog_wait_time_");
    let out: String = out
        .lines()
        .filter(|line| !moves(line))
        .map(|line| format!("{line}\n"))
        .collect();
    let err = if words[0] == "-R" { String::new() } else { err };
    (code, out, err)
}

/// Whether a tool is there in the version that ours is compared with.
fn is_debians(tool: &str) -> bool {
    let known = Command::new(AUDITCTL).arg("-v").output();
    let known = known.is_ok_and(|output| output.stdout.starts_with(b"auditctl version 3.0.9"));
    if !known || !Path::new(tool).exists() {
        eprintln!("skipped: {tool} is missing or not of version 3.0.9");
        return false;
    }
    true
}

/// Runs a shell line with a folder in place of /etc/audit, in a mount namespace of its own.
fn with_folder(held: &Held, folder: &str, line: &str) -> Output {
    let folder = held.path(folder);
    let script = format!("mount --bind '{}' /etc/audit && {line}", folder.display());
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script]);
    command.output().expect("unshare starts")
}

#[test]
fn the_link_behaves_as_augenrules() {
    let Some(held) = Held::new("the_link_behaves_as_augenrules") else {
        return;
    };
    if !is_debians(AUGENRULES) || !Path::new("/etc/audit").is_dir() {
        return;
    }
    let ours = held.path("augenrules").display().to_string();
    for folder in ["theirs", "ours"] {
        fs::create_dir_all(held.path(folder).join("rules.d")).expect("a folder");
        held.file(&format!("{folder}/rules.d/10-b.rules"), &many("late", 2));
        let first = ["## first".to_owned(), "-w {}/f -p wa -k early".to_owned()];
        held.file(&format!("{folder}/rules.d/9-a.rules"), &first);
    }
    let probe = with_folder(&held, "theirs", "true");
    if !probe.status.success() {
        eprintln!("skipped: no mount namespace: {}", stderr(&probe));
        return;
    }
    for words in ["--check", "", "", "--check", "--load", "--load", "--wrong"] {
        let mut said = Vec::new();
        for (folder, program) in [("theirs", AUGENRULES), ("ours", ours.as_str())] {
            let output = with_folder(&held, folder, &format!("{program} {words}"));
            let out = String::from_utf8_lossy(&output.stdout).replace(program, "augenrules");
            let merged = fs::read(held.path(folder).join("audit.rules")).ok();
            said.push((output.status.code(), out, merged, held.kernel.rules().len()));
            held.kernel.delete_new_rules();
        }
        assert_eq!(said[1], said[0], "augenrules {words}");
        let loaded = if words == "--load" { 3 } else { 0 };
        assert_eq!(
            said[1].3,
            held.kernel.before().rules.len() + loaded,
            "augenrules {words}"
        );
    }
}

/// What is printed has the documented shape; the rule sets that Debian's auditd ships among it, and
/// lint has something to say of each of those.
#[test]
fn compiled_rules_and_findings_are_as_documented() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let file = scratch.path().join("some.rules");
    let lines = [
        "-w /etc/shadow -p wa -k shadow_watch",
        "-a always,exit -F arch=b64 -S open,openat -F auid>=1000 -F key=one",
        "-a always,exit -F arch=b64 -S open -F auid>=1000 -F key=two",
        "-a always,exit -F path=/tmp/gr\u{fc}n -F perm=r",
        "-A never,exit -F arch=b32 -S no_such_call",
    ];
    fs::write(&file, lines.join("\n") + "\n").expect("a file");
    let mut files = vec![file];
    let shipped = Path::new("/usr/share/doc/auditd/examples/rules");
    for entry in fs::read_dir(shipped).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|end| end == "rules") {
            files.push(entry.path());
        }
    }
    for file in &files {
        for (action, schema) in [
            (
                "compile",
                include_str!("../../../docs/schemas/rules-compile.json"),
            ),
            (
                "lint",
                include_str!("../../../docs/schemas/rules-lint.json"),
            ),
        ] {
            let schema = serde_json::from_str(schema).expect("a schema");
            let mut command = Command::new(INDELIBLE);
            command.args(["rules", action, "--format", "json"]);
            if action == "lint" {
                // Each as if it were all that the host loads.
                command.arg("--complete");
            }
            let output = command.arg(file).output().expect("it starts");
            let shown = String::from_utf8_lossy(&output.stdout);
            for line in shown.lines() {
                let value = serde_json::from_str(line).expect("JSON");
                let differences = schema::differences(&schema, &value);
                assert_eq!(differences, [""; 0], "{action} {}: {line}", file.display());
            }
            let rules = fs::read_to_string(file).expect("rules");
            let has_rules = rules
                .lines()
                .any(|line| line.starts_with("-a") || line.starts_with("-w"));
            // Rules for users that are not here do not compile, and lint says so.
            if has_rules && action == "lint" {
                assert!(!shown.is_empty(), "{action} {}", file.display());
            }
        }
    }
}

#[test]
fn the_cost_of_keys_is_told_of_logs() {
    let log = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../record/tests/corpus/enriched.log"
    );
    let output = Command::new(INDELIBLE)
        .args(["rules", "cost", "--log", log])
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{}", stderr(&output));
    let shown = String::from_utf8_lossy(&output.stdout);
    let mut lines = shown.lines();
    let head = lines.next().expect("a head");
    assert!(
        head.contains("events/s") && head.contains("MB/day"),
        "{shown}"
    );
    let shares = lines.map(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    let shares: Option<Vec<f64>> = shares.collect();
    let shares = shares.expect("a share on each line");
    assert!(shares.is_sorted_by(|a, b| a >= b), "{shown}");
    assert!((shares.iter().sum::<f64>() - 100.0).abs() < 1.0, "{shown}");
}

/// These lines stand in requirements and scripts as they are. They name files outside of the
/// scratch folder, and are loaded for moments while auditing is off.
#[test]
fn the_watches_of_shadow_and_sudoers_load_as_written() {
    let Some(held) = Held::new("the_watches_of_shadow_and_sudoers_load_as_written") else {
        return;
    };
    let ours = || {
        let mut loaded = held.kernel.rules();
        loaded.retain(|rule| !held.kernel.before().rules.contains(rule));
        loaded
    };
    for line in [
        &["-w", "/etc/shadow", "-p", "wa", "-k", "shadow_watch"],
        &["-w", "/etc/sudoers", "-p", "wa", "-k", "sudoers_watch"],
    ] {
        let mut loaded = Vec::new();
        for program in [
            PathBuf::from(AUDITCTL),
            held.path("auditctl"),
            PathBuf::from(INDELIBLE),
        ] {
            if !program.exists() {
                eprintln!("skipped: {} is missing", program.display());
                continue;
            }
            let mut command = match program == Path::new(INDELIBLE) {
                true => held.rules("load"),
                false => Command::new(&program),
            };
            let output = command.args(line).output().expect("it starts");
            assert!(
                output.status.success(),
                "{program:?} {line:?}: {}",
                stderr(&output)
            );
            loaded.push(ours());
            assert_eq!(loaded.last().map(Vec::len), Some(1), "{program:?} {line:?}");
            held.kernel.delete_new_rules();
        }
        assert!(loaded.windows(2).all(|pair| pair[0] == pair[1]), "{line:?}");
    }
}

/// What `rules compile` prints is an interface.
#[test]
fn the_documented_shape_of_a_compiled_rule() {
    let words = [
        "rules",
        "compile",
        "-w",
        "/etc/passwd",
        "-p",
        "wa",
        "-k",
        "foo",
    ];
    let output = Command::new(INDELIBLE)
        .args(words)
        .output()
        .expect("it starts");
    let expect = concat!(
        r#"{"flags":4,"action":2,"field_count":3,"mask":"all","fields":["#,
        r#"{"field":105,"op":1073741824,"value":11},{"field":106,"op":1073741824,"value":10},"#,
        r#"{"field":210,"op":1073741824,"value":3}],"buf":"/etc/passwdfoo"}"#,
        "\n"
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout), expect);
    for line in [
        &["-w", "/etc/shadow", "-p", "wa", "-k", "shadow_watch"][..],
        &["-w", "/etc/sudoers", "-p", "wa", "-k", "sudoers_watch"],
    ] {
        let output = Command::new(INDELIBLE)
            .args(["rules", "compile", "--format", "text"])
            .args(line)
            .output();
        let out = output.expect("it starts").stdout;
        assert_eq!(String::from_utf8_lossy(&out).trim_end(), line.join(" "));
    }
}
