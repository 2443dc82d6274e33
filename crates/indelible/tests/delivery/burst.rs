//! Opens of one file in a loop, in a process of its own: one that started before auditing was
//! enabled would be invisible to it.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Starts this test program again, as the burst below.
pub(crate) fn start(file: &Path, count: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "burst::open_the_file_often", "--test-threads=1"])
        .env(FILE, file)
        .env(COUNT, count.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits for its end.
pub(crate) fn wait(mut burst: Child) {
    assert!(burst.wait().unwrap().success(), "the burst failed");
}

/// Does nothing unless [`start`] started it.
#[test]
fn open_the_file_often() {
    let (Ok(file), Ok(count)) = (std::env::var(FILE), std::env::var(COUNT)) else {
        return;
    };
    for _ in 0..count.parse::<u64>().unwrap() {
        drop(File::open(&file).unwrap());
    }
}

const FILE: &str = "INDELIBLE_BURST_FILE";
const COUNT: &str = "INDELIBLE_BURST_COUNT";
