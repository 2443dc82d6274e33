//! Any text as a `--where` expression: no panic; what is read reads back from its printed form;
//! what matches an event holds a needle.
#![no_main]

use indelible_query::criteria::Filter;
use indelible_query::expr::{Where, parse};
use indelible_query::limits::WHERE_BYTES_MAX;
use indelible_record::{Assembler, Record, Settings};
use libfuzzer_sys::fuzz_target;

const LINES: [&str; 4] = [
    r#"type=SYSCALL msg=audit(1.002:3): arch=c000003e syscall=257 success=no exit=-13 a0=ffffffffffffff9c auid=1000 uid=33 pid=7 ses=3 comm="cat" exe="/usr/bin/cat" key="shadow""#,
    r#"type=CWD msg=audit(1.002:3): cwd="/home""#,
    r#"type=PATH msg=audit(1.002:3): item=0 name=2F746D702F612062 nametype=NORMAL"#,
    r#"type=SOCKADDR msg=audit(1.002:3): saddr=020001BB0A0102030000000000000000"#,
];

fuzz_target!(|text: &str| {
    let Ok(expr) = parse(text) else { return };
    let printed = expr.to_string();
    if printed.len() > WHERE_BYTES_MAX {
        return;
    }
    assert_eq!(parse(&printed).as_ref(), Ok(&expr), "{printed}");
    let wanted = Where::parse(text).expect("parsed before");
    let mut assembler = Assembler::new(Settings::FILE);
    for line in LINES {
        assembler.push(0, &Record::parse(line.as_bytes())).count();
    }
    let event = assembler.finish().next().expect("an event");
    if wanted.matches(&event)
        && let Some(needles) = wanted.needles()
    {
        let bytes = LINES.join("\n").into_bytes();
        let held = |needle: &[u8]| bytes.windows(needle.len()).any(|part| part == needle);
        assert!(needles.iter().any(held), "{text}: {needles:?}");
    }
});
