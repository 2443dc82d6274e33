//! The claim on the kernel's audit: the lock between all tests and benches of this machine, a
//! scratch folder for rules to point into, and everything put back at the end, also after a panic.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use indelible_rules::{Arch, Context, NoHost, kernel, parse, words};
use indelible_sys::audit::{Control, Status};
use indelible_sys::lock::FileLock;
use indelible_sys::process;
use tempfile::TempDir;

use crate::KernelState;

/// The kernel's audit system, held by one test. Dropping it deletes the rules that the test loaded,
/// loads those that it deleted, and puts the settable fields of the status back.
///
/// ```no_run
/// use indelible_testkit::Kernel;
///
/// let Some(mut kernel) = Kernel::claim("a_watch_is_seen") else {
///     return;
/// };
/// kernel.load("-w {}/secret -p r -k a_watch");
/// ```
#[derive(Debug)]
pub struct Kernel {
    loaded: Vec<Vec<u8>>,
    before: KernelState,
    folder: TempDir,
    _lock: FileLock,
}

impl Kernel {
    /// Waits for the other tests, then holds the kernel's audit. `None`, with a line on standard
    /// error that names `test` and the reason, where this process may not have it.
    ///
    /// # Panics
    /// Where the lock or the scratch folder cannot be made.
    #[must_use]
    pub fn claim(test: &str) -> Option<Self> {
        let skipped = |reason: &str| {
            eprintln!("skipped: {test}: {reason}");
            None
        };
        if !process::may_control_audit() {
            return skipped("no CAP_AUDIT_CONTROL");
        }
        if let Err(error) = KernelState::now() {
            return skipped(&error.to_string());
        }
        let lock = FileLock::wait(&std::env::temp_dir().join(LOCK_NAME)).expect("the lock");
        // Only now, since another test may have changed it while this one waited.
        let before = KernelState::now().expect("the audit state");
        if before.enabled == 2 {
            return skipped("the rules are locked until reboot");
        }
        let pid = status().pid;
        // The kernel keeps the pid of a daemon that is gone.
        if pid != 0 && Path::new(&format!("/proc/{pid}")).exists() {
            return skipped(&format!("pid {pid} is the audit daemon"));
        }
        let folder = tempfile::Builder::new().prefix("indelible-test-").tempdir();
        let folder = folder.expect("a scratch folder");
        // Roles that run as another user pass through it.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))
            .expect("the folder's mode");
        Some(Self {
            loaded: Vec::new(),
            before,
            folder,
            _lock: lock,
        })
    }

    /// The scratch folder; others may pass through it, not list it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A name in the scratch folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the kernel's audit was when the claim began.
    #[must_use]
    pub fn before(&self) -> &KernelState {
        &self.before
    }

    /// The present status.
    ///
    /// # Panics
    /// Where the kernel does not answer.
    #[must_use]
    pub fn status(&self) -> Status {
        status()
    }

    /// The loaded rules as `struct audit_rule_data`, in match order.
    ///
    /// # Panics
    /// Where the kernel does not answer.
    #[must_use]
    pub fn rules(&self) -> Vec<Vec<u8>> {
        let rules = Control::open().and_then(|mut control| control.rules());
        rules.expect("the loaded rules")
    }

    /// The bytes of one rule in auditctl's language; `{}` stands for the scratch folder.
    ///
    /// # Panics
    /// Where the text is not a rule.
    #[must_use]
    pub fn compile(&self, text: &str) -> Vec<u8> {
        let text = text.replace("{}", &self.folder.path().display().to_string());
        let context = Context::new(ARCH, &NoHost);
        let words = words::split(text.as_bytes(), context.compat);
        let line = parse::parse(words, None, &context);
        let rule = line.added().unwrap_or_else(|| panic!("no rule: {text}"));
        kernel::encode(rule).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// Loads one rule, written as for [`Kernel::compile`], and returns its bytes.
    ///
    /// # Panics
    /// Where the text is not a rule or the kernel refuses it.
    pub fn load(&mut self, text: &str) -> Vec<u8> {
        let rule = self.compile(text);
        let added = Control::open().and_then(|mut control| control.add_rule(&rule));
        added.unwrap_or_else(|error| panic!("{text}: {error}"));
        self.loaded.push(rule.clone());
        rule
    }

    /// Deletes what [`Kernel::load`] loaded.
    pub fn unload(&mut self) {
        for rule in self.loaded.drain(..) {
            // What the test deleted itself is gone already.
            let _ = Control::open().and_then(|mut control| control.delete_rule(&rule));
        }
    }

    /// Deletes every rule that was not there when the claim began.
    ///
    /// # Panics
    /// Where the kernel refuses.
    pub fn delete_new_rules(&self) {
        let mut control = Control::open().expect("the audit socket");
        for rule in self.rules() {
            if !self.before.rules.contains(&rule) {
                control.delete_rule(&rule).expect("a rule of the test's");
            }
        }
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        // A panic here would hide the test's own.
        if let Err(error) = self.before.restore() {
            eprintln!("the kernel's audit is not as it was: {error}");
        }
    }
}

fn status() -> Status {
    let status = Control::open().and_then(|mut control| control.status());
    status.expect("the audit status")
}

/// In the folder for temporary files: the lock of all tests and benches on this machine, of every
/// checkout.
const LOCK_NAME: &str = "indelible-kernel-audit.lock";

const ARCH: Arch = if cfg!(target_arch = "aarch64") {
    Arch::Aarch64
} else {
    Arch::X86_64
};
