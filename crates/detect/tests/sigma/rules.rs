//! Rules as a whole: what they find, what is refused and why.

use super::kit::{AUDITD, PROCESS, check, engine, exec, findings, refused, rule};

#[test]
fn modifiers_over_a_command_line() {
    let lines = exec(
        1,
        10,
        1,
        "/usr/bin/curl",
        &["curl", "-s", "http://198.51.100.7/A b.SH"],
    );
    for detection in [
        "{s: {Image|endswith: /CURL}, condition: s}",
        "{s: {Image: /usr/bin/curl}, condition: s}",
        "{s: {CommandLine|contains|all: [' -s', http]}, condition: s}",
        "{s: {CommandLine|contains|cased: A b.SH}, condition: s}",
        "{s: {CommandLine|re: 'https?://\\d+\\.'}, condition: s}",
        "{s: {CommandLine|re|i: 'a B\\.sh$'}, condition: s}",
        "{s: {CommandLine: 'curl*?.SH'}, condition: s}",
        "{s: {CommandLine|windash|contains: ' /s'}, condition: s}",
        "{s: {Image|neq: /bin/sh}, condition: s}",
        "{s: {Image|exists: true, ParentImage|exists: false}, condition: s}",
        "{s: {ParentImage: null}, condition: s}",
        "{s: {ProcessId|gte: 10, ProcessId|lt: 0x0b}, condition: s}",
        "{s: {ProcessId: 10, User: 33, CurrentDirectory: /srv/www, LogonId: 3}, condition: s}",
        "{s: {CommandLine|fieldref|startswith|neq: Image}, condition: s}",
        "{s: {UtcTime|year: 2023, UtcTime|month: 11, UtcTime|hour: 22}, condition: s}",
        "{a: {Image|endswith: /sh}, b: {Image|endswith: /curl}, f: {User: root}, condition: 1 of them and not f}",
        "{k: [nothing, 198.51.100], condition: k}",
        "{s: [{Image: x}, {Image|contains: curl}], condition: s}",
    ] {
        check(PROCESS, detection, &lines, 1);
    }
    for detection in [
        "{s: {CommandLine|contains|cased: a b.sh}, condition: s}",
        "{s: {CommandLine|contains|all: [' -s', ftp]}, condition: s}",
        "{s: {Image: curl}, condition: s}",
        "{s: {Image|exists: false}, condition: s}",
        "{s: {UtcTime|hour: 23}, condition: s}",
    ] {
        check(PROCESS, detection, &lines, 0);
    }
}

#[test]
fn encoded_values() {
    let lines = exec(
        1,
        10,
        1,
        "/bin/sh",
        &["sh", "-c", "echo L2Jpbi9zaCAtaQ== | base64 -d"],
    );
    check(
        PROCESS,
        "{s: {CommandLine|base64offset|contains: /bin/sh}, condition: s}",
        &lines,
        1,
    );
    check(
        PROCESS,
        "{s: {CommandLine|base64|contains: /bin/sh -i}, condition: s}",
        &lines,
        1,
    );
    check(
        PROCESS,
        "{s: {CommandLine|base64|contains: /bin/bash}, condition: s}",
        &lines,
        0,
    );
}

#[test]
fn addresses() {
    let lines = "type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=42 success=no exit=-115 a0=3 ppid=1 pid=7 uid=0 exe=\"/usr/bin/nc\"
        type=SOCKADDR msg=audit(1.000:1): saddr=020001BB0A0102030000000000000000";
    let network = "{product: linux, category: network_connection}";
    check(
        network,
        "{s: {DestinationIp|cidr: [192.0.2.0/24, 10.1.0.0/16], DestinationPort: 443, Initiated: 'true'}, condition: s}",
        lines,
        1,
    );
    check(
        network,
        "{s: {DestinationIp|cidr: 10.2.0.0/16}, condition: s}",
        lines,
        0,
    );
    check(
        network,
        "{s: {DestinationIp: 10.1.2.3, Image|endswith: /nc, User: root}, condition: s}",
        lines,
        1,
    );
}

#[test]
fn what_is_refused() {
    let detection = |text: &str| rule(PROCESS, text);
    refused(
        &detection("{s: {CommandLine|expand: '%x%'}, condition: s}"),
        "placeholders",
    );
    refused(
        &detection("{s: {CommandLine|like: x}, condition: s}"),
        "no modifier \"like\"",
    );
    refused(
        &detection("{s: {CommandLine|re: '(?=x)'}, condition: s}"),
        "look-around",
    );
    refused(
        &detection("{s: {CommandLine|re: '(a{1000}){1000}'}, condition: s}"),
        "size limit",
    );
    refused(
        &detection("{s: {Image: x}, condition: s | count() > 5}"),
        "Sigma 1",
    );
    refused(&detection("{s: {Image: x}}"), "no condition");
    refused(
        &detection("{s: {Image: x}, condition: t}"),
        "no detection \"t\"",
    );
    refused(
        &detection("{s: {Hashes|contains: x}, condition: s}"),
        "have no Hashes",
    );
    refused(
        &rule(
            "{product: linux, category: network_connection}",
            "{s: {DestinationHostname: x}, condition: s}",
        ),
        "not the names that were asked for",
    );
    refused(
        &rule(
            "{product: windows, category: process_creation}",
            "{s: {Image: x}, condition: s}",
        ),
        "of linux",
    );
    refused(
        &rule("{product: linux, service: cron}", "{k: [x], condition: k}"),
        "text log",
    );
    refused("title: T", "no logsource");
    refused("title: T\nlogsource: {product: linux}", "neither detection");
    refused("logsource: {product: linux}", "no title");
    refused("action: global", "Sigma 1");
    refused(
        "title: T\nlevel: urgent\nlogsource: {product: linux}",
        "no level",
    );
    refused("a: [", "line");
    let engine = engine(&rule(
        "{product: linux, service: cron}",
        "{k: [x], condition: k}",
    ));
    assert!(engine.refused()[0].sound);
}

#[test]
fn a_finding_says_who_wrote_the_rule_and_what_was_seen() {
    let text = "title: Shell\nid: 0e95725d\nauthor: Somebody\nlicense: MIT\nlevel: high\ntags: [attack.t1059.004, attack.execution]\n\
        logsource: {product: linux, category: process_creation}\ndetection: {s: {Image|endswith: /sh}, condition: s}";
    let mut engine = engine(text);
    let lines = exec(7, 10, 1, "/bin/sh", &["sh"]);
    let found = findings(&mut engine, &lines);
    let finding = &found[0];
    assert_eq!(finding.rule.author.as_deref(), Some("Somebody"));
    assert_eq!(finding.rule.license.as_deref(), Some("MIT"));
    assert_eq!(finding.rule.techniques().collect::<Vec<_>>(), ["T1059.004"]);
    assert_eq!(finding.stamp.expect("a stamp").serial, 7);
    let image = finding
        .fields
        .iter()
        .find(|field| field.0 == "Image")
        .expect("Image");
    assert_eq!(image.1, b"/bin/sh");
}

#[test]
fn filters_narrow_rules() {
    let rules = format!(
        "{}---\ntitle: F\nlogsource: {{product: linux}}\nfilter: {{rules: [i], selection: {{Image|startswith: /opt/}}, condition: not selection}}\n\
         ---\ntitle: G\nlogsource: {{product: windows}}\nfilter: {{rules: any, selection: {{Image: x}}, condition: selection}}\n",
        rule(PROCESS, "{s: {Image|endswith: /sh}, condition: s}")
    );
    let mut engine = engine(&rules);
    assert_eq!(engine.refused().len(), 1, "{:?}", engine.refused());
    assert_eq!(
        findings(&mut engine, &exec(1, 10, 1, "/opt/sh", &["sh"])).len(),
        0
    );
    assert_eq!(
        findings(&mut engine, &exec(2, 10, 1, "/bin/sh", &["sh"])).len(),
        1
    );
}

#[test]
fn records_by_themselves() {
    let lines = exec(1, 10, 1, "/usr/bin/chmod", &["chmod", "777", "/tmp/a b"]);
    check(
        AUDITD,
        "{s: {type: EXECVE, a0: chmod, a1: 777}, condition: s}",
        &lines,
        1,
    );
    check(
        AUDITD,
        "{s: {type: EXECVE, a2|endswith: 'a b'}, condition: s}",
        &lines,
        1,
    );
    check(
        AUDITD,
        "{s: {type: SYSCALL, SYSCALL: execve, euid: 33}, condition: s}",
        &lines,
        1,
    );
    check(
        AUDITD,
        "{s: {type: PATH, name: '/usr/bin/*'}, condition: s}",
        &lines,
        1,
    );
    check(AUDITD, "{s: {key: exec}, condition: s}", &lines, 1);
    check(
        AUDITD,
        "{s: {type: [EXECVE, CWD]}, condition: s}",
        &lines,
        2,
    );
    check(
        AUDITD,
        "{s: {type: EXECVE}, k: {'|all': [chmod, '777']}, condition: s and k}",
        &lines,
        1,
    );
    // One record holds both, or none.
    check(
        AUDITD,
        "{s: {type: EXECVE, exe: /usr/bin/chmod}, condition: s}",
        &lines,
        0,
    );
}
