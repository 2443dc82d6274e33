//! Search: from a source's records to the events that match, in the form that was asked for.
//!
//! ```text
//! files │ stores │ spool │ collector ─ engine ─▶ Event that matches ─ print ─▶ stdout
//! ```

pub(crate) mod arguments;
pub(crate) mod ausearch;
mod checkpoint;
mod context;
mod damage;
mod debug;
pub(crate) mod engine;
pub(crate) mod entries;
mod feed;
pub(crate) mod files;
pub(crate) mod follow;
mod limits;
mod message;
mod piece;
pub(crate) mod place;
pub(crate) mod print;
pub(crate) mod remote;
mod request;
pub(crate) mod resolve;
mod show;
mod stream;
mod tree;
pub(crate) mod words;
mod workers;

use std::path::PathBuf;
use std::sync::Arc;

pub(crate) use message::terms::each as message_terms;
pub(crate) use request::Request;
pub(crate) use resolve::{Manner, present};

/// Where events come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// audit.log, or the files of a folder, oldest first.
    Files(PathBuf),
    /// A collector's store.
    Store(entries::StoreAt),
    /// Several of them, as one log.
    Stores(Vec<entries::StoreAt>),
    /// A host's spool.
    Spool(PathBuf),
    /// A collector elsewhere, asked over HTTP.
    Collector(Arc<remote::Collector>),
}

impl Source {
    /// A collector's store.
    pub(crate) fn store(path: impl Into<PathBuf>) -> Self {
        Self::Store(entries::StoreAt::new(path))
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Files(path) | Self::Spool(path) => write!(formatter, "{}", path.display()),
            Self::Store(at) => write!(formatter, "{}", at.path().display()),
            Self::Stores(several) => {
                for (number, at) in several.iter().enumerate() {
                    let before = if number == 0 { "" } else { ", " };
                    write!(formatter, "{before}{}", at.path().display())?;
                }
                Ok(())
            }
            Self::Collector(collector) => write!(formatter, "{collector}"),
        }
    }
}

const SPOOL_FOLDER: &str = "/var/lib/indelible/spool";
