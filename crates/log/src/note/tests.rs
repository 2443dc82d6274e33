//! Keys, checkpoints and their texts, by what is accepted and what is not.

use super::*;
use crate::hash::Hash;

fn key() -> SigningKey {
    SigningKey::from_seed("log.example/a", [7; 32]).unwrap()
}

#[test]
fn keys_come_back() {
    let key = key();
    let verifier = VerifierKey::parse(&key.verifier().to_string()).unwrap();
    assert_eq!(&verifier, key.verifier());
    let again = SigningKey::parse(&key.to_private_text()).unwrap();
    assert_eq!(again.verifier(), key.verifier());
}

#[test]
fn known_verifier_key() {
    // The example key of Go's golang.org/x/mod/sumdb/note documentation.
    let text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let verifier = VerifierKey::parse(text).unwrap();
    assert_eq!(
        (verifier.name(), verifier.to_string().as_str()),
        ("PeterNeumann", text)
    );
}

#[test]
fn every_flipped_bit_of_the_texts_is_seen() {
    let key = key();
    let check = |text: &str, accepts: &dyn Fn(&str) -> bool| {
        assert!(accepts(text));
        for bit in 0..text.len() * 8 {
            let mut flipped = text.as_bytes().to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let accepted = String::from_utf8(flipped).is_ok_and(|text| accepts(&text));
            assert!(!accepted, "bit {bit} of {text}");
        }
    };
    let note = key.sign(70_000, Hash([3; 32])).to_note(key.verifier());
    check(&note, &|text| key.verifier().open_note(text).is_ok());
    check(&key.verifier().to_string(), &|text| {
        VerifierKey::parse(text).is_ok()
    });
    let next = SigningKey::from_seed("log.example/a", [8; 32]).unwrap();
    let handed = key.hand_over(key.verifier(), &next, 77).unwrap();
    check(&handed.to_text(), &|text| VerifierKey::parse(text).is_ok());
    check(&key.to_private_text(), &|text| {
        SigningKey::parse(text).is_ok()
    });
}

#[test]
fn witness_lines_are_carried_along() {
    let key = key();
    let checkpoint = key.sign(5, Hash([3; 32]));
    let note = checkpoint.to_note(key.verifier()) + "\u{2014} witness.example AAAAAAAA\n";
    assert_eq!(key.verifier().open_note(&note), Ok(checkpoint));
    let stranger = SigningKey::from_seed("log.example/a", [8; 32]).unwrap();
    assert_eq!(
        stranger.verifier().open_note(&note),
        Err(NoteError::Unsigned)
    );
}

#[test]
fn keys_follow_each_other_and_each_signs_its_part() {
    let new = |seed| SigningKey::from_seed("log.example/a", [seed; 32]).unwrap();
    let [a, b, c, thief] = [1, 2, 3, 4].map(new);
    let of_a = a.verifier().clone();
    let of_b = a.hand_over(&of_a, &b, 10).unwrap();
    let of_c = b.hand_over(&of_b, &c, 25).unwrap();
    assert_eq!(VerifierKey::parse(&of_c.to_text()).as_ref(), Ok(&of_c));
    assert_eq!(of_c.to_string(), c.verifier().to_string());
    let untils: Vec<u64> = of_c.successions().map(|one| one.until).collect();
    assert_eq!(untils, [25, 10]);
    let signs = |key: &SigningKey| -> Vec<u64> {
        let holds = |size: &u64| {
            let checkpoint = key.sign(*size, Hash([3; 32]));
            let holds = of_c.verify(&checkpoint);
            for note in [
                checkpoint.to_note(&of_c),
                checkpoint.to_note(key.verifier()),
            ] {
                assert_eq!(of_c.open_note(&note).is_ok(), holds, "{note}");
            }
            holds
        };
        let sizes = [0, 9, 10, 11, 24, 25, 26, u64::MAX];
        sizes.into_iter().filter(holds).collect()
    };
    assert_eq!(signs(&a), [0, 9, 10]);
    assert_eq!(signs(&b), [10, 11, 24, 25]);
    assert_eq!(signs(&c), [25, 26, u64::MAX]);
    assert!(signs(&thief).is_empty());

    // Whoever knows one of them accepts what it became, and nobody accepts what it was.
    let forked = a.hand_over(&of_a, &thief, 12).unwrap();
    for known in [&of_a, &of_b, &of_c, b.verifier(), c.verifier()] {
        assert!(known.accepts(&of_c), "{known}");
        assert_eq!(known.or_successor(Some(&of_c)), of_c);
    }
    for (known, shown) in [
        (&of_b, &of_a),
        (&of_c, &of_b),
        (&of_b, &forked),
        (&of_c, &forked),
        (&forked, &of_c),
    ] {
        assert!(!known.accepts(shown), "{known} {shown}");
        assert_eq!(&known.or_successor(Some(shown)), known);
    }
    assert_eq!(of_c.or_successor(Some(c.verifier())), of_c);

    // What does not follow is no key of a log.
    let refused = Err(NoteError::Succession);
    assert_eq!(b.hand_over(&of_a, &c, 25), refused);
    assert_eq!(b.hand_over(&of_b, &c, 10), refused);
    assert_eq!(b.hand_over(&of_b, &a, 25), refused);
    let other = SigningKey::from_seed("log.example/b", [9; 32]).unwrap();
    assert_eq!(b.hand_over(&of_b, &other, 25), refused);
    let text = of_c.to_text();
    let lines: Vec<&str> = text.split('\n').collect();
    for bad in [
        [lines[0], lines[2]].join("\n"),
        [lines[0], lines[2], lines[1]].join("\n"),
        text.replacen(" 25 ", " 26 ", 1),
        text.replacen(" 25 ", " 025 ", 1),
        format!("{text}\n"),
    ] {
        assert!(VerifierKey::parse(&bad).is_err(), "{bad}");
    }
}

#[test]
fn loose_forms_are_refused() {
    let key = key();
    let note = key.sign(5, Hash([3; 32])).to_note(key.verifier());
    for (from, to) in [
        ("\n5\n", "\n05\n"),
        ("\n5\n", "\n+5\n"),
        ("=\n\n", "=\next\n\n"),
        ("=\n", "\n"),
    ] {
        let loose = note.replacen(from, to, 1);
        assert!(key.verifier().open_note(&loose).is_err(), "{loose}");
    }
    for name in ["", "a b", "a+b", "a\n"] {
        assert_eq!(
            SigningKey::generate(name).err(),
            Some(NoteError::Name),
            "{name:?}"
        );
    }
}

#[test]
fn a_restart_gives_up_what_the_key_before_has_signed_beyond() {
    let new = |seed| SigningKey::from_seed("log.example/a", [seed; 32]).unwrap();
    let [a, b, c, d] = [1, 2, 3, 4].map(new);
    let of_b = a.hand_over(a.verifier(), &b, 10).unwrap();
    let of_c = b.restart(&of_b, &c, 40, 25).unwrap();
    let of_d = c.hand_over(&of_c, &d, 60).unwrap();
    assert_eq!(VerifierKey::parse(&of_d.to_text()).as_ref(), Ok(&of_d));
    let successions: Vec<(u64, Option<u64>, u64)> = of_d
        .successions()
        .map(|one| (one.until, one.given_up_beyond, one.declared_size()))
        .collect();
    assert_eq!(
        successions,
        [(60, None, 60), (40, Some(25), 41), (10, None, 10)]
    );
    // Whether it is signed by who signs that size, and whether it was given up.
    for (key, size, verifies, given_up) in [
        (&a, 10, true, false),
        (&a, 11, false, false),
        (&a, 100, false, false),
        (&b, 9, false, false),
        (&b, 25, true, false),
        (&b, 26, true, true),
        (&b, 40, true, true),
        (&b, 41, false, true),
        (&b, 100, false, true),
        (&c, 39, false, false),
        (&c, 60, true, false),
        (&c, 61, false, false),
        (&d, 61, true, false),
    ] {
        let checkpoint = key.sign(size, Hash([3; 32]));
        assert_eq!(of_d.verify(&checkpoint), verifies, "{size}");
        assert_eq!(of_d.gave_up(&checkpoint), given_up.then_some(25), "{size}");
        for note in [
            checkpoint.to_note(&of_d),
            checkpoint.to_note(key.verifier()),
        ] {
            let opened = of_d.open_note(&note);
            assert_eq!(opened.is_ok(), verifies, "{note}");
            let is_given_up = opened == Err(NoteError::GivenUp);
            assert_eq!(is_given_up, given_up && !verifies, "{note}");
            let any = of_d.open_any_note(&note);
            assert_eq!(any.is_ok(), verifies || given_up, "{note}");
        }
    }
    for known in [&of_b, &of_c, a.verifier(), b.verifier()] {
        assert!(known.accepts(&of_d));
        assert!(!of_d.accepts(known));
    }
    let refused = Err(NoteError::Succession);
    assert_eq!(b.restart(&of_b, &c, 40, 41), refused);
    assert_eq!(b.restart(&of_b, &c, 40, 9), refused);
    assert!(b.restart(&of_b, &c, 10, 10).is_ok());
    let text = of_c.to_text();
    for bad in [
        text.replacen(" 40 25 ", " 40 24 ", 1),
        text.replacen(" 40 25 ", " 40 025 ", 1),
        text.replacen(" 40 25 ", " 40 ", 1),
        text.replacen(" 40 25 ", " 40 25 25 ", 1),
    ] {
        assert_ne!(bad, text);
        assert!(VerifierKey::parse(&bad).is_err(), "{bad}");
    }
}
