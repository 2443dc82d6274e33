//! The `--where` language: what it reads, what holds, what it refuses, and what the needles say.

use indelible_query::criteria::Filter;
use indelible_query::expr::{Where, parse};
use indelible_record::{Assembler, Event, Record, Settings};
use proptest::prelude::*;
use proptest::sample::select;

const OPEN: &str = r#"node=web1 type=SYSCALL msg=audit(1700000000.123:45): arch=c000003e syscall=257 success=no exit=-13 a0=ffffffffffffff9c a1=7ffd a2=0 a3=0 items=1 ppid=100 pid=4242 auid=1000 uid=33 gid=33 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm="cat" exe="/usr/bin/cat" subj=unconfined key=73686164016B6579
node=web1 type=CWD msg=audit(1700000000.123:45): cwd="/home/alice"
node=web1 type=PATH msg=audit(1700000000.123:45): item=0 name="/etc/shadow" inode=7 dev=08:01 mode=0100640 ouid=0 ogid=42 rdev=00:00 nametype=NORMAL
node=web1 type=PROCTITLE msg=audit(1700000000.123:45): proctitle=636174002F6574632F736861646F77"#;

const EXECVE: &str = r#"type=SYSCALL msg=audit(1700000001.000:46): arch=c000003e syscall=59 success=yes exit=0 a0=55d0c2b81234 a1=1 a2=2 a3=8 items=2 ppid=2117 pid=10000 auid=4294967295 uid=0 gid=0 euid=0 tty=(none) ses=4294967295 comm="sh" exe="/usr/bin/dash" key=(null)
type=EXECVE msg=audit(1700000001.000:46): argc=3 a0="sh" a1="-c" a2=726D202D7266202F
type=CWD msg=audit(1700000001.000:46): cwd="/"
type=PATH msg=audit(1700000001.000:46): item=0 name=2F746D702F6120622E7368 inode=7 nametype=NORMAL
type=PATH msg=audit(1700000001.000:46): item=1 name="/lib64/ld-linux-x86-64.so.2" inode=8 nametype=NORMAL"#;

const CONNECT: &str = "type=SYSCALL msg=audit(1700000002.000:47): arch=c000003e syscall=42 success=yes exit=0 a0=3 pid=5 auid=1000 uid=1000 euid=1000 comm=\"nc\" exe=\"/usr/bin/nc\"\x1dARCH=x86_64 SYSCALL=connect AUID=\"alice\" UID=\"alice\"
type=SOCKADDR msg=audit(1700000002.000:47): saddr=020001BB0A0102030000000000000000\x1dSADDR={ saddr_fam=inet laddr=10.1.2.3 lport=443 }";

const LOGIN: &str = r#"type=USER_AUTH msg=audit(1700000003.000:48): pid=9 uid=0 auid=4294967295 ses=4294967295 msg='op=PAM:authentication grantors=? acct="root" exe="/usr/sbin/sshd" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=failed'"#;

fn event(lines: &str) -> Event {
    let mut assembler = Assembler::new(Settings::FILE);
    for line in lines.lines() {
        assert_eq!(
            assembler.push(0, &Record::parse(line.as_bytes())).count(),
            0
        );
    }
    assembler.finish().next().expect("an event")
}

fn events() -> Vec<(Event, &'static str)> {
    [OPEN, EXECVE, CONNECT]
        .into_iter()
        .map(|lines| (event(lines), lines))
        .chain([(login(), LOGIN)])
        .collect()
}

fn login() -> Event {
    let mut assembler = Assembler::new(Settings::FILE);
    let mut events: Vec<Event> = assembler
        .push(0, &Record::parse(LOGIN.as_bytes()))
        .collect();
    events.extend(assembler.finish());
    events.remove(0)
}

#[track_caller]
fn holds(lines: &str, text: &str, expect: bool) {
    let event = if lines == LOGIN {
        login()
    } else {
        event(lines)
    };
    let wanted = Where::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(wanted.matches(&event), expect, "{text}");
    let printed = wanted.expr().to_string();
    assert_eq!(
        &parse(&printed).expect("its own text"),
        wanted.expr(),
        "{printed}"
    );
}

#[test]
fn what_holds() {
    for text in [
        "auid >= 1000 and not success",
        "key = shad and key = key",
        "exe ~ \"/usr/*\" && comm = cat",
        "exe ~ \"*/CAT\"i",
        "exe = \"/USR/BIN/CAT\"i",
        "path = /etc/shadow",
        "path in (/etc/passwd, \"/etc/shadow\")",
        "path ~ /^\\/etc\\/sh[a-z]+$/",
        "path ~ /SHADOW/i",
        "cwd ~ \"/home/*\"",
        "cmdline = \"cat /etc/shadow\"",
        "syscall = openat",
        "syscall = 257",
        "syscall in (open, openat)",
        "syscall ~ \"open*\"",
        "arch = x86_64 and arch = 0xc000003e",
        "exit = -13",
        "exit < 0",
        "a0 = -100 and a0 = 0xffffffffffffff9c",
        "uid != field(euid) or false",
        "not uid = field(euid)",
        "suid = field(euid)",
        "node = web1",
        "time >= 2023-11-14T22:13:20Z and time < 1700000001",
        "time <= 1700000000",
        "serial = 45",
        "hour(time) = 22 and minute(time) == 13 and day(time) = 14 and year(time) != 2024",
        "week(time) = 46 and month(time) = 11",
        "type = PATH and type = 1302",
        "type in (PATH, EXECVE)",
        "mode = 0100640",
        "success = no",
        "exists(tty) and not exists(acct)",
        "terminal = pts0",
        "any ~ \"*shadow*\"",
        "message ~ \"*nametype=NORMAL*\"",
        "raw.items = 1 and items > 0",
        "nametype = NORMAL",
        "!(comm = sh)",
        "comm not in (sh, bash)",
        "comm !~ \"s*\"",
    ] {
        holds(OPEN, text, true);
    }
    for text in [
        "success",
        "auid = unset",
        "key = shadkey",
        "path = \"/ETC/shadow\"",
        "false",
        "exists(key) and exists(acct)",
        "comm ~ \"c\"",
        "port = 443",
        "cwd = \"/home\"",
    ] {
        holds(OPEN, text, false);
    }
}

#[test]
fn programs_sockets_and_logins() {
    for text in [
        "auid = unset and auid = -1 and auid = 4294967295",
        "cmdline = \"sh -c rm -rf /\"",
        "argv = \"rm -rf /\"",
        "path ~ \"/tmp/*.sh\"",
        "path = \"/tmp/a b.sh\"",
        "success and syscall = execve",
        "a1 = \"-c\" and a1 = 1",
        "not exists(key)",
    ] {
        holds(EXECVE, text, true);
    }
    for text in [
        "addr = 10.1.2.3 and addr in 10.0.0.0/8 and addr in (192.0.2.0/24, 10.1.0.0/16)",
        "addr ~ \"10.*\"",
        "port = 443 and port < 1024",
        "AUID = alice and SYSCALL = connect",
    ] {
        holds(CONNECT, text, true);
    }
    holds(CONNECT, "addr in 10.2.0.0/16", false);
    for text in [
        "addr in 192.0.2.0/24",
        "acct = root and op ~ \"PAM:*\" and not success",
        "type = USER_AUTH and terminal = ssh",
        "`acct` = root",
    ] {
        holds(LOGIN, text, true);
    }
}

#[track_caller]
fn refused(text: &str, expect: &str) {
    let error = Where::parse(text).expect_err(text);
    assert_eq!(error.to_string(), expect, "{text}");
}

#[test]
fn what_is_refused() {
    refused(
        "exee = x",
        "column 1: there is no field \"exee\"; did you mean \"exe\"?",
    );
    refused(
        "uid = 0 and xylophone = 1",
        "column 13: there is no field \"xylophone\"; any field of a record can be named as raw.NAME",
    );
    refused(
        "uid = ",
        "column 7: expected a number, a word or a text in quotes, found the end",
    );
    refused(
        "",
        "column 1: expected a field's name, \"not\", \"exists(NAME)\" or \"(\", found the end",
    );
    refused(
        "uid = 1 uid",
        "column 9: expected \"and\", \"or\" or the end, found \"uid\"",
    );
    refused("(uid = 1", "column 9: expected \")\", found the end");
    refused(
        "uid = root",
        "column 1: \"uid\" is the number of a user, group or session, it cannot be compared with \
         \"root\"; names of users and groups are in the upper-case fields of enriched logs (AUID, UID)",
    );
    refused(
        "exe",
        "column 1: \"exe\" is text, it cannot be compared with nothing; use exists(NAME), or compare it",
    );
    refused(
        "exe < 3",
        "column 1: \"exe\" is text, it cannot be compared with <; use =, ~ or in",
    );
    refused(
        "exe ~ /tmp",
        "column 7: nothing closes this regular expression; a path stands in quotes",
    );
    refused(
        "exe ~ tmp",
        "column 7: expected a glob in quotes or a /regex/, found \"tmp\"",
    );
    refused("exe = \"a", "column 7: nothing closes this string");
    refused("exe =~ \"a\"", "column 5: write ~ /REGEX/ or ~ \"GLOB\"");
    refused("exe ~ /a/x", "column 7: no flag 'x'; there are i, m and s");
    refused(
        "uid ~ /a{2000000}/",
        "column 1: the regular expression cannot be used: Compiled regex exceeds size limit of 1048576 bytes.",
    );
    refused(
        "exe = \"\\q\"",
        "column 8: no such escape; there are \\\\ \\\" \\' \\* \\? \\n \\t \\r \\0 \\xHH \\u{…}",
    );
    let deep = format!("{}uid = 1", "(".repeat(100));
    refused(
        &deep,
        "column 65: more than 64 parentheses and negations in each other",
    );
}

#[test]
fn a_regular_expression_that_would_explode_is_refused() {
    for source in ["(a{1000}){1000}", r"((\w{50}){50}){50}", &"(".repeat(100)] {
        let error = Where::parse(&format!("exe ~ /{source}/")).expect_err(source);
        assert!(error.message.contains("regular expression"), "{error}");
    }
}

#[test]
fn the_needles_of_some() {
    let check = |text: &str, expect: Option<&[&str]>| {
        let wanted = Where::parse(text).expect(text);
        let shown: Option<Vec<String>> = wanted.needles().map(|needles| {
            let text = |needle: &[u8]| String::from_utf8_lossy(needle).into_owned();
            needles.iter().map(text).collect()
        });
        let expect = expect.map(|all| all.iter().map(ToString::to_string).collect());
        assert_eq!(shown, expect, "{text}");
    };
    check(
        "key = shadow",
        Some(&["736861646F77", "736861646f77", "shadow"]),
    );
    check("auid = 1000 and exe ~ \"/tmp/*\"", Some(&["auid=1000"]));
    check(
        "exe ~ \"/tmp/*\" or path = /x",
        Some(&["/tmp/", "/x", "2F746D702F", "2F78", "2f746d702f", "2f78"]),
    );
    check(
        "cmdline ~ \"*rm -rf*\"",
        Some(&["-rf", "2D7266", "2d7266", "]="]),
    );
    check(
        "addr = 10.0.0.1",
        Some(&["0A000001", "0a000001", "10.0.0.1", ":FFFF:", ":ffff:"]),
    );
    check(
        "syscall = name_to_handle_at",
        Some(&[
            "syscall=1073742127",
            "syscall=264",
            "syscall=303",
            "syscall=335",
            "syscall=341",
            "syscall=345",
            "syscall=370",
        ]),
    );
    check("serial = 45", Some(&[":45)"]));
    for text in [
        "not key = a1",
        "success",
        "exe ~ \"/TMP/*\"i",
        "uid > 5",
        "type = PATH",
        "key = abc or uid > 5",
        "true",
    ] {
        check(text, None);
    }
}

fn tests() -> impl Strategy<Value = String> {
    let fields = [
        "key", "exe", "comm", "path", "cwd", "cmdline", "argv", "acct", "any", "message",
        "terminal", "raw.name",
    ];
    let words = [
        "cat",
        "sh",
        "/etc/shadow",
        "/tmp/a b.sh",
        "shad",
        "key",
        "rm -rf /",
        "root",
        "cat /etc/shadow",
        "ssh",
        "443",
    ];
    let globs = [
        "*", "/etc/*", "*shadow*", "c?t", "*a*", "*-rf*", "*r??t*", "s*", "*tmp*b*",
    ];
    let numbers = [
        "auid", "uid", "pid", "exit", "serial", "syscall", "port", "a0", "items", "ses",
    ];
    let values = [
        "0", "1000", "-1", "-13", "45", "257", "3", "443", "33", "59",
    ];
    let suffix = select(vec!["", "i"]);
    prop_oneof![
        (
            select(fields.to_vec()),
            select(words.to_vec()),
            suffix.clone()
        )
            .prop_map(|(field, word, i)| format!("{field} = \"{word}\"{i}")),
        (select(fields.to_vec()), select(globs.to_vec()), suffix)
            .prop_map(|(field, glob, i)| format!("{field} ~ \"{glob}\"{i}")),
        (
            select(numbers.to_vec()),
            select(vec!["=", "!=", "<", ">="]),
            select(values.to_vec())
        )
            .prop_map(|(field, sign, value)| format!("{field} {sign} {value}")),
        select(vec![
            "success",
            "not success",
            "exists(key)",
            "addr in 10.0.0.0/8",
            "addr = 192.0.2.7",
            "syscall = openat",
            "syscall in (execve, connect)",
            "type = PATH",
            "true",
            "false",
            "path ~ /^.tmp/",
            "exists(raw.acct)",
            "addr in (192.0.2.0/24, \"x\")",
        ])
        .prop_map(str::to_owned),
    ]
}

fn expressions() -> impl Strategy<Value = String> {
    tests().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} or {b}")),
            inner.prop_map(|a| format!("not ({a})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    /// Whatever matches holds a needle, and reads back as it was printed.
    #[test]
    fn needles_and_text_agree_with_the_expression(text in expressions()) {
        let wanted = Where::parse(&text).expect("an expression");
        let printed = wanted.expr().to_string();
        prop_assert_eq!(&parse(&printed).expect("its own text"), wanted.expr(), "{}", printed);
        for (event, lines) in events() {
            let Some(needles) = wanted.needles() else { continue };
            let held = needles
                .iter()
                .any(|needle| memchr::memmem::find(lines.as_bytes(), needle).is_some());
            prop_assert!(held || !wanted.matches(&event), "{}: {:?}", text, needles);
        }
    }

    /// Any text: an expression that reads back, or an error with a column.
    #[test]
    fn any_text(text in "[a-z(){}\\[\\]\"'`~=<>!&|*?/\\\\, 0-9.:xi-]{0,40}") {
        match parse(&text) {
            Ok(expr) => prop_assert_eq!(parse(&expr.to_string()), Ok(expr)),
            Err(error) => prop_assert!(error.column <= text.chars().count() + 1),
        }
    }
}
