//! Entries: what parses comes back byte for byte from its envelope and payload.
#![no_main]

use indelible_log::{EntryRef, entry};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for part in entry::split(data) {
        let Ok(bytes) = part else { continue };
        let Ok(parsed) = EntryRef::parse(bytes) else { continue };
        let mut again = Vec::new();
        entry::push(&mut again, &parsed.header(), parsed.payload());
        assert_eq!(&again[2..], bytes);
    }
});
