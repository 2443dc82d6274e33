//! Witnesses: a key that is accepted has one text, and no answer is taken for a signature that the
//! witness did not make.
#![no_main]

use indelible_log::hash::Hash;
use indelible_log::witness::{Verdict, Witness, WitnessKey};
use indelible_log::SigningKey;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, u64, u64, &str, &[u8])| {
    let (status, signed_size, size, text, body) = input;
    if let Ok(key) = WitnessKey::parse(text) {
        assert_eq!(key.to_string(), text);
    }
    let origin = "log.example/fuzz";
    let log = SigningKey::from_seed(origin, [7; 32]).expect("a plain name");
    let checkpoint = log.sign(size, Hash([3; 32]));
    let key = WitnessKey::new("witness.example", [9; 32]).expect("a plain name");
    let mut witness = Witness::new(key, signed_size);
    let offer = witness.offer(checkpoint);
    assert!(offer.old_size <= size);
    // Most statuses mean the same.
    let status = [200, 409, 422, 404][usize::from(status % 4)];
    match witness.answered(origin, &offer, status, text, body) {
        Verdict::Cosigned(cosignature) => {
            assert!(witness.key().verify(origin, &checkpoint, &cosignature));
        }
        Verdict::Ahead { size: theirs } => assert!(theirs > size),
        Verdict::Again => assert_ne!(witness.offer(checkpoint).old_size, offer.old_size),
        Verdict::Inconsistent { .. } | Verdict::Refused(_) => {}
    }
});
