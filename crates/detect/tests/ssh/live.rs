//! Logs that are being written: what became worse, once.

use indelible_detect::ssh::line::Line;
use indelible_detect::ssh::{self, Channel, Engine, LineId, News, Outcome};
use indelible_record::{Assembler, Record, Settings};

struct Log {
    engine: Engine,
    line: u64,
    time_ms: u64,
}

impl Log {
    fn new() -> Self {
        Self {
            engine: Engine::live(ssh::Settings::default()),
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

    /// Records of an audit log, of the host's own.
    fn audit(&mut self, records: &str) {
        let mut assembler = Assembler::new(Settings::FILE);
        for text in records.lines() {
            let text = text.replace("TIME", &format!("{}.000", self.time_ms / 1_000));
            let record = Record::parse(text.as_bytes());
            self.line += 1;
            let at = LineId {
                file: 1,
                line: self.line,
            };
            self.engine.audit(at, &record);
            for event in assembler.push(0, &record) {
                self.engine.event(&event);
            }
        }
        for event in assembler.finish() {
            self.engine.event(&event);
        }
    }

    /// Time passes.
    fn after(&mut self, seconds: u64) -> Vec<String> {
        self.time_ms += seconds * 1_000;
        self.engine.tick(self.time_ms);
        self.news()
    }

    fn news(&mut self) -> Vec<String> {
        let word = |news: News| match news {
            News::Attack(attack) => format!("{} {}", attack.outcome.name(), attack.address),
            News::Login(login) => {
                format!("login {} after {}", login.address, login.attempts_before)
            }
            News::Ran(login, session) => {
                let lines = session.commands.iter().map(|command| &command.line[..]);
                let lines = String::from_utf8(lines.collect::<Vec<_>>().join(&b"; "[..]));
                format!("{} ran {}", login.address, lines.unwrap())
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
    log.time_ms += ssh::Settings::default().memory_ms + 10_000;
    log.engine.tick(log.time_ms);
    for port in 20..28 {
        log.says(&format!(
            "Failed password for root from 192.0.2.1 port {port} ssh2"
        ));
    }
    assert_eq!(log.news(), ["brute 192.0.2.1"]);
    assert!(Outcome::Brute.is_finding());
}

#[test]
fn what_is_run_in_the_session_is_told_soon_and_once_more() {
    let mut log = Log::new();
    for port in 1..9 {
        log.says(&format!(
            "Failed password for root from 192.0.2.1 port {port} ssh2"
        ));
    }
    log.says("Accepted password for root from 192.0.2.1 port 9 ssh2");
    let pid = 1_000 + log.line;
    log.audit(&format!(
        "type=LOGIN msg=audit(TIME:1): pid={pid} uid=0 old-auid=4294967295 auid=0 tty=(none) old-ses=4294967295 ses=7 res=1"
    ));
    assert_eq!(log.news(), ["login 192.0.2.1 after 8"]);
    let run = |log: &mut Log, serial: u32, ses: u32, program: &str| {
        log.audit(&format!(
            "type=SYSCALL msg=audit(TIME:{serial}): arch=c000003e syscall=59 success=yes exit=0 ppid=1 pid=99 auid=0 uid=0 ses={ses} comm=\"x\" exe=\"/bin/x\" key=(null)\n\
             type=EXECVE msg=audit(TIME:{serial}): argc=2 a0=\"{program}\" a1=\"-x\"\n\
             type=EOE msg=audit(TIME:{serial}): "
        ));
    };
    run(&mut log, 2, 7, "id");
    run(&mut log, 3, 8, "another-session");
    run(&mut log, 4, 7, "curl");
    assert_eq!(log.after(50), [""; 0]);
    assert_eq!(log.after(15), ["192.0.2.1 ran id -x; curl -x"]);
    assert_eq!(log.after(15), [""; 0]);
    run(&mut log, 5, 7, "crontab");
    assert_eq!(log.after(600), ["192.0.2.1 ran id -x; curl -x; crontab -x"]);
    // Nobody is told for ever, and quiet sessions are forgotten.
    run(&mut log, 6, 7, "late");
    assert_eq!(log.after(3_000), [""; 0]);
    assert_eq!(log.after(3_000), [""; 0]);
}
