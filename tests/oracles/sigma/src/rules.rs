//! Rule files, and our engine of them.

use std::fs;
use std::path::{Path, PathBuf};

use indelible_detect::sigma::{Engine, Loader};

/// A rule file's name and text.
pub struct RuleFile {
    pub name: String,
    pub text: String,
}

/// The files of the folder, if there is one.
pub fn find() -> Option<Vec<RuleFile>> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/sigma-linux");
    let folder = std::env::var_os("INDELIBLE_SIGMA_RULES").map_or(beside, PathBuf::from);
    let mut files = Vec::new();
    collect(&folder, &mut files);
    files.sort_by(|a, b| a.name.cmp(&b.name));
    (!files.is_empty()).then_some(files)
}

fn collect(folder: &Path, files: &mut Vec<RuleFile>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "yml")
            && let Ok(text) = fs::read_to_string(&path)
        {
            let name = path.to_string_lossy().into_owned();
            files.push(RuleFile { name, text });
        }
    }
}

/// Our engine; a file that it calls broken ends the run.
pub fn ours(files: &[RuleFile]) -> Engine {
    let mut loader = Loader::default();
    for file in files {
        loader.file(&file.name, file.text.as_bytes());
    }
    let engine = loader.finish();
    for refused in engine.refused() {
        assert!(refused.sound, "{}: {}", refused.header.file, refused.why);
    }
    engine
}
