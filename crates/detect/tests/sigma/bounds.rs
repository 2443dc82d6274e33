//! Any bytes as a rule file: no panic, bounded.

use indelible_detect::sigma::Loader;
use proptest::prelude::*;

use super::kit::{PROCESS, rule};

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// A rule with some bytes replaced loads or is refused.
    #[test]
    fn damaged_rules(
        places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let text = rule(PROCESS, "{s: {CommandLine|re|i: 'a+b', Image|endswith: [/x, 'y*']}, k: ['z?'], condition: 1 of s* and not k}");
        let mut bytes = text.into_bytes();
        for (place, byte) in places {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        let mut loader = Loader::default();
        loader.file("x", &bytes);
        let engine = loader.finish();
        prop_assert!(engine.rules().len() + engine.refused().len() <= 1 + bytes.len());
    }
}

#[test]
fn repeated_detections_do_not_explode() {
    let names: Vec<String> = (0..200)
        .map(|number| format!("s{number}: {{Image: [a, b, c, d, e, f, g, h]}}"))
        .collect();
    let condition = vec!["all of s*"; 200].join(" and ");
    let text = rule(
        PROCESS,
        &format!("{{{}, condition: {condition}}}", names.join(", ")),
    );
    let mut loader = Loader::default();
    loader.file("x", text.as_bytes());
    let engine = loader.finish();
    assert!(
        engine.refused()[0].why.contains("tests"),
        "{:?}",
        engine.refused()
    );
}
