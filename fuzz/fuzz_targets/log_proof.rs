//! Proof files: what is read is written back the same, and nothing panics.

#![no_main]

use indelible_log::SigningKey;
use indelible_log::published::LogProof;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let key = SigningKey::from_seed("example.org/log", [7; 32]).expect("a seed makes a key");
    if let Ok(proof) = LogProof::parse(text, key.verifier()) {
        let again = LogProof::parse(&proof.to_text(key.verifier()), key.verifier());
        assert_eq!(again, Ok(proof.clone()));
        let _ = proof.verify(text.as_bytes(), key.verifier());
    }
});
