//! The terms of a message, for block indexes.

use indelible_log::EntryRef;
use indelible_query::terms::TermField;

use super::{Message, Origin, without_port};

/// Gives the terms of an entry that is a message: what its sender says of itself, and its address.
pub(crate) fn each(entry: &EntryRef<'_>, take: &mut dyn FnMut(TermField, &[u8])) {
    let origin = Origin::default();
    let Some(message) = Message::of_entry(entry, &origin, 0) else {
        return;
    };
    let view = message.view();
    if let Some(app) = &view.app {
        take(TermField::Comm, app);
    }
    if let Some(host) = &view.host {
        take(TermField::Node, host);
    }
    if let Some(pid) = view.pid() {
        match view.pid.as_deref() {
            // Mostly it is spelt as the index has it.
            Some(spelt @ [b'1'..=b'9', ..]) => take(TermField::Pid, spelt),
            _ => take(TermField::Pid, pid.to_string().as_bytes()),
        }
    }
    let address = without_port(&message.address);
    if !address.is_empty() {
        take(TermField::Address, address);
        // Who has no other name is called so.
        take(TermField::Node, address);
    }
}
