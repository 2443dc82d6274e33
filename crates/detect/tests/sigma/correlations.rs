//! Correlations over rules.

use super::kit::{PROCESS, engine, exec, findings, refused, rule};

fn with(correlation: &str) -> String {
    format!(
        "{}---\n{}---\ntitle: C\nname: c\nlevel: high\ncorrelation: {correlation}\n",
        rule(PROCESS, "{s: {Image|endswith: /cat}, condition: s}")
            .replace("name: n", "name: read")
            .replace("id: i", "id: j"),
        rule(PROCESS, "{s: {Image|endswith: /curl}, condition: s}")
            .replace("name: n", "name: send"),
    )
}

fn lines(programs: &[&str]) -> String {
    programs
        .iter()
        .enumerate()
        .map(|(place, exe)| exec(place as u32 + 1, 10, 1, exe, &["x"]))
        .collect()
}

fn check(correlation: &str, programs: &[&str], expect: &[&str]) {
    let mut engine = engine(&with(correlation));
    assert!(engine.refused().is_empty(), "{:?}", engine.refused());
    let found: Vec<String> = findings(&mut engine, &lines(programs))
        .iter()
        .map(|finding| finding.rule.title.clone())
        .collect();
    assert_eq!(found, expect, "{correlation}");
}

#[test]
fn counts_and_order() {
    let (cat, curl) = ("/bin/cat", "/bin/curl");
    check(
        "{type: event_count, rules: [read], group-by: [User], timespan: 1m, condition: {gte: 3}}",
        &[cat, cat, curl, cat],
        &["T", "C"],
    );
    check(
        "{type: event_count, rules: [read, send], timespan: 1m, generate: true, condition: {gte: 2}}",
        &[cat, curl],
        &["T", "C", "T"],
    );
    check(
        "{type: temporal, rules: [send, read], group-by: [User], timespan: 1m}",
        &[cat, curl],
        &["C"],
    );
    check(
        "{type: temporal_ordered, rules: [send, read], group-by: [User], timespan: 1m}",
        &[cat, curl],
        &[],
    );
    check(
        "{type: temporal_ordered, rules: [read, send], group-by: [User], timespan: 1m}",
        &[cat, curl],
        &["C"],
    );
    check(
        "{type: value_count, rules: [read, send], group-by: [LogonId], timespan: 1m, condition: {gte: 2, field: Image}}",
        &[cat, cat, curl],
        &["C"],
    );
    check(
        "{type: temporal, rules: [send, read], group-by: [who], timespan: 1m, aliases: {who: {read: User, send: ProcessId}}}",
        &[cat, curl],
        &[],
    );
}

#[test]
fn chains_of_correlations() {
    let text = format!(
        "{}---\ntitle: D\ncorrelation: {{type: temporal_ordered, rules: [c, send], group-by: [User], timespan: 1m}}\n",
        with(
            "{type: event_count, rules: [read], group-by: [User], timespan: 1m, condition: {gte: 2}}"
        )
    );
    let mut engine = engine(&text);
    assert!(engine.refused().is_empty(), "{:?}", engine.refused());
    let found = findings(&mut engine, &lines(&["/bin/cat", "/bin/cat", "/bin/curl"]));
    let titles: Vec<&str> = found
        .iter()
        .map(|finding| finding.rule.title.as_str())
        .collect();
    assert_eq!(titles, ["D"]);
    let correlated = found[0].correlated.as_ref().expect("correlated");
    assert_eq!(correlated.stamps.len(), 2);
}

#[test]
fn what_is_refused() {
    refused(
        "title: C\ncorrelation: {type: event_count, rules: [x], timespan: 1m, condition: {gte: 1}}",
        "refers to \"x\"",
    );
    refused(
        "title: C\nname: c\ncorrelation: {type: event_count, rules: [c], timespan: 1m, condition: {gte: 1}}",
        "refers to",
    );
    refused(
        &with(
            "{type: event_count, rules: [read], group-by: [Hashes], timespan: 1m, condition: {gte: 1}}",
        ),
        "gives no Hashes",
    );
}
