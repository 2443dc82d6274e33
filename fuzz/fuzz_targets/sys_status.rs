//! The kernel's answers of any length never panic and read what stands at their offsets.
#![no_main]

use indelible_sys::audit::{Features, SignalInfo, Status};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some(status) = Status::from_bytes(bytes) {
        assert!(bytes.len() >= 32);
        assert_eq!(status.lost.to_ne_bytes(), bytes[24..28]);
        assert_eq!(status.backlog_wait_time_actual.is_some(), bytes.len() >= 44);
    }
    if let Some(features) = Features::from_bytes(bytes) {
        assert_eq!(features.to_bytes()[4..], bytes[4..16]);
    }
    if let Some(info) = SignalInfo::from_bytes(bytes) {
        assert_eq!(info.context, bytes[8..]);
    }
});
