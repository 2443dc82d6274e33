//! `--role sources`: files by pattern, syslog sockets, the journal, the kernel's messages.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;

use super::agent::{Agent, Spooled, wait_for};

#[test]
fn files_by_pattern_across_rotation_and_kills() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    fs::create_dir(&logs).unwrap();
    let log = |name: &str| logs.join(name);
    let append = |name: &str, line: &str| {
        let mut file = fs::File::options()
            .create(true)
            .append(true)
            .open(log(name))
            .unwrap();
        writeln!(file, "{line}").unwrap();
    };
    append("auth.log", "auth 1");
    append("access.log", "access 1");
    // Rotated before anybody looked: not a log of its own, and not read.
    append("auth.log.1", "old");
    let spool = folder.path().join("spool");
    let source = format!("file:{}/*", logs.display());
    let mut agent = Agent::new(&spool, "sources", &["--source", &source]);
    agent.start();
    agent.wait_for_lines(2);
    fs::rename(log("auth.log"), log("auth.log.1")).unwrap();
    // The writer has not turned to the new file yet.
    append("auth.log.1", "auth 2");
    agent.wait_for_lines(3);
    append("auth.log", "auth 3");
    agent.kill();
    fs::copy(log("access.log"), log("access.log.1")).unwrap();
    fs::write(log("access.log"), "").unwrap();
    append("access.log", "access 2");
    append("new.log", "new 1");
    agent.start();
    agent.wait_for_lines(6);
    agent.stop();
    let spooled = Spooled::read(&spool);
    let mut lines: Vec<_> = spooled
        .lines
        .iter()
        .map(|line| String::from_utf8_lossy(line))
        .collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "access 1", "access 2", "auth 1", "auth 2", "auth 3", "new 1"
        ]
    );
    assert_eq!(spooled.gaps, Vec::<String>::new());
}

#[test]
fn a_new_boot_reads_on_where_the_last_one_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let (log, spool) = (folder.path().join("app.log"), folder.path().join("spool"));
    fs::write(&log, "one\ntwo\n").unwrap();
    let source = format!("file:{}", log.display());
    let mut agent = Agent::new(&spool, "sources", &["--source", &source]);
    agent.start();
    agent.wait_for_lines(2);
    agent.stop();
    for opened in fs::read_dir(spool.join("sources/opened")).unwrap() {
        let path = opened.unwrap().path();
        let mut of_boot: serde_json::Value =
            serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        of_boot["opening"]["boot_id"] = "0".repeat(32).into();
        fs::write(&path, of_boot.to_string()).unwrap();
    }
    fs::write(&log, "one\ntwo\nthree\n").unwrap();
    agent.start();
    agent.wait_for_lines(3);
    agent.stop();
    assert_eq!(
        fs::read_dir(spool.join("sources/streams")).unwrap().count(),
        2
    );
    let mut spooled = Spooled::read(&spool);
    spooled.lines.sort();
    assert_eq!(spooled.lines, [&b"one"[..], b"three", b"two"]);
    assert_eq!(spooled.gaps, Vec::<String>::new());
}

#[test]
fn sockets_take_messages_as_they_come() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let path = folder.path().join("log");
    let [udp, tcp] =
        [(); 2].map(|()| SocketAddr::from(([127, 0, 0, 1], indelible_testkit::free_port())));
    let words = [
        "--source",
        &format!("unix:{}", path.display()),
        "--source",
        &format!("udp:{udp}"),
        "--source",
        &format!("tcp:{tcp}"),
    ];
    let mut agent = Agent::new(&spool, "sources", &words);
    agent.start();
    wait_for("the socket", || {
        path.exists() && TcpStream::connect(tcp).is_ok()
    });
    let socket = UnixDatagram::unbound().unwrap();
    socket.send_to(b"<34>su: a\nb\xff", &path).unwrap();
    UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .send_to(b"<13>udp", udp)
        .unwrap();
    let mut counted = TcpStream::connect(tcp).unwrap();
    counted.write_all(b"9 <13>a\nbcd7 <13>end").unwrap();
    let mut lines = TcpStream::connect(tcp).unwrap();
    lines.write_all(b"<13>line\n<13>").unwrap();
    lines.write_all(&[b'x'; 200_000]).unwrap();
    lines.write_all(b"\n<13>last").unwrap();
    drop((counted, lines));
    agent.wait_for_lines(7);
    agent.stop();
    let mut spooled = Spooled::read(&spool);
    spooled.lines.sort();
    let long = spooled
        .lines
        .iter()
        .position(|line| line.len() > 1000)
        .unwrap();
    // Cut, with its length and hash behind it.
    let long = spooled.lines.remove(long);
    assert_eq!(long.len(), 65_000);
    assert_eq!(long[65_000 - 36..65_000 - 32], 200_004u32.to_be_bytes());
    let expected: [&[u8]; 6] = [
        b"<13>a\nbcd",
        b"<13>end",
        b"<13>last",
        b"<13>line",
        b"<13>udp",
        b"<34>su: a\nb\xff",
    ];
    assert_eq!(spooled.lines, expected);
    // A socket that nobody listens on any more is taken over.
    agent.start();
    wait_for("the socket", || socket.send_to(b"<13>again", &path).is_ok());
    agent.wait_for_lines(8);
    agent.stop();
}

/// A journalctl of the test's own: it prints ten entries after the cursor and ends.
#[test]
fn the_journal_goes_on_behind_its_cursor() {
    let folder = tempfile::tempdir().unwrap();
    let tool = folder.path().join("journalctl");
    fs::write(
        &tool,
        "#!/bin/sh\nfrom=1\nfor word; do case $last in --after-cursor) from=$((word + 1));; esac; last=$word; done\n\
         n=$from\nwhile [ $n -lt $((from + 10)) ] && [ $n -le 25 ]; do\n\
         echo \"{\\\"__CURSOR\\\":\\\"$n\\\",\\\"MESSAGE\\\":\\\"entry $n\\\"}\"; n=$((n + 1)); done\n\
         [ $n -le 25 ] || exec sleep 60\n",
    )
    .unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    let spool = folder.path().join("spool");
    let mut agent = Agent::new(&spool, "sources", &["--source", "journal"]);
    let path = std::env::var("PATH").unwrap();
    agent.set("PATH", &format!("{}:{path}", folder.path().display()));
    agent.start();
    agent.wait_for_lines(10);
    agent.kill();
    agent.start();
    agent.wait_for_lines(25);
    agent.stop();
    let lines = Spooled::read(&spool).lines;
    let expected: Vec<_> = (1..=25)
        .map(|n| format!("{{\"__CURSOR\":\"{n}\",\"MESSAGE\":\"entry {n}\"}}").into_bytes())
        .collect();
    assert_eq!(lines, expected);
}

#[test]
fn the_kernels_messages_are_read_once() {
    if fs::File::open("/dev/kmsg")
        .and_then(|mut file| {
            use std::io::Read;
            file.read(&mut [0; 16 << 10])
        })
        .is_err()
    {
        eprintln!("skipped: the_kernels_messages_are_read_once: /dev/kmsg cannot be read");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let mut agent = Agent::new(&spool, "sources", &["--source", "kmsg"]);
    for _ in 0..2 {
        agent.start();
        agent.wait_for_lines(1);
        std::thread::sleep(std::time::Duration::from_millis(500));
        agent.kill();
    }
    let lines = Spooled::read(&spool).lines;
    let mut numbers: Vec<u64> = lines
        .iter()
        .map(|line| {
            let text = String::from_utf8_lossy(line);
            text.split(',').nth(1).unwrap().parse().unwrap()
        })
        .collect();
    let count = numbers.len();
    numbers.dedup();
    assert!(numbers.is_sorted());
    assert_eq!(numbers.len(), count);
}
