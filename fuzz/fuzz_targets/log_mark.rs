//! Where a verification ended: what is read comes back, and a made-up mark never gets a log verified
//! that its own checkpoint does not hold for.
#![no_main]

use indelible_log::verify::Mark;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok((mark, key)) = Mark::parse(text) {
        assert!(key.verify(&mark.checkpoint));
        assert!(mark.first() <= mark.checkpoint.size);
        assert_eq!(Mark::parse(&mark.to_text(&key)), Ok((mark, key)));
    }
});
