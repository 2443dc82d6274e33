//! Contexts, derived from records and a host that is none.

use super::*;

/// A host with three processes.
struct Fake;

impl Host for Fake {
    fn process(&self, pid: u32) -> Option<Seen> {
        let ppid = match pid {
            1 => 0,
            10 => 1,
            20 => 10,
            _ => return None,
        };
        let started_ms = 1_000 + u64::from(pid);
        Some(Seen { ppid, started_ms })
    }

    fn arguments(&self, pid: u32) -> Vec<Vec<u8>> {
        vec![format!("/proc/{pid}").into_bytes(), b"-x".to_vec()]
    }

    fn cgroup(&self, pid: u32) -> Vec<u8> {
        if pid == 20 {
            b"0::/system.slice/x.service\n".to_vec()
        } else {
            Vec::new()
        }
    }

    fn inspected(&mut self, pid: u32) -> Option<Inspected> {
        (pid == 20).then(|| Inspected {
            exe: Some("/bin/x".into()),
            environment: vec![("LD_PRELOAD".into(), "/tmp/a.so".into())],
            exe_sha256: Some("ab".repeat(32)),
        })
    }

    fn user(&self, uid: u32) -> Option<String> {
        (uid == 0).then(|| "root".into())
    }

    fn group(&self, gid: u32) -> Option<String> {
        (gid == 7).then(|| "seven".into())
    }

    fn look_again(&mut self) {}
}

fn syscall(serial: u32, call: &str, ppid: u32, pid: u32, exe: &str) -> String {
    format!(
        "audit(5.000:{serial}): arch=c000003e syscall={call} success=yes exit=99 a0=1 items=1 ppid={ppid} \
         pid={pid} auid=4294967295 uid=0 gid=7 euid=0 suid=0 fsuid=0 egid=7 sgid=7 fsgid=7 tty=(none) \
         ses=1 comm=\"c\" exe=\"{exe}\" key=\"k\""
    )
}

fn feed(deriver: &mut Deriver<Fake>, records: &[(u16, String)]) -> Vec<Context> {
    let records = records.iter();
    records
        .filter_map(|(kind, text)| deriver.record(*kind, text.as_bytes()))
        .collect()
}

fn end(serial: u32) -> (u16, String) {
    (EOE, format!("audit(5.000:{serial}): "))
}

#[test]
fn a_process_is_described_once_and_again_when_it_changes() {
    let mut deriver = Deriver::new(Fake, "b");
    let open = |serial| (SYSCALL, syscall(serial, "257", 10, 20, "/bin/x"));
    let found = feed(&mut deriver, &[open(1), end(1), open(2), end(2)]);
    let [context] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!((context.serial, context.time_ms), (1, 5_000));
    assert_eq!(context.process.exe.as_deref(), Some("/bin/x"));
    assert_eq!(context.process.argv, ["/proc/20", "-x"]);
    assert_eq!(context.process.started_ms, Some(1_020));
    assert_eq!(context.unit.as_deref(), Some("x.service"));
    assert_eq!(context.process.environment["LD_PRELOAD"], "/tmp/a.so");
    assert_eq!(context.process.exe_sha256, Some("ab".repeat(32)));
    assert_eq!(context.users, [(0, "root".to_owned())].into());
    assert_eq!(context.groups, [(7, "seven".to_owned())].into());
    let parents: Vec<u32> = context.parents.iter().map(|parent| parent.pid).collect();
    assert_eq!(parents, [10, 1]);

    // Another program in the same process, by an execution that another event's records cut into.
    let records = [
        (SYSCALL, syscall(3, "59", 10, 20, "/usr/bin/python3")),
        (
            EXECVE,
            "audit(5.000:3): argc=3 a0=\"/usr/bin/python3\" a1=\"/opt/s.py\" a2=78FF".into(),
        ),
        (
            PATH,
            "audit(5.000:3): item=0 name=\"/opt/s.py\" inode=1".into(),
        ),
        (
            PATH,
            "audit(5.000:3): item=1 name=\"/usr/bin/python3\" inode=2".into(),
        ),
        end(3),
    ];
    let found = feed(&mut deriver, &records);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        found[0].process.argv,
        ["/usr/bin/python3", "/opt/s.py", "x\u{fffd}"]
    );
    assert_eq!(found[0].process.script.as_deref(), Some("/opt/s.py"));
    // The helper speaks of the program that ran before.
    assert_eq!(found[0].process.exe_sha256, None);
    // The same program anew: the record of the call looks the same, the arguments do not.
    let again = [
        (SYSCALL, syscall(4, "59", 10, 20, "/usr/bin/python3")),
        (EXECVE, "audit(5.000:4): argc=1 a0=\"other\"".into()),
        end(4),
    ];
    let found = feed(&mut deriver, &again);
    assert_eq!(found[0].process.argv, ["other"]);
}

#[test]
fn a_process_that_is_gone_is_known_from_its_records() {
    let mut deriver = Deriver::new(Fake, "b");
    // 20 forks 99, which the host does not have any more when its records come.
    let records = [
        (SYSCALL, syscall(1, "56", 10, 20, "/bin/sh")),
        end(1),
        (SYSCALL, syscall(2, "59", 20, 99, "/bin/ls")),
        (EXECVE, "audit(5.000:2): argc=1 a0=\"ls\"".into()),
        end(2),
        (SYSCALL, syscall(3, "257", 99, 100, "/bin/cat")),
        end(3),
    ];
    let found = feed(&mut deriver, &records);
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[1].process.argv, ["ls"]);
    let parents: Vec<_> = found[2]
        .parents
        .iter()
        .map(|parent| (parent.pid, parent.exe.as_deref(), parent.argv.first()))
        .collect();
    let (ls, sh) = ("ls".to_owned(), "/proc/20".to_owned());
    assert_eq!(
        parents,
        [
            (99, Some("/bin/ls"), Some(&ls)),
            (20, Some("/bin/sh"), Some(&sh))
        ]
    );
}

#[test]
fn any_record_is_taken_and_nothing_grows_without_bound() {
    let mut deriver = Deriver::new(Fake, "b");
    let mut made = 0;
    for serial in 0..2 * u32::try_from(PENDING_MAX).unwrap() {
        let text = syscall(serial, "1", 1, serial + 1000, "/x");
        made += usize::from(deriver.record(SYSCALL, text.as_bytes()).is_some());
    }
    assert_eq!((made, deriver.pending.len()), (PENDING_MAX, PENDING_MAX));
    for text in [
        "",
        "audit(",
        "audit(1.000:1): ppid= pid=",
        "audit(1.000:1):  ppid=1 pid=99999999999999999999 key=",
        "audit(1.000:1): a0=zz",
    ] {
        for kind in [SYSCALL, EXECVE, PATH, EOE, PROCTITLE, 0, u16::MAX] {
            deriver.record(kind, text.as_bytes());
        }
    }
}
