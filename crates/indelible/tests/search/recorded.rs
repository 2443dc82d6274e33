//! A log that the real auditd writes while this test makes the kernel speak: execs with long
//! argument lists, names that are no UTF-8, failed opens, sockets, changes of users and of rules.
//! Both programs search it.

use std::ffi::OsString;
use std::fs;
use std::process::{Command, Stdio};

use indelible_testkit::{Kernel, copy_program};

use crate::peer::Program;
use crate::verbatim::auditd;

#[test]
fn on_a_log_of_this_kernel() {
    let Some(theirs) = Program::theirs() else {
        return;
    };
    let Some(mut kernel) = Kernel::claim("on_a_log_of_this_kernel") else {
        return;
    };
    let log = kernel.path("log");
    fs::create_dir(&log).unwrap();
    let Some(daemon) = auditd(kernel.path("etc"), &log) else {
        eprintln!("skipped: on_a_log_of_this_kernel: auditd is not installed");
        return;
    };
    make_the_kernel_speak(&mut kernel);
    daemon.end();

    let log = log.join("audit.log");
    let mut compared = 0;
    for words in SEARCHES {
        for form in ["raw", "default", "csv", "text"] {
            let mut all: Vec<OsString> = words.split(' ').map(OsString::from).collect();
            all.extend(["--format", form, "-if"].map(OsString::from));
            all.push(log.clone().into());
            let run = |program: &Program| program.command(&all).output().unwrap();
            let (expect, got) = (run(&theirs), run(&Program::ours()));
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            assert_eq!(text(&got.stdout), text(&expect.stdout), "{words} {form}");
            assert_eq!(got.status.code(), expect.status.code(), "{words} {form}");
            compared += 1;
        }
    }
    println!("{compared} searches of a log of this kernel equal");
}

/// Runs a script in a shell of the test's own, which the rules are scoped to.
fn make_the_kernel_speak(kernel: &mut Kernel) {
    let folder = kernel.folder().to_owned();
    let work = kernel.path("work");
    fs::create_dir(&work).unwrap();
    copy_program("/bin/bash", folder.join("shell"));
    copy_program("/bin/true", folder.join("true"));
    kernel.load("-a always,exit -F dir={}/work -F perm=wa -F key=live_write");
    kernel.load("-a always,exit -F path={}/true -F perm=x -F key=live_exec");
    kernel.load("-a always,exit -F arch=b64 -S connect -F exe={}/shell -F key=live_net");
    kernel.load(
        "-a always,exit -F arch=b64 -S openat -F exe={}/shell -F success=0 -F key=live_failed",
    );
    let script = r#"
cd "$1/work" || exit 1
: > plain; : > 'with blank'; : > $'bad\xff\xfe'; : > $'grü\xc3\x9fe'
mkdir d; mv plain moved; ln -s moved link; chmod 600 moved; rm moved link; rmdir d
printf '' > $'control\x1b[31m'
: < /no/such/file; : < no-such-either
"$1/true"; "$1/true" one 'two words' $'\xff' "$(printf 'x%.0s' {1..5000})"; "$1/true" $(seq 1 300)
: < /dev/tcp/127.0.0.1/1; : < /dev/tcp/::1/1
true"#;
    let done = Command::new(folder.join("shell"))
        .args(["-c", script, "shell"])
        .arg(&folder)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(done.success());
    // auditd reads at once, but writes what it has read a moment later.
    std::thread::sleep(std::time::Duration::from_millis(300));
    kernel.unload();
}

const SEARCHES: &[&str] = &[
    "-k live_write",
    "-k live_exec",
    "-k live_net",
    "-k live_failed",
    "-k live",
    "-w -k live",
    "-sv no",
    "-sv yes -k live",
    "-e -ENOENT",
    "-e -ECONNREFUSED",
    "-hn 127.0.0.1",
    "-m EXECVE",
    "-m PATH -sv no",
    "-f bad",
    "-f blank",
    "-f control",
    "-x shell",
    "-c shell -k live",
    "-sc rename",
    "-ul -1 -k live",
    "--session -1 -k live",
    "-ts recent -k live",
    "-te recent",
    "--just-one -k live_exec",
    "-m DAEMON_START",
];
