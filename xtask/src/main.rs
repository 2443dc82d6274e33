//! Tasks of the repository, run as `cargo xtask TASK`.
//!
//! One file per task; `shell.rs` runs commands for all of them.
#![forbid(unsafe_code)]

mod bench;
mod book;
mod detections;
mod dist;
mod fuzz;
mod machine;
mod oracles;
mod package_test;
mod peers;
mod picture;
mod shell;
mod soak;
mod tables;
mod test;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["test"] => test::run(),
        ["bench", names @ ..] => bench::run(names),
        ["burst", words @ ..] => bench::burst(words),
        ["soak"] => soak::run(),
        ["soak", "agent"] => soak::agent(),
        ["soak", "collector"] => soak::collector(),
        ["soak", "connections"] => soak::connections(),
        ["soak", "crashes"] => soak::crashes(),
        ["soak", "tampering"] => soak::tampering(),
        ["detections", words @ ..] => detections::run(words),
        ["oracles"] => oracles::run(),
        ["tables", rest @ ..] => tables::run(rest),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        ["book", rest @ ..] => book::run(rest),
        ["dist", rest @ ..] => dist::run(rest),
        ["package-test", rest @ ..] => package_test::run(rest),
        ["picture", rest @ ..] => picture::run(rest),
        ["peers"] => peers::install().map(|notes| notes.iter().for_each(|note| println!("{note}"))),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

const USAGE: &str = "\
usage: cargo xtask TASK
  test                   set up, then fmt, clippy, tests, deny, a short fuzz smoke
  bench [NAME…]          the peer and ours in turn; writes docs/benchmarks.md
  detections [record [--set NAME] [ID…] | benign [--guest [MINUTES]]]
                         precision and recall of the built-in detections; record their cases;
                         what they find in everyday work, here or for an hour on a machine of its own
  oracles                implementations by others judge ours (tests/oracles)
  soak [NAME]            long runs, optimised: the delivery tests at full size; agent (a million events
                         while the worker is killed and capture upgraded), collector (killed every
                         2 s under load), connections, crashes (while sealing), tampering
  tables                 the interpretation tables, from the kernel's headers
  fuzz [SECONDS [NAME]]  each fuzz target, or one, for SECONDS (default 600)
  book [--check]         what is written from code: manual pages, completions, schemas, reference
  dist [--binary FILE]   the Debian packages, into target/dist
  package-test           the packages on a machine of their own: QEMU with systemd, root needed
  picture                docs/demo.svg, from what the demonstration shows
  peers                  install the tools that compliance tests compare with";
