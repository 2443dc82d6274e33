//! `rules pack`: the rule sets that come with the program.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use indelible_rules::pack::{self, PACKS, Pack};
use indelible_rules::{Context, cost};

use crate::exit;
use crate::terminal::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Name the packs, with what each costs and is for
    List,
    /// Print the file that would be installed here
    Show {
        /// The pack
        name: String,
    },
    /// Write a pack into a folder of rules
    Install {
        /// The pack
        name: String,
        /// The folder
        #[arg(long, value_name = "DIR", default_value = "/etc/audit/rules.d")]
        folder: PathBuf,
    },
}

impl Action {
    pub(crate) fn run(&self, cx: &Context<'_>) -> Result<u8> {
        let mut output = Output::stdout();
        match self {
            Self::List => {
                for pack in PACKS {
                    let rendered = pack.render(cx, true);
                    let cost_ns = cost::of_set(rendered.rules()).as_ns();
                    let (name, title) = (pack.name, rendered.title);
                    output.write(format!("{name:<16}{cost_ns:>5} ns  {title}\n").as_bytes())?;
                }
            }
            Self::Show { name } => output.write(text(find(name)?, cx).as_bytes())?,
            Self::Install { name, folder } => install(find(name)?, folder, cx)?,
        }
        output.flush()?;
        Ok(exit::DONE)
    }
}

fn find(name: &str) -> Result<&'static Pack> {
    pack::find(name).with_context(|| {
        let names: Vec<_> = PACKS.iter().map(|pack| pack.name).collect();
        format!("no pack {name:?}; there are {}", names.join(", "))
    })
}

/// The pack for this host: rules on directories that it lacks would be refused.
fn text(pack: &Pack, cx: &Context<'_>) -> String {
    pack.render(cx, true).text(pack.name)
}

fn install(pack: &Pack, folder: &Path, cx: &Context<'_>) -> Result<()> {
    let path = folder.join(format!("{PLACE}-{}.rules", pack.name));
    let (shown, text) = (path.display(), text(pack, cx));
    match File::create_new(&path) {
        Ok(mut file) => file
            .write_all(text.as_bytes())
            .with_context(|| format!("cannot write {shown}"))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if fs::read(&path).is_ok_and(|now| now == text.as_bytes()) {
                eprintln!("{shown} is up to date");
                return Ok(());
            }
            bail!("{shown} is there already and differs: remove it to install the pack anew");
        }
        Err(error) => return Err(error).with_context(|| format!("cannot create {shown}")),
    }
    eprintln!("installed {shown}; `indelible rules load` on its folder makes it take effect");
    Ok(())
}

/// Where packs stand among the files of a folder.
const PLACE: &str = "50-indelible";
