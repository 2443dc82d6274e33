//! Any bytes as a rule from the kernel: decoded, they encode to a rule that decodes to the same,
//! and both dialects print it.
#![no_main]

use indelible_rules::journal::Journal;
use indelible_rules::text::{self, Dialect, Listing};
use indelible_rules::{Arch, compile, cost, kernel};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(journal) = Journal::decode(bytes) {
        let again = journal.encode().expect("rules that were decoded");
        assert_eq!(Journal::decode(&again).expect("our own journal"), journal);
    }
    let Ok(rule) = kernel::decode(bytes) else {
        return;
    };
    let again = kernel::encode(&rule).expect("a rule that was decoded");
    assert_eq!(kernel::decode(&again).as_ref(), Ok(&rule));
    for dialect in [Dialect::Auditctl, Dialect::Native] {
        let listing = Listing { dialect, machine: Arch::X86_64, interpret: None };
        assert!(!text::line(&rule, &listing).contains(&b'\n') || bytes.contains(&b'\n'));
    }
    let _ = compile::compile(&rule, None);
    let _ = cost::of_rule(&rule);
});
