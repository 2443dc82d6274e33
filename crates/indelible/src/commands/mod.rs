//! The command line: one file per command, whose documentation is its help.

mod agent;
mod collector;
mod completions;
mod config;
mod config_import;
mod demo;
mod detect;
mod doctor;
mod enroll;
mod erase;
mod export;
mod hold;
mod man;
mod migrate;
mod pki;
mod prove;
mod reindex;
mod report;
mod restart_log;
mod revoke;
mod rotate_key;
mod rules;
mod search;
mod status;
mod support_bundle;
mod token;
mod top;
mod verify;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::exit;

/// Tamper-evident capture, delivery and search of Linux audit events
#[derive(Debug, Parser)]
#[command(name = "indelible", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// In the order in which one needs them: to see it, to run it, to ask it, to prove it, to keep it.
#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),

    Collector(collector::Collector),
    Token(token::Token),
    Agent(agent::Agent),
    Enroll(enroll::Enroll),
    Revoke(revoke::Revoke),
    Pki(pki::Pki),

    Rules(rules::Rules),
    Doctor(doctor::Doctor),
    Status(status::Status),
    Top(top::Top),

    Search(Box<search::Search>),
    Report(Box<report::Report>),
    Detect(detect::Detect),

    Verify(verify::Verify),
    Prove(prove::Prove),
    Export(export::Export),

    Hold(hold::Hold),
    Erase(erase::Erase),
    RotateKey(rotate_key::RotateKey),
    RestartLog(restart_log::RestartLog),
    Reindex(reindex::Reindex),

    Config(config::Config),
    Migrate(migrate::Migrate),
    SupportBundle(support_bundle::SupportBundle),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Runs the command that the arguments name.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.collect();
    let as_tool = crate::rules::run_as_tool(&arguments);
    let as_tool = as_tool
        .or_else(|| search::run_as_tool(&arguments))
        .or_else(|| crate::report::aureport::run_as_tool(&arguments));
    if let Some(code) = as_tool {
        return code.into();
    }
    let arguments = crate::rules::normalised(arguments);
    let cli = match Cli::try_parse_from(report::normalised(search::normalised(arguments))) {
        Ok(cli) => cli,
        Err(error) => {
            // Help is an answer, not an error; a reader that went away does not matter.
            let _ = error.print();
            return if error.use_stderr() {
                exit::ERROR.into()
            } else {
                exit::DONE.into()
            };
        }
    };
    start_messages();
    let outcome = match cli.command {
        Command::Demo(command) => command.run(),
        Command::Agent(command) => command.run(),
        Command::Collector(command) => command.run(),
        Command::Search(command) => command.run(),
        Command::Report(command) => command.run(),
        Command::Verify(command) => command.run(),
        Command::Prove(command) => command.run(),
        Command::Reindex(command) => command.run(),
        Command::Pki(command) => command.run(),
        Command::Rules(command) => command.run(),
        Command::Detect(command) => command.run(),
        Command::Status(command) => command.run(),
        Command::Config(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
        Command::Doctor(command) => command.run(),
        Command::Migrate(command) => command.run(),
        Command::SupportBundle(command) => command.run(),
        Command::Token(command) => command.run(),
        Command::Top(command) => command.run(),
        Command::Enroll(command) => command.run(),
        Command::Revoke(command) => command.run(),
        Command::Hold(command) => command.run(),
        Command::Erase(command) => command.run(),
        Command::RotateKey(command) => command.run(),
        Command::RestartLog(command) => command.run(),
        Command::Export(command) => command.run(),
    };
    match outcome {
        Ok(code) => code.into(),
        Err(error) if exit::is_broken_pipe(&error) => exit::DONE.into(),
        Err(error) => {
            exit::report(&error);
            exit::ERROR.into()
        }
    }
}

/// Messages of the daemons go to stderr; `INDELIBLE_LOG=debug` shows more.
fn start_messages() {
    let filter =
        EnvFilter::try_from_env("INDELIBLE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .with_target(false)
        .init();
}
