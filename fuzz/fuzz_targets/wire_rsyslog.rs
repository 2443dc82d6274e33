//! A configuration of rsyslog: no panic, lines in order, and each forwarding action that was found
//! is found again, the same, in the text that it is written as.
#![no_main]

use indelible_wire::syslog::rsyslog::Configuration;
use indelible_wire::syslog::Selector;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let found = Configuration::parse(text);
    let lines = text.split('\n').count();
    assert!(found.statements.is_sorted_by_key(|statement| statement.line));
    assert!(found.statements.iter().all(|statement| (1..=lines).contains(&statement.line)));
    for forward in found.forwards() {
        let selector = forward.selector.to_string();
        assert_eq!(Selector::parse(&selector), Ok(forward.selector));
        if forward.condition.is_none() {
            let again = Configuration::parse(&forward.to_string());
            assert_eq!(again.forwards().next(), Some(forward));
        }
    }
});
