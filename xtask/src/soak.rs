//! Long runs that are not part of every test: the delivery tests at full size, optimised.

use anyhow::Result;

use crate::shell;

/// `soak`: 200,000 kernel events while collector and worker are killed.
pub(crate) fn run() -> Result<()> {
    let arguments = [
        "test",
        "--release",
        "-p",
        "indelible",
        "--test",
        "delivery",
        "--",
        "--nocapture",
    ];
    let mut command = shell::command("cargo", &arguments);
    command.env("INDELIBLE_EVENTS", "200000");
    shell::run(command)
}
