//! What a built-in detection says about an event.

use indelible_record::Stamp;

use super::about::About;
use crate::sigma::Level;

/// A detection has found something.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The detection.
    pub about: &'static About,
    /// The technique of ATT&CK that it is.
    pub technique: &'static str,
    /// How bad it is.
    pub level: Level,
    /// Time and serial of the events that show it, oldest first; the last one decided.
    pub stamps: Vec<Stamp>,
    /// The host.
    pub node: Option<Vec<u8>>,
    /// The process.
    pub pid: Option<u32>,
    /// Its program.
    pub exe: Option<Vec<u8>>,
    /// Who had logged in.
    pub auid: Option<u32>,
    /// What was done, in a sentence. Holds text that an attacker chose.
    pub why: String,
}
