//! A folder of programs that the tests run, delete, replace and hide.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use indelible_testkit::copy_program;
use rustix::fs::{MemfdFlags, Mode, OFlags};
use serde_json::Value;
use tempfile::TempDir;

/// Ends its processes, and undoes its mounts, when it goes.
pub(crate) struct Stage {
    folder: TempDir,
    running: Vec<Child>,
    mounts: Vec<PathBuf>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        // Not below /tmp: what stands there counts as suspicious by that alone.
        let folder = tempfile::Builder::new()
            .prefix("indelible-detect-")
            .tempdir_in("/var/lib")
            .or_else(|_| tempfile::tempdir())
            .unwrap();
        Self {
            folder,
            running: Vec::new(),
            mounts: Vec::new(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program that sleeps, under this name.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // The bytes of an installed program would explain a finding away, so these have more.
        let mut bytes = fs::read(SLEEP).unwrap();
        bytes.extend_from_slice(b"no package's");
        let made = path.with_extension("made");
        fs::write(&made, bytes).unwrap();
        fs::set_permissions(&made, fs::Permissions::from_mode(0o755)).unwrap();
        copy_program(&made, &path);
        fs::remove_file(&made).unwrap();
        path
    }

    /// Starts a program, and waits until it runs.
    pub(crate) fn run(&mut self, program: &Path) -> u32 {
        self.start(Command::new(program).arg("60"))
    }

    pub(crate) fn start(&mut self, command: &mut Command) -> u32 {
        let own = fs::read_link("/proc/self/exe").unwrap();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let started = Instant::now();
        let child = loop {
            match command.spawn() {
                Ok(child) => break child,
                // A file without a name was written here, and what another thread starts at that moment
                // has it open for writing until it is another program.
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                    assert!(started.elapsed() < Duration::from_secs(5), "{command:?}");
                    std::thread::sleep(Duration::from_millis(2));
                }
                Err(error) => panic!("{command:?}: {error}"),
            }
        };
        let pid = child.id();
        self.running.push(child);
        // Until the new program has taken the place of this one's copy.
        while fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == own) {
            assert!(started.elapsed() < Duration::from_secs(5), "{command:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
        pid
    }

    pub(crate) fn mount(&mut self, kind: &str, options: &str, target: &Path) -> bool {
        fs::create_dir_all(target).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", kind, "-o", options, "indelible-test"])
            .arg(target)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if mounted {
            self.mounts.push(target.to_owned());
        }
        mounted
    }

    /// Takes a mount away under its users.
    pub(crate) fn unmount_lazily(&mut self, target: &Path) {
        assert!(
            Command::new("umount")
                .arg("-l")
                .arg(target)
                .status()
                .unwrap()
                .success()
        );
        self.mounts.retain(|mounted| mounted != target);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
        for target in self.mounts.iter().rev() {
            let _ = Command::new("umount").arg("-l").arg(target).status();
        }
    }
}

/// A memfd that holds the sleeping program, and the path to run it by.
pub(crate) fn in_memory(name: &str) -> (OwnedFd, PathBuf) {
    let memory = rustix::fs::memfd_create(name, MemfdFlags::empty()).unwrap();
    let mut file = File::from(memory.try_clone().unwrap());
    file.write_all(&fs::read(SLEEP).unwrap()).unwrap();
    readable(memory)
}

/// A file without a name that holds the sleeping program.
pub(crate) fn without_name(folder: &Path) -> (OwnedFd, PathBuf) {
    let flags = OFlags::TMPFILE | OFlags::RDWR;
    let nameless = rustix::fs::open(folder, flags, Mode::RWXU).unwrap();
    let mut file = File::from(nameless.try_clone().unwrap());
    file.write_all(&fs::read(SLEEP).unwrap()).unwrap();
    file.set_permissions(fs::Permissions::from_mode(0o700))
        .unwrap();
    drop(file);
    readable(nameless)
}

/// A file that is open for writing cannot be run, so it is opened again for reading alone.
fn readable(writable: OwnedFd) -> (OwnedFd, PathBuf) {
    let path = format!("/proc/self/fd/{}", writable.as_raw_fd());
    let file = rustix::fs::open(path, OFlags::RDONLY, Mode::empty()).unwrap();
    let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
    (file, path.into())
}

/// What the command says of these processes; it must end with 0.
pub(crate) fn scan(arguments: &[&str]) -> Value {
    let (code, answer) = scan_code(arguments);
    assert_eq!(code, 0, "{answer}");
    answer
}

pub(crate) fn scan_code(arguments: &[&str]) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_indelible"))
        .args(["detect", "deleted", "--format", "json"])
        .args(arguments)
        .output()
        .unwrap();
    let answer = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    (output.status.code().unwrap(), answer)
}

/// The findings on one process, as `verdict what score`.
pub(crate) fn verdicts(pid: u32) -> Vec<String> {
    let answer = scan(&["--pid", &pid.to_string()]);
    let findings = answer["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|finding| {
            let word = |key: &str| finding[key].as_str().unwrap().to_owned();
            format!("{} {} {}", word("verdict"), word("what"), finding["score"])
        })
        .collect()
}

/// A program that only sleeps, of every distribution.
pub(crate) const SLEEP: &str = "/bin/sleep";
