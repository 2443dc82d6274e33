//! The kernel's audit for one test: the lock, a rule for one file of the test's own, and the
//! status put back.

use std::fs;
use std::path::{Path, PathBuf};

use indelible_rules::{Arch, Context, NoHost, kernel, parse, words};
use indelible_sys::audit::{Control, RestoreStatus, Status};
use indelible_sys::lock::FileLock;
use indelible_sys::process;

/// A claim on the kernel's audit. Dropping it removes the rule and restores the status.
pub(crate) struct Kernel {
    folder: tempfile::TempDir,
    file: PathBuf,
    rule: Option<Vec<u8>>,
    _restore: RestoreStatus,
    _lock: FileLock,
}

impl Kernel {
    /// `None`, with a line that says why, where this process may not.
    pub(crate) fn claim(test: &str) -> Option<Self> {
        if !process::may_control_audit() || RestoreStatus::new().is_err() {
            eprintln!("skipped: {test}: no CAP_AUDIT_CONTROL or no kernel audit here");
            return None;
        }
        let lock =
            FileLock::wait(&std::env::temp_dir().join("indelible-kernel-audit.lock")).unwrap();
        let restore = RestoreStatus::new().unwrap();
        let pid = restore.before().pid;
        if pid != 0 && Path::new(&format!("/proc/{pid}")).exists() {
            eprintln!("skipped: {test}: pid {pid} is the audit daemon");
            return None;
        }
        let folder = tempfile::Builder::new()
            .prefix("indelible-test-")
            .tempdir()
            .unwrap();
        // The worker, another user, must get through to its spool.
        fs::set_permissions(
            folder.path(),
            std::os::unix::fs::PermissionsExt::from_mode(0o711),
        )
        .unwrap();
        let file = folder.path().join("watched");
        fs::write(&file, "watched").unwrap();
        Some(Self {
            folder,
            file,
            rule: None,
            _restore: restore,
            _lock: lock,
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn watched_file(&self) -> &Path {
        &self.file
    }

    /// Every open of the watched file becomes an event.
    pub(crate) fn watch(&mut self) {
        let text = format!(
            "-a always,exit -F path={} -F perm=r -F key=indelible_test",
            self.file.display()
        );
        let context = Context::new(ARCH, &NoHost);
        let line = parse::parse(
            words::split(text.as_bytes(), context.compat),
            None,
            &context,
        );
        let rule = kernel::encode(line.added().unwrap()).unwrap();
        Control::open().unwrap().add_rule(&rule).unwrap();
        self.rule = Some(rule);
    }

    pub(crate) fn unwatch(&mut self) {
        if let Some(rule) = self.rule.take() {
            let _ = Control::open().and_then(|mut control| control.delete_rule(&rule));
        }
    }

    pub(crate) fn status(&self) -> Status {
        Control::open().unwrap().status().unwrap()
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        self.unwatch();
    }
}

const ARCH: Arch = if cfg!(target_arch = "aarch64") {
    Arch::Aarch64
} else {
    Arch::X86_64
};
