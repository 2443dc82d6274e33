//! The program as ausearch: its words, its exit codes, its messages.
//!
//! 0 something was found, 1 nothing was found or an argument is wrong, 10 to 12 the checkpoint is
//! of no use. Our own options work here, too.

use std::ffi::OsString;

use anyhow::Result;
use clap::{CommandFactory, Parser};

use super::arguments::Arguments;
use super::place::Found;
use super::resolve::{self, Manner};
use super::words::WORDS;
use super::{Request, checkpoint, remote};
use crate::exit;
use crate::words::NotAnOption;

/// Find events in audit logs, as ausearch does
#[derive(Debug, Parser)]
#[command(
    name = "ausearch",
    version,
    args_override_self = true,
    max_term_width = 100
)]
struct Link {
    #[command(flatten)]
    arguments: Arguments,
}

/// Runs ausearch with the arguments after its name; its exit code.
pub(crate) fn run(arguments: &[OsString]) -> u8 {
    if arguments.is_empty() {
        help();
        return NOTHING;
    }
    let words = match WORDS.strict(arguments) {
        Ok(words) => words,
        Err(error) => {
            eprintln!("{error}");
            if matches!(error, NotAnOption::NoType(_)) {
                eprintln!("{}", resolve::Refused::NoSuchType);
            }
            return NOTHING;
        }
    };
    if words.iter().any(|word| word == "--help") {
        help();
        return FOUND;
    }
    if words.iter().any(|word| word == "--version") {
        println!("ausearch version {VERSION}");
        return FOUND;
    }
    let name = OsString::from("ausearch");
    match Link::try_parse_from(std::iter::once(name).chain(words)) {
        Ok(link) => search(&link.arguments),
        Err(error) => {
            // Only our own options can be wrong here.
            let _ = error.print();
            NOTHING
        }
    }
}

fn search(arguments: &Arguments) -> u8 {
    let outcome = Request::new(arguments, Manner::Tool).map_err(|error| error.to_string());
    let request = match outcome {
        Ok(request) => request,
        Err(message) => {
            eprintln!("{message}");
            return NOTHING;
        }
    };
    let source = match remote::find(&arguments.place, &arguments.what) {
        Ok(Found::Given(source) | Found::Default(source)) => source,
        Err(error) => {
            eprintln!("{error:#}");
            return NOTHING;
        }
        Ok(Found::Nothing(path)) => {
            let path = path.display();
            eprintln!("Error opening {path} (No such file or directory)");
            return NOTHING;
        }
    };
    if let Some(path) = &arguments.place.input {
        match std::fs::metadata(path) {
            Ok(status) if status.is_dir() => {
                eprintln!("NOTE - using logs in {}", path.join("audit.log").display());
            }
            Ok(_) => {}
            Err(error) => {
                eprintln!("stat: {}", checkpoint::words_of(&error));
                return NOTHING;
            }
        }
    }
    finish(request.run(&source), &request)
}

fn finish(found: Result<u64>, request: &Request) -> u8 {
    match found {
        Ok(0) => {
            if request.says_nothing_found() {
                eprintln!("<no matches>");
            }
            NOTHING
        }
        Ok(_) => FOUND,
        Err(error) if exit::is_broken_pipe(&error) => FOUND,
        Err(error) => {
            eprintln!("{error:#}");
            let refused = error.downcast_ref::<checkpoint::NotACheckpoint>();
            refused.map_or(NOTHING, checkpoint::NotACheckpoint::code)
        }
    }
}

fn help() {
    // A reader that went away does not matter.
    let _ = Link::command().print_help();
}

/// The version of ausearch whose options, output and exit codes these are.
const VERSION: &str = "3.0.9";
/// Something was found.
const FOUND: u8 = 0;
/// Nothing was found, or an argument is wrong.
const NOTHING: u8 = 1;
