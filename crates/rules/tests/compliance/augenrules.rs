//! The real augenrules, with its paths replaced, beside ours.

use std::fs;
use std::path::Path;
use std::process::Command;

use indelible_rules::augenrules::{self, Files};
use indelible_rules::errno::Errno;
use indelible_rules::merge::RuleFile;

const SCRIPT: &str = "/usr/sbin/augenrules";

/// Files of a folder; the folder itself may be missing.
type Folder<'a> = Option<&'a [(&'a str, &'a str)]>;

struct Memory {
    folder: String,
    files: Option<Vec<RuleFile>>,
    merged: Option<Vec<u8>>,
    previous: Option<Vec<u8>>,
    out: String,
}

impl Files for Memory {
    fn folder(&self) -> String {
        self.folder.clone()
    }

    fn sources(&self) -> Option<Vec<RuleFile>> {
        self.files.clone()
    }

    fn merged(&self) -> Option<Vec<u8>> {
        self.merged.clone()
    }

    fn install(&mut self, content: &[u8]) -> Result<(), Errno> {
        self.previous = self
            .merged
            .replace(content.to_vec())
            .or(self.previous.take());
        Ok(())
    }

    fn load(&mut self) -> u8 {
        self.out += "loaded\n";
        7
    }

    fn out(&mut self, text: &str) {
        self.out += text;
    }
}

/// Runs both over the folder, twice, so that the second finds the work of the first.
fn check(scratch: &Path, args: &[&str], folder: Folder<'_>) {
    let root = scratch.join("root");
    let _ = fs::remove_dir_all(&root);
    fs::create_dir(&root).expect("a scratch folder");
    let rules = root.join("rules.d");
    let program = root.join("augenrules");
    let script = fs::read_to_string(SCRIPT)
        .expect("the script")
        .replace("/etc/audit", root.to_str().expect("a plain path"))
        .replace("/sbin/auditctl -R", "sh -c 'echo loaded; exit 7'");
    fs::write(&program, script).expect("the script with other paths");
    if let Some(files) = folder {
        fs::create_dir(&rules).expect("the folder of rules");
        for (name, text) in files {
            fs::write(rules.join(name), text).expect("a file of rules");
        }
    }
    let mut memory = Memory {
        folder: rules.to_str().expect("a plain path").to_owned(),
        files: folder.map(|files| {
            let file = |&(name, text): &(&str, &str)| RuleFile {
                name: name.to_owned(),
                content: text.as_bytes().to_vec(),
            };
            files.iter().rev().map(file).collect()
        }),
        merged: None,
        previous: None,
        out: String::new(),
    };
    for round in 1..=2 {
        let output = Command::new("sh")
            .arg(&program)
            .args(args)
            .output()
            .expect("sh starts");
        memory.out.clear();
        let code = augenrules::run(program.to_str().expect("a plain path"), args, &mut memory);
        let name = format!("{args:?} {folder:?} round {round}");
        assert_eq!(
            memory.out,
            String::from_utf8_lossy(&output.stdout),
            "{name}"
        );
        assert_eq!(Some(i32::from(code)), output.status.code(), "{name}");
        assert_eq!(
            memory.merged,
            fs::read(root.join("audit.rules")).ok(),
            "{name}"
        );
        assert_eq!(
            memory.previous,
            fs::read(root.join("audit.rules.prev")).ok(),
            "{name}"
        );
    }
}

#[test]
fn folders_merge_alike() {
    if !Path::new(SCRIPT).exists() {
        eprintln!("skipped: no {SCRIPT}");
        return;
    }
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let order: &[(&str, &str)] = &[
        ("10-a.rules", "-w /ten\n"),
        ("9-a.rules", "-w /nine\n"),
        ("100-a.rules", "-w /hundred\n"),
        ("a.rules.bak", "-w /no\n"),
        ("readme", "no\n"),
    ];
    let settings: &[(&str, &str)] = &[
        (
            "1.rules",
            "## head\n-D\n-b 64\n-f 1\n-e 1\n\n-w /a -k x\n-D -k y\n",
        ),
        (
            "2.rules",
            "# more\n-b 8192\n--backlog_wait_time 60000\n-e 2\n-a task,never\n-f 2\n",
        ),
    ];
    let folders: [Folder<'_>; 5] = [
        Some(order),
        Some(settings),
        Some(&[]),
        Some(&[("1.rules", "# nothing\n")]),
        None,
    ];
    for folder in folders {
        for args in [
            &[][..],
            &["--check"],
            &["--load"],
            &["--check", "--load"],
            &["-x"],
        ] {
            check(scratch.path(), args, folder);
        }
    }
    let shipped: Vec<(String, String)> = fs::read_dir("/usr/share/doc/auditd/examples/rules")
        .map(|entries| {
            let read = |entry: fs::DirEntry| {
                let name = entry.file_name().into_string().ok()?;
                Some((name, fs::read_to_string(entry.path()).ok()?))
            };
            entries.filter_map(|entry| read(entry.ok()?)).collect()
        })
        .unwrap_or_default();
    let shipped: Vec<_> = shipped
        .iter()
        .map(|(n, t)| (n.as_str(), t.as_str()))
        .collect();
    check(scratch.path(), &[], Some(&shipped));
}
