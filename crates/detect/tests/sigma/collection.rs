//! The community's rules for Linux: every one loads, or says why audit events are not its subject.

use std::fs;
use std::path::{Path, PathBuf};

use indelible_detect::sigma::Loader;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).expect("a folder of rules");
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yml") {
            found.push(path);
        }
    }
}

#[test]
fn every_rule_of_the_collection_loads() {
    let Ok(folder) = std::env::var("INDELIBLE_SIGMA_RULES") else {
        eprintln!("skipped: INDELIBLE_SIGMA_RULES names no folder of Sigma rules");
        return;
    };
    let mut found = Vec::new();
    files(Path::new(&folder), &mut found);
    assert!(
        found.len() > 50,
        "{folder} holds only {} rules",
        found.len()
    );
    let mut loader = Loader::default();
    for path in &found {
        loader.file(&path.to_string_lossy(), &fs::read(path).expect("a rule"));
    }
    let engine = loader.finish();
    let broken: Vec<String> = engine
        .refused()
        .iter()
        .filter(|refused| !refused.sound)
        .map(|refused| format!("{}: {}", refused.header.file, refused.why))
        .collect();
    assert!(broken.is_empty(), "{broken:#?}");
    for refused in engine.refused() {
        println!("{}: {}", refused.header.title, refused.why);
    }
    let (rules, refused) = (engine.rules().len(), engine.refused().len());
    println!("{rules} rules are evaluated, {refused} are about other things");
    assert!(rules >= found.len() * 9 / 10, "{rules} of {}", found.len());
}
