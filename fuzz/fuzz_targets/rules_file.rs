//! A rules file of any bytes: read, linted and mended without a panic; every rule in it keeps
//! its meaning through the kernel's bytes and through its own text.
#![no_main]

use indelible_rules::lint::{self, Surroundings, fix};
use indelible_rules::text::{self, Dialect, Listing};
use indelible_rules::{Arch, Compat, Context, NoHost, file, kernel, merge};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| {
    for compat in [Compat::V3, Compat::V4] {
        let cx = Context { compat, ..Context::new(Arch::X86_64, &NoHost) };
        let entries = file::read("f", content, &cx);
        for rule in entries.iter().filter_map(|entry| entry.rule()) {
            let bytes = kernel::encode(rule).expect("rules from text fit");
            assert_eq!(kernel::decode(&bytes).as_ref(), Ok(rule));
            for dialect in [Dialect::Auditctl, Dialect::Native] {
                let listing = Listing { dialect, machine: Arch::X86_64, interpret: None };
                let _ = text::line(rule, &listing);
            }
        }
        let around = Surroundings { cx: &cx, mounts: &[], complete: true, check_paths: true };
        let _ = lint::lint(&entries, &around);
        let fixed = fix::fix("f", content, &around);
        let _ = file::read("f", &fixed.content, &cx);
    }
    let source = merge::RuleFile { name: "f".to_owned(), content: content.to_vec() };
    let once = merge::merge("/d", &[source]);
    let again = merge::RuleFile { name: "f".to_owned(), content: once.content.clone() };
    assert_eq!(merge::merge("/d", &[again]).content, once.content, "merging is idempotent");
});
