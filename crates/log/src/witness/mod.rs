//! Witnesses: others who sign that they saw a checkpoint and that the log only grew since the one
//! they saw before. Whoever holds a cosigned checkpoint need not trust the log's operator alone.
//!
//! [`WitnessKey`] and [`Cosignature`] are C2SP tlog-cosignature v1.0.1 with Ed25519 (type 0x04),
//! [`Witness`] is our side of tlog-witness v1.0.0: it says what to send to a witness and judges
//! what comes back; carrying it is up to the caller.
//!
//! ```text
//! key    = <name>+<key id, 8 hex digits>+<base64 (0x04 ‖ public key)>
//! line   = — <name> <base64 (key id ‖ u64 time ‖ [u8;64] signature)>\n
//! signed = "cosignature/v1\ntime <time>\n" ‖ the checkpoint's text
//! ```

mod exchange;
mod key;

pub use exchange::{ANSWER_BYTES_MAX, Offer, Verdict, Witness};
pub use key::{Cosignature, WitnessKey};
