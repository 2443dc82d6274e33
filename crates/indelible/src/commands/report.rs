//! `indelible report`.

use std::ffi::OsString;

use anyhow::{Result, bail};
use clap::{ArgAction, Args};

use crate::exit;
use crate::report::arguments::Arguments;
use crate::report::{Request, request, words};
use crate::search::arguments::What;
use crate::search::place::Found;
use crate::search::{Manner, remote};

/// Report about audit logs, a spool, a collector's store or a collector elsewhere
///
/// Takes every option of aureport, as aureport writes it (-f, -ts, -if, …: -h is the report about
/// hosts) or in long. Reads standard input if that is a pipe, else the audit daemon's log, this
/// host's spool, or the store that is kept here, and says which. Exit code 0: there is something to
/// report; 1: there is nothing; 2: an error.
#[derive(Debug, Args)]
#[command(args_override_self = true, disable_help_flag = true)]
pub(super) struct Report {
    #[command(flatten)]
    arguments: Arguments,
    /// Print help
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,
}

impl Report {
    pub(super) fn run(self) -> Result<u8> {
        let request = Request::new(&self.arguments, Manner::Native)?;
        if request.lacks_summary(&self.arguments) {
            bail!("this report has no summary");
        }
        let source = match remote::find(&self.arguments.place, &What::default())? {
            Found::Given(source) => source,
            Found::Default(source) => {
                eprintln!("reading {source}");
                source
            }
            Found::Nothing(path) => bail!(
                "{} does not exist; name a source with --input, --spool, --store or --collector",
                path.display()
            ),
        };
        let (found, remarks) = request.run(&source)?;
        request::say(&remarks);
        Ok(if found { exit::DONE } else { exit::NOTHING })
    }
}

/// aureport's single-dash words as long options, so that the parser understands them.
pub(super) fn normalised(arguments: Vec<OsString>) -> Vec<OsString> {
    match &arguments[..] {
        [program, command, rest @ ..] if command == "report" => {
            let mut all = vec![program.clone(), command.clone()];
            all.extend(words::WORDS.lenient(rest));
            all
        }
        _ => arguments,
    }
}
