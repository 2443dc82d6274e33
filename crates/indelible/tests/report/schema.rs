//! JSON beside docs/schemas/report.json.

use indelible_testkit::schema;
use serde_json::Value;

use crate::cases::path;
use crate::forms::run;

/// Every report and its summary, on every log of the suite.
#[test]
fn json_is_as_its_schema_says() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/schemas/report.json"
    );
    let schema = std::fs::read_to_string(file).expect("docs/schemas/report.json");
    let schema: Value = serde_json::from_str(&schema).expect("a schema");
    let of_events = indelible_query::report::Kind::all().map(|kind| vec![kind.word()]);
    let ours = [
        vec!["logs"],
        vec!["timeline"],
        vec!["keys", "--rate"],
        vec!["logins"],
        vec!["logins", "--failed"],
    ];
    let mut rows = 0;
    for words in of_events.chain(ours) {
        let mut ways = vec![words.clone()];
        if !["logs", "timeline", "logins", "tty"].contains(&words[0]) && words.len() == 1 {
            ways.push([&words[..], &["--summary", "-i"]].concat());
        }
        for words in ways {
            for log in [
                "logins",
                "sessions",
                "accounts",
                "mac",
                "anomalies",
                "files",
                "empty",
            ] {
                let input = format!("--input={}", path(log).display());
                let (json, _) = run(&[&words[..], &["--format=json", &input]].concat());
                let value: Value = serde_json::from_str(&json)
                    .unwrap_or_else(|error| panic!("{words:?} on {log}: {error}: {json}"));
                let differences = schema::differences(&schema, &value);
                assert!(
                    differences.is_empty(),
                    "{words:?} on {log}: {differences:?}"
                );
                let of = |name: &str| value[name].as_array().map_or(0, Vec::len);
                rows += of("rows") + of("summary");
            }
        }
    }
    assert!(rows > 1000, "only {rows} rows");
}
