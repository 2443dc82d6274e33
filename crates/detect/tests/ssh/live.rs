//! Logs that are being written: what became worse, once.

use indelible_detect::ssh::line::Line;
use indelible_detect::ssh::{Channel, Engine, LineId, News, Outcome, Settings};

struct Log {
    engine: Engine,
    line: u64,
    time_ms: u64,
}

impl Log {
    fn new() -> Self {
        Self {
            engine: Engine::live(Settings::default()),
            line: 0,
            time_ms: 1_700_000_000_000,
        }
    }

    /// A line of a process of its own, a second after the one before.
    fn says(&mut self, text: &str) {
        self.line += 1;
        self.time_ms += 1_000;
        let line = Line {
            time_ms: Some(self.time_ms),
            host: b"web1",
            pid: Some(1_000 + self.line as u32),
            text: text.as_bytes(),
            line_bytes: text.len(),
        };
        let at = LineId {
            file: 0,
            line: self.line,
        };
        self.engine.line(at, Channel(0), &line);
    }

    fn news(&mut self) -> Vec<String> {
        let word = |news: News| match news {
            News::Attack(attack) => format!("{} {}", attack.outcome.name(), attack.address),
            News::Login(login) => {
                format!("login {} after {}", login.address, login.attempts_before)
            }
        };
        self.engine.news().into_iter().map(word).collect()
    }
}

#[test]
fn an_attack_is_told_when_it_becomes_one_and_when_it_becomes_worse() {
    let mut log = Log::new();
    for port in 1..5 {
        log.says(&format!(
            "Failed password for root from 192.0.2.1 port {port} ssh2"
        ));
    }
    assert_eq!(log.news(), Vec::<String>::new());
    for port in 5..9 {
        log.says(&format!(
            "Failed password for root from 192.0.2.1 port {port} ssh2"
        ));
    }
    assert_eq!(log.news(), ["brute 192.0.2.1"]);
    log.says("Failed password for root from 192.0.2.1 port 9 ssh2");
    assert_eq!(log.news(), Vec::<String>::new());
    log.says("Accepted password for root from 192.0.2.1 port 10 ssh2");
    assert_eq!(log.news(), ["login 192.0.2.1 after 9"]);
    log.says("Failed password for root from 192.0.2.1 port 11 ssh2");
    assert_eq!(log.news(), Vec::<String>::new());
}

#[test]
fn sources_that_are_quiet_are_forgotten() {
    let mut log = Log::new();
    for port in 1..9 {
        log.says(&format!(
            "Failed password for root from 192.0.2.1 port {port} ssh2"
        ));
    }
    assert_eq!(log.news().len(), 1);
    log.time_ms += Settings::default().memory_ms + 10_000;
    log.engine.tick(log.time_ms);
    for port in 20..28 {
        log.says(&format!(
            "Failed password for root from 192.0.2.1 port {port} ssh2"
        ));
    }
    assert_eq!(log.news(), ["brute 192.0.2.1"]);
    assert!(Outcome::Brute.is_finding());
}
