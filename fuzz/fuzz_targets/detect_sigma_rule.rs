//! Any bytes as a file of Sigma rules: each document is evaluated or refused with a reason, and
//! what is evaluated gives the same findings twice.
#![no_main]

use indelible_detect::sigma::{Finding, Loader};
use indelible_record::{Assembler, Record, Settings};
use libfuzzer_sys::fuzz_target;

const LINES: [&str; 4] = [
    r#"type=SYSCALL msg=audit(1.002:3): arch=c000003e syscall=59 success=yes exit=0 a0=1 ppid=1 pid=7 uid=0 ses=3 comm="sh" exe="/bin/sh" key="exec""#,
    r#"type=EXECVE msg=audit(1.002:3): argc=3 a0="sh" a1="-c" a2=7072696E74662078"#,
    r#"type=CWD msg=audit(1.002:3): cwd="/tmp""#,
    r#"type=PATH msg=audit(1.002:3): item=0 name="/bin/sh" nametype=NORMAL"#,
];

fn found(bytes: &[u8]) -> Vec<Finding> {
    let mut loader = Loader::default();
    loader.file("rule.yml", bytes);
    let mut engine = loader.finish();
    assert!(engine.refused().iter().all(|refused| !refused.why.is_empty()));
    let mut assembler = Assembler::new(Settings::FILE);
    for line in LINES {
        assembler.push(0, &Record::parse(line.as_bytes())).count();
    }
    let mut findings = Vec::new();
    for event in assembler.finish() {
        engine.event(1_002, &event, &mut findings);
    }
    findings
}

fuzz_target!(|bytes: &[u8]| {
    let (first, second) = (found(bytes), found(bytes));
    assert_eq!(first.len(), second.len());
    for (first, second) in first.iter().zip(&second) {
        assert_eq!((&first.rule, &first.fields), (&second.rule, &second.fields));
    }
});
