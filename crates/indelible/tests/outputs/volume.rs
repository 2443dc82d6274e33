//! What an output leaves out is told: conditions, rates, and entries that it came too late for.

use super::host::{Host, wait_for};

/// Events of auditd's log: `count` with one key each.
pub(crate) fn events(key: &str, serials: std::ops::Range<u32>) -> String {
    serials
        .map(|serial| {
            format!(
                "type=SYSCALL msg=audit(1700000000.123:{serial}): arch=c000003e syscall=257 success=yes exit=3 pid=1 auid=1000 uid=0 comm=\"x\" exe=\"/bin/x\" key=\"{key}\"\n\
                 type=EXECVE msg=audit(1700000000.123:{serial}): argc=2 a0=\"x\" a1=\"--password=secret{serial}\"\n\
                 type=EOE msg=audit(1700000000.123:{serial}): \n"
            )
        })
        .collect()
}

/// A condition and a rate: what passes arrives whole and masked, what does not is in gap entries,
/// and together they are everything.
#[test]
fn what_is_left_out_is_counted() {
    let mut host = Host::new(
        "capture = \"file:FOLDER/audit.log\"\n\
         [[outputs]]\nname = \"few\"\nto = [\"file:FOLDER/few.log\"]\nformat = \"audit\"\nwhere = 'key != \"noise\"'\n\
         limits = [{ by = \"key\", value = \"busy\", per-second = 1, burst = 20 }]\n\
         [[outputs]]\nname = \"all\"\nto = [\"file:FOLDER/all.log\"]\nformat = \"audit\"\n",
    );
    let log = events("noise", 0..300) + &events("busy", 300..400) + &events("calm", 400..450);
    std::fs::write(host.path("audit.log"), log).unwrap();
    host.start_role("capture");
    host.start_worker();
    let of = |name: &str, key: &str| {
        let lines = host.lines(name);
        let quoted = format!("key=\"{key}\"");
        lines.iter().filter(|line| line.contains(&quoted)).count()
    };
    wait_for("the events", || {
        of("few.log", "calm") == 50 && of("all.log", "calm") == 50
    });
    let passed = of("few.log", "busy");
    assert!((20..30).contains(&passed), "{passed}");
    assert_eq!((of("few.log", "noise"), of("all.log", "noise")), (0, 300));
    let lines = host.lines("few.log");
    assert!(
        lines
            .iter()
            .any(|line| line.contains("a1=\"--password=****\""))
    );
    assert!(
        !host
            .lines("all.log")
            .iter()
            .any(|line| line.contains("secret"))
    );

    // Told within ten seconds, or when the worker stops; to every output.
    host.stop_worker();
    host.start_worker();
    let gaps = || -> Vec<serde_json::Value> {
        let lines = host.lines("all.log");
        let objects = lines.iter().filter(|line| line.starts_with('{'));
        objects
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    wait_for("the gap entries", || gaps().len() >= 2);
    let count = |reason: &str, key: &str| -> u64 {
        let gaps = gaps();
        let found = gaps
            .iter()
            .filter(|gap| gap["reason"] == reason && gap["key"] == key);
        found.map(|gap| gap["count"].as_u64().unwrap()).sum()
    };
    assert_eq!(count("filtered", "noise"), 300);
    assert_eq!(count("rate-limited", "busy") as usize, 100 - passed);
    let gaps = gaps();
    let filtered = gaps.iter().find(|gap| gap["reason"] == "filtered").unwrap();
    assert_eq!(filtered["serials"], serde_json::json!([[0, 299]]));
    assert_eq!(filtered["output"], "few");
}

/// More than the spool may hold is read at once: it waits, and goes on as what is delivered makes room.
#[test]
fn a_full_spool_goes_on_as_it_is_emptied() {
    let mut host = Host::new(
        "[limits]\nmax-bytes = 1000000\nhistory-bytes = 0\n\
         [[outputs]]\nname = \"kept\"\nto = [\"file:FOLDER/kept.log\"]\nformat = \"audit\"\nrequired = true\n",
    );
    const COUNT: usize = 40_000;
    host.start_sources();
    host.log(0..COUNT);
    host.start_worker();
    wait_for("the lines", || {
        super::host::numbers(&host.path("kept.log")).len() == COUNT
    });
}

/// An output that is not required and comes too late skips, and says how much.
#[test]
fn an_output_that_lags_too_far_skips() {
    let dead = indelible_testkit::free_port();
    let mut host = Host::new(&format!(
        "[limits]\nmax-bytes = 1000000\nhistory-bytes = 0\n\
         [[outputs]]\nname = \"late\"\nto = [\"tcp:127.0.0.1:{dead}\"]\nframing = \"lines\"\nformat = \"rfc5424\"\n\
         [[outputs]]\nname = \"kept\"\nto = [\"file:FOLDER/kept.log\"]\nformat = \"audit\"\nrequired = true\n"
    ));
    const COUNT: usize = 20_000;
    host.start_sources();
    host.start_worker();
    for round in 0..4 {
        host.log(round * COUNT / 4..(round + 1) * COUNT / 4);
        wait_for("the lines", || {
            super::host::numbers(&host.path("kept.log")).len() >= (round + 1) * COUNT / 4
        });
    }
    // What everybody who is required has is gone; now the late one comes.
    wait_for("an emptied spool", || {
        host.status()["streams"]
            .as_array()
            .unwrap()
            .iter()
            .any(|stream| stream["oldest"].as_u64() > Some(5_000))
    });
    let listener = std::net::TcpListener::bind(("127.0.0.1", dead)).unwrap();
    let received = std::thread::spawn(move || {
        use std::io::BufRead;
        let (stream, _) = listener.accept().unwrap();
        let timeout = Some(std::time::Duration::from_secs(60));
        stream.set_read_timeout(timeout).unwrap();
        let (mut gap, mut numbers) = (None, 0);
        for line in std::io::BufReader::new(stream).lines() {
            let line = line.unwrap();
            numbers += usize::from(line.contains("nr="));
            if line.contains("\"reason\":\"skipped\"") {
                gap = Some(line);
                break;
            }
        }
        (numbers, gap)
    });
    let (numbers, gap) = received.join().unwrap();
    assert!(numbers < COUNT);
    let gap = gap.unwrap();
    assert!(gap.contains("\"output\":\"late\""), "{gap}");
    assert_eq!(super::host::numbers(&host.path("kept.log")).len(), COUNT);
    wait_for("the count", || {
        host.output("late")["state"]["skipped_entries"].as_u64() > Some(5_000)
    });
}

/// `top` counts what comes while it looks.
#[test]
fn top_shows_who_makes_the_most_events() {
    use std::io::Read as _;
    use std::process::{Command, Stdio};

    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.log");
    std::fs::write(&log, events("before", 0..10)).unwrap();
    let mut top = Command::new(env!("CARGO_BIN_EXE_indelible"))
        .args([
            "top",
            "--once",
            "--interval",
            "3",
            "--lines",
            "1",
            "--format",
            "json",
            "--input",
        ])
        .arg(&log)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let mut file = std::fs::File::options().append(true).open(&log).unwrap();
    let text = events("most", 10..40) + &events("few", 40..45);
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    let mut shown = String::new();
    top.stdout
        .take()
        .unwrap()
        .read_to_string(&mut shown)
        .unwrap();
    assert!(top.wait().unwrap().success());
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../../../docs/schemas/top.json")).unwrap();
    assert_eq!(
        indelible_testkit::schema::differences(&schema, &shown),
        [""; 0]
    );
    assert_eq!(shown["events"], 35);
    let keys = &shown["key"];
    assert_eq!(keys["values"][0]["value"], "most");
    assert!(keys["others"]["events_per_second"].as_f64().unwrap() > 1.0);
    assert_eq!(shown["exe"]["values"][0]["value"], "/bin/x");
}
