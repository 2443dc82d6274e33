//! Scanning and joining: the same events wherever the log is cut, with needles and without; and
//! complete ones, in order, from logs whose events are known.

use std::io;
use std::sync::Arc;

use indelible_query::criteria::{Needles, Window, contains};
use indelible_query::scan::{Excerpt, Gathered, Joiner, MESSAGE, Piece, Reach, Scanner, Text};
use indelible_record::{Record, Stamp, stamp};

/// A piece of a log, of which one can have excerpts or cannot.
struct Held(Arc<Vec<u8>>, bool);

impl Text for Held {
    fn bytes(&self) -> io::Result<Arc<Vec<u8>>> {
        Ok(Arc::clone(&self.0))
    }

    fn excerpt(&self, stamps: &[Stamp]) -> io::Result<Option<Excerpt>> {
        let excerpt = || excerpt(&self.0, |stamp| stamps.contains(&stamp));
        Ok(self.1.then(excerpt).flatten())
    }
}

/// The lines with wanted stamps; none where one has no stamp or is a message.
fn excerpt(text: &[u8], is_wanted: impl Fn(Stamp) -> bool) -> Option<Excerpt> {
    let mut excerpt = Excerpt::default();
    let mut place = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let record = Record::parse(line);
        let stamp = record.stamp().filter(|_| !line.starts_with(MESSAGE))?;
        match is_wanted(stamp) {
            true => excerpt.keep(place, |text| text.extend_from_slice(line)),
            false => excerpt.leave(record.record_type(), stamp),
        }
        place += line.len() as u32;
    }
    Some(excerpt)
}

/// The lines of events with a needle, and of some that only looked like it.
fn excerpt_by_needle(text: &[u8], needle: &str) -> Option<Excerpt> {
    let lines = text.split(|byte| *byte == b'\n');
    let holding = lines.filter(|line| contains(line, needle.as_bytes()));
    let stamps: Vec<Option<Stamp>> = holding.map(stamp).collect();
    excerpt(text, |stamp| {
        stamps.contains(&Some(stamp)) || stamp.serial.is_multiple_of(3)
    })
}

/// xorshift64*: the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % end
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

const REACH: Reach = Reach {
    near: 600,
    far: 12_000,
    hold: 20_000,
};

type Lines = Vec<String>;

/// The events of a log that is cut after each line for which `cut` says so, and at `near`.
fn search(log: &str, needle: Option<&str>, cut: impl FnMut() -> bool) -> Vec<Lines> {
    search_excerpts(log, needle, cut, || false)
}

/// The same where of some pieces, if they have no other lines, only those are looked through that are of
/// events with the needle.
fn search_excerpts(
    log: &str,
    needle: Option<&str>,
    mut cut: impl FnMut() -> bool,
    mut has_excerpts: impl FnMut() -> bool,
) -> Vec<Lines> {
    let needles = needle.and_then(|n| Needles::any_of(vec![n.as_bytes().to_vec()]));
    let scanner = Scanner::new(needles.as_ref(), Window::ALL);
    let mut joiner = Joiner::new(&scanner, REACH, 2000, true);
    let (mut found, mut at) = (Vec::new(), 0);
    let mut drain = |joiner: &mut Joiner<Held>| {
        let lines = |event: Gathered| -> Lines {
            event
                .lines()
                .map(|line| String::from_utf8(line.to_vec()).unwrap())
                .collect()
        };
        while let Some(event) = joiner.take() {
            found.push(lines(event));
        }
    };
    let mut piece = String::new();
    let mut lines = log.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        piece.push_str(line);
        let next = lines.peek().map_or(u64::MAX, |next| next.len() as u64);
        if (piece.len() as u64).saturating_add(next) > REACH.near || cut() {
            let end = at + piece.len() as u64;
            let bytes = std::mem::take(&mut piece).into_bytes();
            let has_excerpts = has_excerpts();
            let needle = needle.filter(|_| has_excerpts);
            let scanned = match needle.and_then(|needle| excerpt_by_needle(&bytes, needle)) {
                Some(excerpt) => scanner.scan_excerpt(excerpt),
                None => scanner.scan(&bytes),
            };
            let text = Held(Arc::new(bytes), has_excerpts);
            joiner
                .push(Piece {
                    at,
                    end,
                    text,
                    scanned,
                })
                .unwrap();
            drain(&mut joiner);
            at = end;
        }
    }
    joiner.end().unwrap();
    drain(&mut joiner);
    found
}

/// Events whose lines are mixed with those of their neighbours: at most `spread` events are being
/// written at once. Their stamps go backwards by up to `late_ms`.
struct Log {
    text: String,
    events: Vec<((u64, u64), Lines)>,
}

fn log(random: &mut Random, count: u64, spread: u64, late_ms: u64) -> Log {
    let mut now_ms = 1_700_000_000_000;
    let mut writing: Vec<(usize, usize)> = Vec::new();
    let mut log = Log {
        text: String::new(),
        events: Vec::new(),
    };
    let mut begun = 0;
    let message = std::str::from_utf8(MESSAGE).unwrap();
    while begun < count || !writing.is_empty() {
        if begun < count && (writing.len() as u64) < 1 + random.below(spread) {
            begun += 1;
            now_ms += random.below(500);
            let ms = now_ms - random.below(late_ms + 1);
            let (node, serial) = (random.below(2), 100 + begun);
            let stamp = format!("msg=audit({}.{:03}:{serial})", ms / 1000, ms % 1000);
            let node = ["", "node=h "][node as usize];
            let lines = if random.one_in(6) {
                vec![match random.one_in(2) {
                    true => format!("{node}type=USER_CMD {stamp}: pid=1 msg='x'"),
                    // What was made of something else may look as if it belonged to its neighbours.
                    false => format!("{message}type=SYSLOG {stamp}: type=PATH items=2"),
                }]
            } else {
                let mark = ["plain", "marked"][usize::from(random.one_in(5))];
                let mut lines = vec![format!(
                    "{node}type=SYSCALL {stamp}: items=2 key=\"{mark}\""
                )];
                let on_path = ["a", "needle"][usize::from(random.one_in(7))];
                lines.push(format!(
                    "{node}type=PATH {stamp}: item=0 name=\"{on_path}\""
                ));
                lines.push(format!("{node}type=PATH {stamp}: item=1 name=\"b\""));
                lines.push(format!("{node}type=PROCTITLE {stamp}: proctitle=41"));
                lines
            };
            writing.push((log.events.len(), 0));
            log.events.push(((ms, serial), lines));
        } else {
            let which = random.below(writing.len() as u64) as usize;
            let (event, line) = writing[which];
            let lines = &log.events[event].1;
            log.text.push_str(&lines[line]);
            log.text.push('\n');
            match line + 1 < lines.len() {
                true => writing[which].1 += 1,
                false => drop(writing.remove(which)),
            }
        }
    }
    log
}

#[test]
fn events_come_out_complete_and_in_order() {
    for seed in 1..200 {
        let mut random = Random(seed * 77);
        // A line has 60 bytes or so: those of an event are often further apart than what is near.
        let spread = 1 + random.below(10);
        let mut log = log(&mut random, 80, spread, 300);
        let mut found = search(&log.text, None, || random.one_in(4));
        let in_order = found.clone();
        log.events.sort();
        let expect: Vec<Lines> = log.events.into_iter().map(|(_, lines)| lines).collect();
        found.sort();
        let mut sorted = expect.clone();
        sorted.sort();
        assert_eq!(found, sorted, "seed {seed}: not complete\n{}", log.text);
        // A program's record waits for older events, and for none that come later.
        let waiting = |events: Vec<Lines>| -> Vec<Lines> {
            events.into_iter().filter(|lines| lines.len() > 1).collect()
        };
        // With more at once, some are written seconds after they began.
        if spread <= 3 {
            assert_eq!(
                waiting(in_order),
                waiting(expect),
                "seed {seed}: out of order\n{}",
                log.text
            );
        }
    }
}

/// The log with what happens to logs.
fn damaged(random: &mut Random, log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let mut out = String::new();
    for line in &lines {
        match random.below(24) {
            0 => continue,
            1 => out.push_str(&line[..random.below(line.len() as u64) as usize]),
            2 => out.push_str(lines[random.below(lines.len() as u64) as usize]),
            3 => out.push_str("rubbish needle"),
            4 => {
                let serial = random.below(50);
                out.push_str(&format!("type=EOE msg=audit(1699999990.000:{serial}): "));
            }
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

#[test]
fn pieces_make_no_difference() {
    for seed in 1..300 {
        let mut random = Random(seed * 1001);
        let spread = 1 + random.below(12);
        let log = log(&mut random, 60, spread, 5000).text;
        let log = damaged(&mut random, &log);
        let by_line = search(&log, None, || true);
        let whole = search(&log, None, || false);
        let cut = search(&log, None, || random.one_in(3));
        assert_eq!(by_line, whole, "seed {seed}\n{log}");
        assert_eq!(by_line, cut, "seed {seed}\n{log}");
    }
}

#[test]
fn needles_make_no_difference() {
    for needle in ["marked", "needle", "USER_CMD", "SYSLOG", "item=1"] {
        for seed in 1..150 {
            let mut random = Random(seed * 31);
            let spread = 1 + random.below(12);
            let log = log(&mut random, 80, spread, 900).text;
            let mut expect = search(&log, None, || random.one_in(3));
            expect.retain(|lines| lines.iter().any(|line| line.contains(needle)));
            let mut found = search(&log, Some(needle), || random.one_in(3));
            // An event whose beginning is far before its needle comes when it is found; and a
            // program's record, and a message, waits for older events, not all of which are looked at.
            if spread > 3 || needle == "USER_CMD" || needle == "SYSLOG" {
                expect.sort();
                found.sort();
            }
            assert_eq!(found, expect, "seed {seed} {needle}\n{log}");
        }
    }
}

#[test]
fn excerpts_make_no_difference() {
    for needle in ["marked", "needle", "USER_CMD", "item=1"] {
        for seed in 1..150 {
            let mut random = Random(seed * 53);
            let spread = 1 + random.below(12);
            let mut log = log(&mut random, 80, spread, 900).text;
            if seed % 3 == 0 {
                log = damaged(&mut random, &log);
            }
            let pieces: Vec<bool> = (0..2_000).map(|_| random.one_in(5)).collect();
            let cut = || {
                let mut pieces = pieces.iter().copied();
                move || pieces.next().unwrap_or_default()
            };
            let expect = search(&log, Some(needle), cut());
            let found = search_excerpts(&log, Some(needle), cut(), || random.one_in(2));
            assert_eq!(found, expect, "seed {seed} {needle}\n{log}");
            let found = search_excerpts(&log, Some(needle), cut(), || true);
            assert_eq!(found, expect, "seed {seed} {needle}, all\n{log}");
        }
    }
}
