//! Needles are promises: an event that matches holds one in a record.
//!
//! Conditions are made of what recorded events and damaged copies of them hold, so that many
//! match; each is asked of all events.

use indelible_query::criteria::{Condition, Criteria, Filter, Number, Pattern, Text, contains};
use indelible_query::expr::Where;
use indelible_query::terms::Wants;
use indelible_record::{Assembler, Event, Record, Settings};

use crate::terms;

const LOGS: [&[u8]; 2] = [
    include_bytes!("../../../record/tests/corpus/raw.log"),
    include_bytes!("../../../record/tests/corpus/enriched.log"),
];

const MORE: &str = "\
type=USER_LOGIN msg=audit(1700000000.001:1): pid=1 uid=0 auid=1000 ses=3 subj=unconfined \
msg='op=login id=1000 exe=\"/usr/sbin/sshd\" hostname=h1 addr=192.0.2.7 terminal=ssh res=failed'
type=ADD_GROUP msg=audit(1700000001.001:2): pid=1 uid=0 auid=1000 ses=3 \
msg='op=add-group id=1001 exe=\"/usr/sbin/groupadd\" hostname=? addr=? terminal=pts/0 res=success'
type=LOGIN msg=audit(1700000002.001:3): login pid=9 uid=0 old auid=4294967295 new auid=1000 old ses=-1 new ses=4
type=AVC msg=audit(1700000003.001:4): avc:  denied  { read } for  pid=7 comm=\"cat\" name=\"a b\" \
scontext=u:r:t tcontext=u:o:t tclass=file
type=PATH msg=audit(1700000004.001:5): item=0 name=2F746D702F6120C3A9 nametype=NORMAL
type=PATH msg=audit(1700000005.001:6): item=0 name=2f746d702f6120c3a9 nametype=NORMAL
type=PATH msg=audit(1700000006.001:7): item=0 name=2f746D702f6120c3a9 nametype=NORMAL
type=SYSCALL msg=audit(1700000007.001:8): arch=C000003E syscall=1 success=yes exit=0 items=0 \
pid=7 auid=-1 ses=4294967295 key=6B31016B32
type=DAEMON_ACCEPT msg=audit(1700000008.001:9): op=accept addr=192.0.2.7:60 port=60 res=success
";

#[test]
fn an_event_that_matches_holds_a_needle() {
    let seed = std::env::var("INDELIBLE_SEED")
        .map_or(u64::from(std::process::id()), |seed| seed.parse().unwrap());
    println!("seed {seed}");
    let mut random = Random(seed | 1);
    let mut events: Vec<Event> = LOGS.iter().flat_map(|log| assembled(log)).collect();
    events.extend(assembled(MORE.as_bytes()));
    events.extend(assembled(&damaged(MORE.as_bytes(), &mut random)));
    events.extend(assembled(&damaged(LOGS[1], &mut random)));
    let made: [fn(&Event, &mut Random) -> Criteria; 2] = [of_conditions, of_expression];
    for of in made {
        check(&events, of, &mut random);
    }
}

/// Asks 600 criteria of all events.
fn check(events: &[Event], of: fn(&Event, &mut Random) -> Criteria, random: &mut Random) {
    let (mut matched, mut with_needles, mut with_wants) = (0, 0, 0);
    for _ in 0..600 {
        let event = &events[random.below(events.len())];
        let criteria = of(event, random);
        let (needles, wants) = (criteria.needles(), criteria.wants());
        let matching = || events.iter().filter(|event| criteria.matches(event));
        for event in matching() {
            terms::check(&criteria, &wants, needles.as_ref(), event);
        }
        with_wants += u64::from(!matches!(wants, Wants::Anything));
        let Some(needles) = needles else {
            continue;
        };
        with_needles += 1;
        for event in matching() {
            matched += 1;
            let holds =
                |record: Record<'_>| needles.iter().any(|needle| contains(record.raw(), needle));
            assert!(
                event.records().any(holds),
                "{criteria:?} matches without {needles:?}: {event:?}"
            );
        }
    }
    println!("{with_needles} criteria with needles, {with_wants} with terms, {matched} matches");
    assert!(with_needles > 100 && with_wants > 100 && matched > 500);
}

fn of_conditions(event: &Event, random: &mut Random) -> Criteria {
    Criteria {
        conditions: (0..1 + random.below(2))
            .map(|_| condition(event, random))
            .collect(),
        ..Criteria::default()
    }
}

/// `--where`, beside an option or alone.
fn of_expression(event: &Event, random: &mut Random) -> Criteria {
    let mut text = test(event, random);
    for _ in 0..random.below(3) {
        let joined = random.pick(&["and", "or", "and not"]);
        text = format!("({text}) {joined} {}", test(event, random));
    }
    let expression = Where::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    Criteria {
        conditions: (0..random.below(4) / 3)
            .map(|_| condition(event, random))
            .collect(),
        expression: Some(expression),
        ..Criteria::default()
    }
}

/// A test of a value that the event holds, under a name that may have it.
fn test(event: &Event, random: &mut Random) -> String {
    let fields = fields(event);
    let (name, value) = match fields.is_empty() {
        true => (b"pid".to_vec(), b"1".to_vec()),
        false => random.pick(&fields).clone(),
    };
    let name = String::from_utf8_lossy(&name).into_owned();
    let is_plain = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    let number = std::str::from_utf8(&value)
        .ok()
        .and_then(|text| text.parse::<i64>().ok());
    let quoted = |value: &[u8]| -> String {
        let bytes = value.iter().map(|byte| format!("\\x{byte:02x}"));
        format!("\"{}\"", bytes.collect::<String>())
    };
    const NUMBERS: [&str; 9] = [
        "pid", "ppid", "exit", "auid", "uid", "gid", "euid", "ses", "syscall",
    ];
    const TEXTS: [&str; 10] = [
        "key", "exe", "comm", "cwd", "terminal", "path", "argv", "cmdline", "message", "any",
    ];
    if let Some(number) = number
        && random.below(2) == 0
    {
        let field = match NUMBERS.contains(&name.as_str()) {
            true => name.as_str(),
            false => random.pick(&NUMBERS),
        };
        return match random.below(4) {
            0 => format!("{field} in ({number}, 7)"),
            1 => format!("{field} >= {number}"),
            _ => format!("{field} = {number}"),
        };
    }
    let known: &[&str] = match name.as_str() {
        "name" => &["path"],
        "a0" | "a1" => &["argv", "cmdline"],
        "proctitle" => &["cmdline"],
        "key" => &["key"],
        "exe" | "comm" | "cwd" | "terminal" => &["any", "message"],
        _ => &[],
    };
    let raw = format!("raw.{name}");
    let mut places: Vec<&str> = known.to_vec();
    match is_plain {
        true => places.push(&raw),
        false => places.extend(TEXTS),
    }
    let field = match random.below(5) {
        0 => *random.pick(&TEXTS),
        _ => *random.pick(&places),
    };
    let start = random.below(value.len() + 1);
    let part = &value[start..start + random.below(value.len() - start + 1)];
    match random.below(7) {
        0 => format!("exists({field})"),
        1 => format!("{field} ~ {}*", quoted(&value[..start])).replace("\"*", "*\""),
        2 => format!("{field} in ({}, {})", quoted(&value), quoted(part)),
        3 => format!("{field} = {}i", quoted(&value)),
        4 | 5 => {
            let quoted = quoted(part);
            format!("{field} ~ \"*{}*\"", quoted.trim_matches('"'))
        }
        _ => format!("{field} = {}", quoted(&value)),
    }
}

fn assembled(log: &[u8]) -> Vec<Event> {
    let mut assembler = Assembler::new(Settings::FILE);
    let mut events = Vec::new();
    for line in log
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        events.extend(assembler.push(0, &Record::parse(line)));
    }
    events.extend(assembler.finish());
    events
}

/// The log with a few bytes changed in many lines.
fn damaged(log: &[u8], random: &mut Random) -> Vec<u8> {
    let mut log = log.to_vec();
    for _ in 0..log.len() / 100 {
        let at = random.below(log.len());
        if log[at] != b'\n' {
            log[at] = *random.pick(b"0aF =\"'-,:\xff");
        }
    }
    log
}

/// The decoded value of each field.
fn fields(event: &Event) -> Vec<(Vec<u8>, Vec<u8>)> {
    event
        .records()
        .flat_map(|record| {
            let record_type = record.record_type();
            let value = move |field: indelible_record::Field<'_>| {
                (field.name.to_vec(), field.decoded(record_type).into_owned())
            };
            record.fields().map(value)
        })
        .collect()
}

/// A condition on a value that the event holds.
fn condition(event: &Event, random: &mut Random) -> Condition {
    if random.below(12) == 0
        && let Some(record) = event.records().next()
    {
        let logged = &record.raw()[record.body_offset()..];
        let start = random.below(logged.len() + 1);
        let end = start + random.below(logged.len() - start + 1);
        return Condition::Logged(Pattern::new(&logged[start..end], random.below(4) == 0));
    }
    let fields = fields(event);
    let (name, value) = match fields.is_empty() {
        true => (Vec::new(), Vec::new()),
        false => random.pick(&fields).clone(),
    };
    let number = std::str::from_utf8(&value)
        .ok()
        .and_then(|text| text.parse::<i64>().ok());
    let numbers: [&'static [Number]; 9] = [
        &[Number::Pid],
        &[Number::Ppid],
        &[Number::Session],
        &[Number::Exit],
        &[Number::Syscall],
        &[Number::Uid, Number::Euid, Number::Auid],
        &[Number::Auid],
        &[Number::Gid, Number::Egid],
        &[Number::Egid],
    ];
    match (number, random.below(8)) {
        (_, 0) => Condition::Serial(event.stamp().unwrap_or_default().serial),
        (_, 1) => Condition::Arch(0xc000_003e),
        (Some(number), 2 | 3) => Condition::Number(random.pick(&numbers)[0], number),
        (Some(number), 4 | 5) => Condition::Id {
            places: numbers[random.below(numbers.len())],
            id: u32::try_from(number).ok(),
            name: Some(b"root".to_vec()),
        },
        _ => {
            let all: [&'static [Text]; 7] = [
                &[Text::Comm, Text::Exe],
                &[Text::File],
                &[Text::Host],
                &[Text::Terminal],
                &[Text::Key],
                &[Text::Guest, Text::Uuid],
                &[Text::Subject, Text::Object],
            ];
            let places = match name.as_slice() {
                b"comm" | b"exe" => all[0],
                b"name" | b"cwd" | b"path" => all[1],
                b"key" => all[4],
                b"saddr" => all[1 + random.below(2)],
                _ => *random.pick(&all),
            };
            let start = random.below(value.len() + 1);
            let end = start + random.below(value.len() - start + 1);
            Condition::Text(
                places,
                Pattern::new(&value[start..end], random.below(4) == 0),
            )
        }
    }
}

/// xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}
