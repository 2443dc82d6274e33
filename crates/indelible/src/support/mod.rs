//! What somebody who helps needs to know of a host or collector, in one text that can be read before
//! it is sent: versions, configuration, what `status` and `doctor` say, units, folders by size.
//!
//! No record, message or key goes into it; addresses and names are replaced ([`redact`]).

mod gather;
mod redact;

pub(crate) use gather::{Places, gather};
pub(crate) use redact::Redactor;
