//! Host heads of any bytes: never a panic, and only what an own key signed holds.
#![no_main]

use indelible_log::head::{EpochKey, HeadCheck, sign};
use indelible_log::verify::Inspect;
use indelible_log::{EntryRef, Header, Kind, StreamId, entry};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut check = HeadCheck::default();
    let header = Header {
        kind: Kind::HostHead,
        flags: 0,
        stream: StreamId([3; 16]),
        sequence: 1,
        time_ns: 1,
    };
    let look = |check: &mut HeadCheck, payload: &[u8]| {
        let mut bytes = Vec::new();
        entry::push(&mut bytes, &header, payload);
        let entry = EntryRef::parse(&bytes[2..]).expect("an entry of ours");
        check.entry(&entry, None)
    };
    // Nobody can guess a signature.
    assert!(look(&mut check, data).is_some());
    let (key, _) = EpochKey::begin().expect("random bytes");
    let object = format!(
        "{{\"v\":1,\"next\":1,\"head\":\"\",\"signer\":\"{}\",\"epoch\":0,\"key\":\"{}\"}}",
        key.signer(),
        key.public()
    );
    let mut payload = sign(&key, header.stream, header.sequence, object.as_bytes());
    assert_eq!(look(&mut check, &payload), None);
    // Any change of a signed head is found.
    if let [at, with, ..] = data
        && *with != 0
    {
        let at = usize::from(*at) % payload.len();
        payload[at] ^= with;
        assert!(look(&mut check, &payload).is_some());
    }
});
