//! Kept nodes of a removed segment: what is read is what was written, and a changed byte is seen.
#![no_main]

use indelible_log::hash::leaf_hash;
use indelible_log::retention::kept::KeptNodes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok((first, nodes)) = KeptNodes::parse(data) {
        assert_eq!(nodes.encode(first), data);
    }
    let leaves: Vec<_> = (0..256u64).map(|nth| leaf_hash(&nth.to_be_bytes())).collect();
    let mut nodes = KeptNodes::default();
    for size in data.chunks_exact(2).take(64) {
        let size = u64::from(u16::from_be_bytes([size[0], size[1]]));
        nodes.keep(size, &leaves).expect("a tile of 256 leaves");
    }
    let mut bytes = nodes.encode(0);
    assert_eq!(KeptNodes::parse(&bytes), Ok((0, nodes)));
    if let Some(last) = data.last() {
        let at = usize::from(*last) % bytes.len();
        bytes[at] ^= 1 << (at % 8);
        assert!(KeptNodes::parse(&bytes).is_err());
    }
});
