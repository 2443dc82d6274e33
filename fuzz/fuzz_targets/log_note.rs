//! Keys and checkpoints: a text that is accepted is the only text for what it says.
#![no_main]

use indelible_log::{SigningKey, VerifierKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_text(), text);
        assert!(key.accepts(&key));
        for one in key.successions() {
            assert!(one.given_up_beyond.is_none_or(|kept| kept <= one.until));
        }
    }
    if let Ok(key) = SigningKey::parse(text) {
        assert_eq!(key.to_private_text(), text);
    }
    let key = SigningKey::from_seed("log.example/fuzz", [7; 32]).expect("a plain name");
    if let Ok(checkpoint) = key.verifier().open_note(text) {
        // Witnesses may have signed after us.
        assert!(key.verifier().verify(&checkpoint));
    }
});
