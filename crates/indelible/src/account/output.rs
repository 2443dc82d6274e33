//! Where one output of a host's agent stands.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use indelible_log::StreamId;
use serde::Serialize;

use super::Account;
use crate::agent::layout::Layout;
use crate::agent::outputs::{Shown, positions};

/// An output besides the collector.
#[derive(Debug, Serialize)]
pub(crate) struct OutputAccount {
    pub(crate) name: String,
    /// Entries of the spool that it does not have yet.
    pub(crate) lag_entries: u64,
    /// What its worker said of it last; `None` where it never ran.
    pub(crate) state: Option<Shown>,
}

/// The outputs that have positions in a spool; `ends` are the streams, each with one past its last
/// entry.
pub(super) fn outputs(layout: &Layout, ends: &BTreeMap<StreamId, u64>) -> Vec<OutputAccount> {
    let folders = fs::read_dir(layout.output_positions())
        .into_iter()
        .flatten()
        .flatten();
    let mut found: Vec<OutputAccount> = folders
        .filter(|item| item.path().is_dir())
        .filter_map(|item| item.file_name().into_string().ok())
        .filter(|name| name != crate::config::outputs::NATIVE)
        .map(|name| {
            let stands: BTreeMap<StreamId, u64> =
                positions(&layout.output(&name)).into_iter().collect();
            let behind = ends
                .iter()
                .map(|(stream, end)| end.saturating_sub(stands.get(stream).copied().unwrap_or(0)));
            let state = fs::read(layout.output_state(&name)).ok();
            OutputAccount {
                lag_entries: behind.sum(),
                state: state.and_then(|text| serde_json::from_slice(&text).ok()),
                name,
            }
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

impl Account {
    /// The outputs, a line each.
    pub(crate) fn outputs_text(&self) -> String {
        let mut text = String::new();
        for output in &self.outputs {
            let _ = write!(
                text,
                "output {}: {} entries behind",
                output.name, output.lag_entries
            );
            if let Some(state) = &output.state {
                let no = |is: bool| if is { "" } else { "not " };
                let (required, connected) = (no(state.required), no(state.connected));
                let _ = write!(text, ", {required}required, {connected}connected");
                if state.skipped_entries > 0 {
                    let _ = write!(text, ", skipped {}", state.skipped_entries);
                }
                if let Some(error) = &state.error {
                    let _ = write!(text, "; {}", error.escape_debug());
                }
            }
            text.push('\n');
        }
        text
    }
}
