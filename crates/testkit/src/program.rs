//! Programs that a test makes for itself.

use std::path::Path;
use std::process::Command;

/// Copies a program to where it is to be started from. Another process does it: a file that is open for
/// writing in this one is so in whatever another thread starts at that moment, too, and cannot be
/// executed until that one has executed something else.
pub fn copy_program(from: impl AsRef<Path>, to: impl AsRef<Path>) {
    let (from, to) = (from.as_ref(), to.as_ref());
    let status = Command::new("cp").arg(from).arg(to).status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "cannot copy {} to {}",
        from.display(),
        to.display()
    );
}
