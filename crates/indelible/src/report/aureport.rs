//! The program as aureport: its words, its exit codes, its messages.
//!
//! 0 there is something to report, or a summary was asked for; 1 there is nothing, an argument is
//! wrong, or a log cannot be read. Our own options work here, too.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use super::arguments::Arguments;
use super::request::Request;
use super::words::WORDS;
use crate::exit;
use crate::search::arguments::What;
use crate::search::place::Found;
use crate::search::{Manner, Source, remote};
use crate::terminal::Output;
use crate::words::NotAnOption;

/// Report about audit logs, as aureport does
#[derive(Debug, Parser)]
#[command(
    name = "aureport",
    version,
    disable_help_flag = true,
    args_override_self = true,
    max_term_width = 100
)]
struct Link {
    #[command(flatten)]
    arguments: Arguments,
}

/// The exit code of aureport, if the program was started under that name.
pub(crate) fn run_as_tool(arguments: &[OsString]) -> Option<u8> {
    let (program, rest) = arguments.split_first()?;
    let is_tool = std::path::Path::new(program).file_name()? == "aureport";
    is_tool.then(|| run(rest))
}

fn run(arguments: &[OsString]) -> u8 {
    let words = match WORDS.strict(arguments) {
        Ok(words) => words,
        Err(error) => return refuse(&error.to_string(), error == NotAnOption::SecondReport),
    };
    match words.first().and_then(|word| word.to_str()) {
        Some("--help") => {
            help();
            return DONE;
        }
        Some("--version") => {
            println!("aureport version {VERSION}");
            return DONE;
        }
        _ => {}
    }
    let name = OsString::from("aureport");
    match Link::try_parse_from(std::iter::once(name).chain(words)) {
        Ok(link) => report(&link.arguments),
        Err(error) => {
            // Only our own options can be wrong here.
            let _ = error.print();
            NOTHING
        }
    }
}

fn report(arguments: &Arguments) -> u8 {
    let request = match Request::new(arguments, Manner::Tool) {
        Ok(request) => request,
        Err(error) => return refuse(&error.to_string(), false),
    };
    if request.lacks_summary(arguments) {
        print!("\n{}", request.report.prefix());
        eprintln!("Unimplemented option");
        return NOTHING;
    }
    let source = match source(arguments) {
        Ok(source) => source,
        Err(message) => {
            // aureport has printed the heading when it finds that it has nothing to read.
            let mut output = Output::stdout();
            let _ = output.write(&request.heading());
            let _ = output.flush();
            eprintln!("{message}");
            return NOTHING;
        }
    };
    match request.run(&source) {
        Ok((found, remarks)) => {
            super::request::say(&remarks);
            match found || request.is_summary() {
                true => DONE,
                false => NOTHING,
            }
        }
        Err(error) if exit::is_broken_pipe(&error) => DONE,
        Err(error) => {
            eprintln!("{error:#}");
            NOTHING
        }
    }
}

fn source(arguments: &Arguments) -> Result<Source, String> {
    if let Some(path) = &arguments.place.input {
        let status = std::fs::metadata(path);
        let status = status.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "stat: No such file or directory".to_owned(),
            _ => format!("{}: {error}", path.display()),
        })?;
        if status.is_dir() {
            let log = path.join("audit.log");
            eprintln!("NOTE - using logs in {}", log.display());
            if !log.exists() {
                let log = log.display();
                return Err(format!("Error opening {log} (No such file or directory)"));
            }
        }
    }
    match remote::find(&arguments.place, &What::default()) {
        Ok(Found::Given(source) | Found::Default(source)) => Ok(source),
        Err(error) => Err(format!("{error:#}")),
        Ok(Found::Nothing(path)) => {
            let path = path.display();
            Err(format!("Error opening {path} (No such file or directory)"))
        }
    }
}

/// Says what is wrong, and what would be right.
fn refuse(message: &str, without_line_feed: bool) -> u8 {
    match without_line_feed {
        true => eprint!("{message}"),
        false => eprintln!("{message}"),
    }
    help();
    NOTHING
}

fn help() {
    // A reader that went away does not matter.
    let _ = Link::command().print_help();
}

/// The version of aureport whose options, output and exit codes these are.
const VERSION: &str = "3.0.9";
/// There was something to report.
const DONE: u8 = 0;
/// There was not, or an argument is wrong.
const NOTHING: u8 = 1;
