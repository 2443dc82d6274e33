//! `indelible config`: shipped examples are right, mistakes have a place, layers are told apart.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn config(words: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let output: Output = Command::new(env!("CARGO_BIN_EXE_indelible"))
        .arg("config")
        .args(words)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
fn shipped_configurations_are_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/etc");
    for daemon in ["agent", "collector"] {
        let path = folder.join(format!("{daemon}.toml"));
        let (code, text) = config(&["check", path.to_str().unwrap()], &[]);
        assert_eq!(code, Some(0), "{text}");
        // Each key that stands there as a comment is one that there is.
        let uncommented: String = fs::read_to_string(&path)
            .unwrap()
            .lines()
            .filter(|line| {
                !line.starts_with("#   ") && !line.starts_with("# [") || line.ends_with(']')
            })
            .map(|line| match line.strip_prefix("# ") {
                Some(key) if key.contains(" = ") && !key.starts_with(char::is_uppercase) => {
                    format!("{key}\n")
                }
                Some(table) if table.starts_with('[') => format!("{table}\n"),
                _ if line.starts_with('#') => "\n".into(),
                _ => format!("{line}\n"),
            })
            .collect();
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join(format!("{daemon}.toml"));
        // A key that is set above is set once only.
        let text = first_of_each_key(&uncommented);
        fs::write(&path, &text).unwrap();
        let (code, said) = config(&["check", path.to_str().unwrap()], &[]);
        assert_eq!(code, Some(0), "{said}{text}");
    }
}

fn first_of_each_key(text: &str) -> String {
    let mut seen = Vec::new();
    let mut table = String::new();
    let mut out = String::new();
    for line in text.lines() {
        if line.starts_with('[') {
            line.clone_into(&mut table);
        }
        if let Some((key, _)) = line.split_once(" = ") {
            let key = format!("{table}{key}");
            if seen.contains(&key) {
                continue;
            }
            seen.push(key);
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

#[test]
fn mistakes_have_a_place_and_layers_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.toml");
    let shown = path.to_str().unwrap();
    fs::write(&path, "spool = '/s'\nspol = 1\n").unwrap();
    let (code, text) = config(&["check", shown], &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("agent.toml:2:1: error: unknown field `spol`"),
        "{text}"
    );

    fs::write(&path, "spool = '/s'\n").unwrap();
    fs::create_dir(folder.path().join("agent.conf.d")).unwrap();
    fs::write(
        folder.path().join("agent.conf.d/a.toml"),
        "capture = 'observe'\n",
    )
    .unwrap();
    let (code, text) = config(
        &["show", "--origin", shown],
        &[("INDELIBLE_AGENT__LIMITS__MAX_BYTES", "7")],
    );
    assert_eq!(code, Some(0), "{text}");
    for line in [
        "agent.conf.d/a.toml:1:11",
        "limits.max-bytes = 7  # environment variable INDELIBLE_AGENT__LIMITS__MAX_BYTES",
        "worker-user = \"nobody\"  # default",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let (code, text) = config(&["check", shown], &[("INDELIBLE_AGENT__SPOL", "1")]);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("environment variable INDELIBLE_AGENT__SPOL"),
        "{text}"
    );
    let (code, _) = config(&["check", "/nowhere/agent.toml"], &[]);
    assert_eq!(code, Some(2));
}

#[test]
fn schemas_are_printed() {
    for daemon in ["agent", "collector"] {
        let (code, text) = config(&["schema", daemon], &[]);
        assert_eq!(code, Some(0));
        let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(schema["additionalProperties"], false);
    }
}
