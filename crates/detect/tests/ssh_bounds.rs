//! A million sources: what is remembered stays within its bounds, and what went is counted. In a
//! binary of its own, since it looks at the memory of the process.

use std::fs;
use std::net::Ipv4Addr;

use indelible_detect::limits::ssh as limits;
use indelible_detect::ssh::line::Line;
use indelible_detect::ssh::{Channel, Engine, LineId, Settings};

#[test]
fn a_million_sources_stay_within_the_bound() {
    let before = resident_bytes();
    let mut engine = Engine::new(Settings::default());
    let attack = "Failed password for root from 192.0.2.1 port 5 ssh2";
    let mut number = 0;
    let mut line = |engine: &mut Engine, pid: u32, text: &str| {
        number += 1;
        let line = Line {
            time_ms: Some(1_795_600_000_000 + number * 50),
            host: b"web1",
            pid: Some(pid),
            text: text.as_bytes(),
            line_bytes: text.len() + 40,
        };
        engine.line(
            LineId {
                file: 0,
                line: number,
            },
            Channel(0),
            &line,
        );
    };
    for source in 0..SOURCES {
        // Spread over the address space, so that networks are as many.
        let address = Ipv4Addr::from(source.wrapping_mul(2_654_435_761) | 1 << 31);
        let text = format!("Failed password for invalid user u{source} from {address} port 5 ssh2");
        line(&mut engine, source, &text);
        if source % 5_000 == 0 {
            line(&mut engine, 2_000_000 + source, attack);
        }
    }
    let grown = resident_bytes().saturating_sub(before);
    println!("{SOURCES} sources: {} MiB", grown >> 20);
    assert!(grown < BOUND_BYTES, "{grown} bytes");
    let report = engine.finish();
    assert!(report.sources.len() <= limits::SOURCES_MAX);
    // Whoever comes back is kept, and nothing is lost from the sums.
    assert_eq!(report.sources[0].address.to_string(), "192.0.2.1");
    assert_eq!(report.sources[0].failures, 200);
    assert_eq!(report.total.failures, u64::from(SOURCES) + 200);
    let kept: u64 = report.sources.iter().map(|source| source.failures).sum();
    assert_eq!(kept + report.evicted.failures, report.total.failures);
    let different = report.sources.len() as u64 + report.evicted.sources;
    assert_eq!(different, u64::from(SOURCES) + 1);
    assert!(report.evicted.users > 0 && report.evicted.networks > 0);
}

/// Resident memory of this process.
fn resident_bytes() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").expect("a Linux system");
    let pages: usize = statm
        .split(' ')
        .nth(1)
        .expect("a second number")
        .parse()
        .expect("digits");
    pages * 4_096
}

const SOURCES: u32 = 1_000_000;
/// What docs say that the detection needs at most, beside its input.
const BOUND_BYTES: usize = 256 << 20;
