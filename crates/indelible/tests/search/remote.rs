//! A collector elsewhere is searched as its store is: the same output, from the same options.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use indelible_testkit::{free_port, wait_for};

use super::store::{QUESTIONS, fill};

const PROGRAM: &str = env!("CARGO_BIN_EXE_indelible");
const SECRET: &str = "not-a-real-token";
const PATIENCE: Duration = Duration::from_secs(20);

/// A collector as a process, with HTTP and syslog on loopback.
struct Collector {
    folder: tempfile::TempDir,
    child: Child,
    http: u16,
    syslog: u16,
    scheme: &'static str,
}

impl Collector {
    fn start(fill: impl FnOnce(&Path), options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fill(&folder.path().join("store"));
        let digits: String = digest(&SHA256, SECRET.as_bytes())
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        fs::write(
            folder.path().join("tokens"),
            format!("tester 2999-01-01T00:00:00Z {digits}\n"),
        )
        .unwrap();
        fs::write(folder.path().join("token"), format!("{SECRET}\n")).unwrap();
        let (http, syslog) = (free_port(), free_port());
        let child = Command::new(PROGRAM)
            .args([
                "collector",
                "--supervised",
                "--origin",
                "log.example/search",
            ])
            .args(["--native", "127.0.0.1:0"])
            .arg("--store")
            .arg(folder.path().join("store"))
            .arg("--pki")
            .arg(folder.path().join("pki"))
            .arg("--http-tokens")
            .arg(folder.path().join("tokens"))
            .args(["--http", &format!("127.0.0.1:{http}")])
            .args(["--syslog-tcp", &format!("127.0.0.1:{syslog}")])
            .args(options)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let collector = Self {
            folder,
            child,
            http,
            syslog,
            scheme: match options.contains(&"--http-tls") {
                true => "https",
                false => "http",
            },
        };
        for port in [http, syslog] {
            wait_for(PATIENCE, "the collector", || {
                TcpStream::connect(("127.0.0.1", port)).is_ok()
            });
        }
        collector
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.http)
    }

    /// A command about it, without credentials.
    fn ask(&self, command: &str, words: &[&str]) -> Command {
        let mut asked = plain(command);
        asked.args(["--collector", &self.url()]).args(words);
        asked
    }

    fn with_token(&self, command: &str, words: &[&str]) -> Command {
        let mut asked = self.ask(command, words);
        asked.arg("--token-file").arg(self.path("token"));
        asked
    }

    fn of_store(&self, command: &str, words: &[&str]) -> Command {
        let mut asked = plain(command);
        asked.arg("--store").arg(self.path("store")).args(words);
        asked
    }

    /// Threads of its searches that live.
    fn searching(&self) -> usize {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm")).ok();
        tasks
            .filter_map(|task| name(task.ok()?))
            .filter(|name| name.trim() == "search")
            .count()
    }

    /// Sends a message.
    fn log(&self, message: &str) {
        let mut socket = TcpStream::connect(("127.0.0.1", self.syslog)).unwrap();
        socket.write_all(message.as_bytes()).unwrap();
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn plain(command: &str) -> Command {
    let mut plain = Command::new(PROGRAM);
    plain
        .arg(command)
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "America/New_York")
        .env_remove("INDELIBLE_TOKEN")
        .stdin(Stdio::null());
    plain
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const SEARCHES: [&[&str]; 16] = [
    &["-k", "shadow", "-i"],
    &["-k", "shadow", "--raw"],
    &[
        "-k",
        "shadow",
        "--format",
        "csv",
        "--extra-keys",
        "--extra-time",
    ],
    &["-k", "shadow", "--format", "text"],
    &["-k", "shadow", "--format", "json"],
    &["-k", "shadow", "--format", "ndjson"],
    &["-k", "shadow", "--reverse", "--limit", "3"],
    &["-k", "files", "--limit", "2000", "-i"],
    &["-k", "files", "--just-one"],
    &["-k", "files", "--count"],
    &["-k", "shadow", "--tree"],
    &[
        "-ua",
        "root",
        "-k",
        "shadow",
        "-w",
        "--since",
        "2023-11-14T22:30:00Z",
    ],
    &["--text", "refused", "--format", "ndjson"],
    &["-c", "su", "--escape", "shell"],
    &["-sc", "unlink", "-sv", "yes"],
    &[
        "-e",
        "0",
        "--session",
        "1",
        "-pp",
        "1",
        "-k",
        "shadow",
        "--no-resolve",
    ],
];

const REPORTS: [&[&str]; 9] = [
    &["keys", "--summary"],
    &["-f", "--summary", "-i"],
    &[
        "-x",
        "-ts",
        "11/14/2023",
        "17:30:00",
        "-te",
        "11/14/2023",
        "17:31:00",
    ],
    &["-l", "--failed"],
    &["users", "--node", "web1", "--summary", "--format", "json"],
    &["timeline", "--interval", "5m"],
    &["keys", "--rate", "--format", "csv"],
    &["totals"],
    &["logins"],
];

#[test]
fn a_collector_is_searched_as_its_store_is() {
    let collector = Collector::start(fill, &[]);
    let cases = QUESTIONS
        .iter()
        .chain(&SEARCHES)
        .map(|words| ("search", *words))
        .chain(REPORTS.map(|words| ("report", words)));
    for (command, words) in cases {
        // What the collector finds about its hosts may come between the two.
        let mut tries = 0;
        loop {
            tries += 1;
            let here = collector.of_store(command, words).output().unwrap();
            let there = collector.with_token(command, words).output().unwrap();
            if here.stdout == there.stdout || tries == 3 {
                let sizes = (here.stdout.len(), there.stdout.len());
                assert!(
                    here.stdout == there.stdout,
                    "{words:?}: {sizes:?} {}",
                    said(&there)
                );
                assert_eq!(here.status.code(), there.status.code(), "{words:?}");
                assert_eq!(said(&here), said(&there), "{words:?}");
                break;
            }
        }
    }
    let lines = |command: Command| {
        let mut command = command;
        let text = said(&command.arg("--debug").output().unwrap());
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let words = &["-k", "shadow"];
    let here = lines(collector.of_store("search", words));
    assert_eq!(here[0], lines(collector.with_token("search", words))[0]);
    let put_together = |lines: Vec<String>| lines.last().cloned();
    assert_eq!(
        put_together(here),
        put_together(lines(collector.with_token("search", words)))
    );
}

#[test]
fn a_collector_is_followed_and_nobody_is_left_behind() {
    let collector = Collector::start(|_| {}, &[]);
    let words = ["--follow", "--format", "ndjson", "--text", "needle"];
    let mut follower = collector
        .with_token("search", &words)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for(PATIENCE, "the search", || collector.searching() > 0);
    let (say, lines) = channel();
    let shown = BufReader::new(follower.stdout.take().unwrap()).lines();
    std::thread::spawn(move || {
        shown
            .map_while(Result::ok)
            .try_for_each(|line| say.send(line))
    });
    // Until the search has seen the end of the store, its entries are old.
    let mut began = Instant::now();
    let mut first = None;
    while first.is_none() {
        began = Instant::now();
        collector.log("<13>1 - web9 su - - - needle 0\n");
        first = lines.recv_timeout(Duration::from_millis(300)).ok();
    }
    let mut waited = vec![began.elapsed()];
    for number in 1..10 {
        let began = Instant::now();
        collector.log(&format!("<13>1 - web9 su - - - needle {number}\n"));
        let line = loop {
            let line = lines.recv_timeout(PATIENCE).unwrap();
            if line.contains(&format!("needle {number}")) {
                break line;
            }
        };
        assert!(line.contains("\"host\":\"web9\""), "{line}");
        waited.push(began.elapsed());
    }
    waited.sort();
    println!(
        "shown after {:?} in the middle, {:?} at worst",
        waited[5], waited[9]
    );
    assert!(waited[5] < Duration::from_millis(500), "{waited:?}");
    follower.kill().unwrap();
    follower.wait().unwrap();
    wait_for(PATIENCE, "the end of the search", || {
        collector.searching() == 0
    });
}

#[test]
fn a_reader_who_does_not_read_holds_up_nobody() {
    let collector = Collector::start(fill, &[]);
    // Without zstd: what it finds is more than sockets hold.
    let idle = [(); 2].map(|()| ask(&collector, br#"{"v":1}"#));
    // One reader has two at a time, and entries come in all the same.
    let mut third = String::new();
    wait_for(PATIENCE, "a refusal", || {
        let words = ["-k", "nothing", "--count"];
        third = said(&collector.with_token("search", &words).output().unwrap());
        !third.is_empty()
    });
    assert!(
        third.contains("as many searches as one may have"),
        "{third}"
    );
    collector.log("<13>1 - web9 su - - - while others wait\n");
    wait_for(PATIENCE, "the entry", || {
        let found = collector.of_store("search", &["--text", "while others wait", "--count"]);
        let mut found = found;
        found.output().unwrap().stdout == b"1\n"
    });
    drop(idle);
    wait_for(PATIENCE, "the end of the searches", || {
        collector.searching() == 0
    });
    let found = collector
        .with_token("search", &["-k", "shadow"])
        .output()
        .unwrap();
    assert_eq!(found.status.code(), Some(0), "{}", said(&found));
}

/// What is said where a command fails.
fn refusal(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    said(&output)
}

#[test]
fn what_goes_wrong_is_said() {
    let collector = Collector::start(|_| {}, &[]);
    let says = |command: &mut Command, expect: &str| {
        let text = refusal(command);
        assert!(text.contains(expect), "{text}");
    };
    says(
        &mut collector.ask("search", &["-k", "x"]),
        "--token-file FILE",
    );
    let wrong = collector.path("wrong");
    fs::write(&wrong, "wrong").unwrap();
    says(
        collector
            .ask("report", &["keys"])
            .arg("--token-file")
            .arg(&wrong),
        "refuses the token",
    );
    says(
        collector.ask("search", &[]).env("INDELIBLE_TOKEN", "wrong"),
        "refuses the token",
    );
    let mut found = collector.ask("search", &["--count"]);
    found.env("INDELIBLE_TOKEN", SECRET);
    assert_eq!(found.output().unwrap().stdout, b"0\n");
    let credentials = collector.path("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::copy(collector.path("token"), credentials.join("indelible.token")).unwrap();
    let mut found = collector.ask("search", &["--count"]);
    found.env("CREDENTIALS_DIRECTORY", &credentials);
    assert_eq!(found.output().unwrap().stdout, b"0\n");
    let nobody = format!("http://127.0.0.1:{}", free_port());
    says(
        plain("search").args(["--collector", &nobody]),
        "cannot reach",
    );
    says(
        plain("search")
            .args(["--collector", "http://192.0.2.1"])
            .env("INDELIBLE_TOKEN", "x"),
        "use https",
    );
    says(
        plain("search").args(["--token-file", "x"]),
        "go with --collector",
    );
    // A collector that knows no searches, one that is none, one that ends in the middle.
    for (answer, expect) in [
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            "older than this one",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            "not as a collector does",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 3\r\n\r\n:\n\n",
            "not all",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: \\q\n\n",
            "escapes nothing",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: failed\ndata: \x1b[31mgone\n\n",
            ": \\033[31mgone",
        ),
        ("nonsense", "cannot reach"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut request = vec![0; 4096];
            let _ = socket.read(&mut request).unwrap();
            socket.write_all(answer.as_bytes()).unwrap();
            let _ = socket.shutdown(std::net::Shutdown::Write);
            let _ = socket.read(&mut request);
        });
        says(plain("search").args(["--collector", &url]), expect);
        server.join().unwrap();
    }
}

#[test]
fn certificates_open_what_tokens_open_to_readers_alone() {
    let collector = Collector::start(|_| {}, &["--http-tls", "--http-reader", "ops.example"]);
    let pki = collector.path("pki");
    for name in ["ops.example", "web1.example"] {
        let issued = Command::new(PROGRAM)
            .args(["pki", "issue", name, "--dir"])
            .arg(&pki)
            .output()
            .unwrap();
        assert!(issued.status.success());
    }
    let other = collector.path("other");
    let made = Command::new(PROGRAM)
        .args(["pki", "issue", "ops.example", "--dir"])
        .arg(&other)
        .output()
        .unwrap();
    assert!(made.status.success());
    let with = |ca: &Path, folder: &Path, name: &str| {
        let mut asked = collector.ask("search", &["--count"]);
        asked
            .arg("--ca")
            .arg(ca.join("ca.pem"))
            .arg("--certificate")
            .arg(folder.join(format!("{name}.pem")))
            .arg("--certificate-key")
            .arg(folder.join(format!("{name}-key.pem")));
        asked
    };
    let found = with(&pki, &pki, "ops.example").output().unwrap();
    assert_eq!(found.stdout, b"0\n", "{}", said(&found));
    let text = refusal(&mut with(&pki, &pki, "web1.example"));
    assert!(text.contains("client certificate"), "{text}");
    let text = refusal(&mut with(&pki, &other, "ops.example"));
    assert!(
        text.contains("cannot reach") || text.contains("broke"),
        "{text}"
    );
    let text = refusal(&mut with(&other, &pki, "ops.example"));
    assert!(text.contains("certificate"), "{text}");
    let mut with_token = collector.with_token("search", &["--count"]);
    let found = with_token
        .arg("--ca")
        .arg(pki.join("ca.pem"))
        .output()
        .unwrap();
    assert_eq!(found.stdout, b"0\n", "{}", said(&found));
    let text = refusal(&mut collector.with_token("search", &[]));
    assert!(text.contains("--ca FILE"), "{text}");
    let revoked = Command::new(PROGRAM)
        .args(["revoke", "ops.example", "--pki"])
        .arg(&pki)
        .output()
        .unwrap();
    assert!(revoked.status.success(), "{}", said(&revoked));
    let text = refusal(&mut with(&pki, &pki, "ops.example"));
    assert!(text.contains("client certificate"), "{text}");
}

/// Sends a query as it stands, and reads nothing.
fn ask(collector: &Collector, body: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(("127.0.0.1", collector.http)).unwrap();
    write!(
        socket,
        "POST /api/v1/search HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {SECRET}\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .unwrap();
    let _ = socket.write_all(body);
    socket
}

/// Status and body of a query as it stands.
fn post(collector: &Collector, body: &[u8]) -> (u16, String) {
    let mut socket = ask(collector, body);
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
    (status.unwrap_or(0), answer)
}

#[test]
fn queries_are_checked_and_noted() {
    let collector = Collector::start(|_| {}, &[]);
    let (status, answer) = post(
        &collector,
        br#"{"v":1,"what":{"text":"x"},"messages":true}"#,
    );
    assert_eq!(status, 200, "{answer}");
    assert!(
        answer.contains("text/event-stream") && answer.contains("event: done"),
        "{answer}"
    );
    for bad in [
        &b""[..],
        b"\xff\xfe",
        br#"{"v":9}"#,
        br#"{"v":1,"what":{"where":"(((((((("}}"#,
        br#"{"v":1,"what":{"where":"exe ~ /(((a{99}){99}){99})/"}}"#,
    ] {
        let (status, answer) = post(&collector, bad);
        assert_eq!(status, 400, "{answer}");
    }
    let (status, answer) = post(&collector, &vec![b' '; 1 << 20]);
    assert!(matches!(status, 0 | 400), "{answer}");
    let noted = collector.of_store("search", &["--debug"]).output().unwrap();
    assert!(noted.status.code().is_some());
    let actions = super::store::actions(&collector.path("store"));
    assert_eq!(actions.len(), 1, "{actions:?}");
    assert_eq!(actions[0]["action"], "search");
    assert_eq!(actions[0]["principal"], "token:tester");
    let query = actions[0]["query"].as_str().unwrap();
    assert_eq!(query, r#"{"messages":true,"v":1,"what":{"text":"x"}}"#);
}
