//! Counts per source, name and method equal what clients did, on a real sshd.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::command::detect;
use crate::sshd::{MAX_TRIES, Sshd};

/// What one client does, and what must be counted of it.
struct Client {
    /// Last byte of its address in 127.0.0.0/24.
    host: u8,
    user: &'static str,
    method: &'static str,
    secret: &'static str,
    prompts: u32,
    key: Option<&'static str>,
    /// The account exists and may log in.
    valid: bool,
}

const BASE: Client = Client {
    host: 0,
    user: "lab",
    method: "password",
    secret: "wrong",
    prompts: 1,
    key: None,
    valid: true,
};

const FORGED: &str = "x from 8.8.8.8 port 22 ssh2";

const CLIENTS: &[Client] = &[
    Client {
        host: 2,
        prompts: 3,
        ..BASE
    },
    Client {
        host: 3,
        user: "nosuch",
        prompts: 2,
        valid: false,
        ..BASE
    },
    Client {
        host: 4,
        method: "keyboard-interactive",
        prompts: 2,
        ..BASE
    },
    Client {
        host: 5,
        user: "ghost",
        method: "keyboard-interactive",
        prompts: 3,
        valid: false,
        ..BASE
    },
    Client {
        host: 6,
        method: "publickey",
        key: Some("bad"),
        ..BASE
    },
    Client {
        host: 7,
        method: "none",
        ..BASE
    },
    Client {
        host: 8,
        prompts: 9,
        ..BASE
    },
    Client {
        host: 9,
        user: FORGED,
        prompts: 2,
        valid: false,
        ..BASE
    },
    Client {
        host: 10,
        user: FORGED,
        method: "keyboard-interactive",
        prompts: 2,
        valid: false,
        ..BASE
    },
    Client {
        host: 11,
        user: "8.8.8.8 port 22",
        prompts: 1,
        valid: false,
        ..BASE
    },
    Client {
        host: 12,
        method: "publickey",
        key: Some("good"),
        ..BASE
    },
    Client {
        host: 13,
        user: "denied",
        prompts: 2,
        valid: false,
        ..BASE
    },
    Client {
        host: 14,
        user: "root \u{e9} \u{fc}",
        prompts: 1,
        valid: false,
        ..BASE
    },
    Client {
        host: 15,
        method: "keyboard-interactive",
        prompts: 9,
        ..BASE
    },
    Client {
        host: 16,
        prompts: 3,
        ..BASE
    },
    Client {
        host: 16,
        secret: "right",
        ..BASE
    },
];

/// Runs ssh; returns how often it was asked for a secret, which is how often it tried one.
fn ssh(sshd: &Sshd, number: usize, client: &Client) -> u64 {
    let asked = sshd.path(&format!("asked.{number}"));
    fs::write(&asked, "").expect("a file");
    let key = client.key.map_or("/dev/null".into(), |key| sshd.path(key));
    let status = Command::new("/usr/bin/ssh")
        .args([
            "-F",
            "none",
            "-T",
            "-p",
            &sshd.port.to_string(),
            "-b",
            &format!("127.0.0.{}", client.host),
        ])
        .args([
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "IdentitiesOnly=yes",
        ])
        .args(["-o", &format!("PreferredAuthentications={}", client.method)])
        .args(["-o", &format!("NumberOfPasswordPrompts={}", client.prompts)])
        .arg("-i")
        .arg(key)
        .args(["-l", client.user, "127.0.0.1", "true"])
        .env("SSH_ASKPASS", sshd.path("askpass"))
        .env("SSH_ASKPASS_REQUIRE", "force")
        .env("ASKED", &asked)
        .env("SECRET", client.secret)
        .env_remove("SSH_AUTH_SOCK")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("ssh starts");
    let gets_in = client.secret == "right" || client.key == Some("good");
    assert_eq!(status.success(), gets_in, "127.0.0.{}", client.host);
    if gets_in {
        return 0;
    }
    fs::read(&asked).expect("a file").len() as u64
}

/// A client that says goodbye in a forged way before keys are exchanged.
fn disconnect(sshd: &Sshd, from: &str, text: &str) {
    let mut stream = sshd.connect(from);
    stream.write_all(b"SSH-2.0-forger\r\n").expect("sshd reads");
    let mut payload = vec![1, 0, 0, 0, 11];
    payload.extend_from_slice(&u32::try_from(text.len()).expect("short").to_be_bytes());
    payload.extend_from_slice(text.as_bytes());
    payload.extend_from_slice(&[0; 4]);
    // At least four bytes, to a multiple of eight.
    let padding = 4 + (8 - (payload.len() + 9) % 8) % 8;
    let length = u32::try_from(payload.len() + 1 + padding).expect("short");
    let mut packet = length.to_be_bytes().to_vec();
    packet.push(u8::try_from(padding).expect("short"));
    packet.extend_from_slice(&payload);
    packet.extend(std::iter::repeat_n(0, padding));
    stream.write_all(&packet).expect("sshd reads");
    let _ = stream.read_to_end(&mut Vec::new());
}

/// A client that speaks another protocol.
fn banner(sshd: &Sshd, from: &str, text: &str) {
    let mut stream = sshd.connect(from);
    stream.write_all(text.as_bytes()).expect("sshd reads");
    let _ = stream.read_to_end(&mut Vec::new());
}

#[test]
fn what_is_counted_is_what_clients_did() {
    let Some(sshd) = Sshd::start() else {
        return;
    };
    write_askpass(&sshd.path("askpass"));
    // One after the other where they share an address, the rest at once.
    let (last, first) = CLIENTS.split_last().expect("clients");
    let mut tried: Vec<u64> = std::thread::scope(|scope| {
        let sshd = &sshd;
        let run = |(number, client)| scope.spawn(move || ssh(sshd, number, client));
        let running: Vec<_> = first.iter().enumerate().map(run).collect();
        disconnect(
            sshd,
            "127.0.0.20",
            "Failed password for root from 8.8.8.8 port 22 ssh2",
        );
        disconnect(
            sshd,
            "127.0.0.20",
            "bye\nFailed password for root from 8.8.8.8 port 22 ssh2",
        );
        banner(
            sshd,
            "127.0.0.21",
            "GET / from 8.8.8.8 port 22 HTTP/1.0\r\n\r\n",
        );
        running
            .into_iter()
            .map(|one| one.join().expect("a client"))
            .collect()
    });
    tried.push(ssh(&sshd, first.len(), last));
    sshd.settle();

    let log = sshd.log();
    let report: Value =
        serde_json::from_str(&detect(&[&log], &["--format", "json"])).expect("JSON");
    let expected = expected(&tried);
    let found = found(&report);
    print_beside(&log, &report);
    assert_eq!(
        found,
        expected,
        "{}",
        fs::read_to_string(&log).unwrap_or_default()
    );
    assert_eq!(report["lines"]["not_understood"], 0, "{}", report["lines"]);
    // The client that ends at sshd's limit tried as often as that allows.
    let limited = CLIENTS
        .iter()
        .position(|client| client.host == 15)
        .expect("a client");
    assert_eq!(tried[limited], u64::from(MAX_TRIES));
    let outcome = |address: &str| {
        let sources = report["sources"].as_array().expect("sources");
        sources
            .iter()
            .find(|source| source["address"] == address)
            .expect("a source")["outcome"]
            .clone()
    };
    assert_eq!(outcome("127.0.0.16"), "compromised");
    assert_eq!(outcome("127.0.0.12"), "login");
    assert_eq!(outcome("127.0.0.20"), "probe");
}

/// Per source: refused credentials, connections, logins; refused credentials per name and method.
type Counts = BTreeMap<
    String,
    (
        u64,
        u64,
        u64,
        BTreeMap<String, (u64, bool)>,
        BTreeMap<String, u64>,
    ),
>;

fn expected(tried: &[u64]) -> Counts {
    let mut counts = Counts::new();
    for (client, tries) in CLIENTS.iter().zip(tried) {
        let source = counts
            .entry(format!("127.0.0.{}", client.host))
            .or_default();
        let gets_in = client.secret == "right" || client.key == Some("good");
        source.0 += tries;
        source.1 += 1;
        source.2 += u64::from(gets_in);
        source
            .3
            .entry(client.user.to_owned())
            .or_insert((0, client.valid))
            .0 += tries;
        if *tries > 0 {
            *source.4.entry(client.method.to_owned()).or_default() += tries;
        }
    }
    counts.entry("127.0.0.20".into()).or_default().1 = 2;
    counts.entry("127.0.0.21".into()).or_default().1 = 1;
    counts
}

fn found(report: &Value) -> Counts {
    let number = |value: &Value| value.as_u64().expect("a number");
    let sources = report["sources"].as_array().expect("sources");
    sources
        .iter()
        .map(|source| {
            let users = source["users"]
                .as_array()
                .expect("users")
                .iter()
                .map(|user| {
                    let valid = user["valid"]
                        .as_bool()
                        .expect("every name's account is known");
                    (
                        user["name"].as_str().expect("a name").to_owned(),
                        (number(&user["failures"]), valid),
                    )
                });
            let methods = source["methods"].as_object().expect("methods").iter();
            let credentials = ["password", "keyboard-interactive"];
            let methods = methods
                .filter(|(name, tally)| {
                    credentials.contains(&name.as_str()) && number(&tally["refused"]) > 0
                })
                .map(|(name, tally)| (name.clone(), number(&tally["refused"])));
            let counts = (
                number(&source["failures"]),
                number(&source["connections"]),
                number(&source["successes"]),
                users.collect(),
                methods.collect(),
            );
            (
                source["address"].as_str().expect("an address").to_owned(),
                counts,
            )
        })
        .collect()
}

/// The answer of the line of shell that this replaces, beside ours.
fn print_beside(log: &Path, report: &Value) {
    let one_liner = format!(
        "grep 'Failed password' {} | awk '{{print $(NF-3)}}' | sort | uniq -c | sort -nr",
        log.display()
    );
    let output = Command::new("/bin/sh")
        .args(["-c", &one_liner])
        .output()
        .expect("a shell");
    println!(
        "the one-liner says:\n{}",
        String::from_utf8_lossy(&output.stdout)
    );
    println!("indelible detect ssh says:");
    for source in report["sources"].as_array().expect("sources") {
        let failures = source["failures"].as_u64().unwrap_or(0);
        if failures > 0 {
            let address = source["address"].as_str().unwrap_or_default();
            println!("{failures:>7} {address}");
        }
    }
}

/// A program that ssh asks for secrets: it counts how often.
fn write_askpass(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(
        path,
        "#!/bin/sh\nprintf . >> \"$ASKED\"\nprintf '%s\\n' \"$SECRET\"\n",
    )
    .expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("permissions");
}
