//! Soups of the tokens that matter, cut at random: what a framer finds does not depend on how the
//! bytes arrive, and the view of a header says the same of the message written anew.

use indelible_wire::relp::{Decoder, Event};
use indelible_wire::syslog::{Form, Framer, Framing, Message, Piece, framing};

use crate::model::random::Random;

#[test]
fn framing_does_not_depend_on_chunks_and_messages_come_back() {
    let mut random = seeded();
    for _ in 0..3000 {
        let soup = soup(&mut random, FRAME_TOKENS);
        assert_eq!(
            cut(&soup, None, &mut Random(1), true),
            cut(&soup, None, &mut random, false),
            "{}",
            soup.escape_ascii()
        );
        let lines = soup.split(|byte| *byte == b'\n');
        let made: Vec<_> = lines
            .filter(|line| !line.is_empty() && *line != b"\r")
            .collect();
        for kind in [Framing::Lines, Framing::Octets] {
            let mut framed = Vec::new();
            made.iter()
                .for_each(|message| framing::push(&mut framed, kind, message));
            let back = cut(&framed, Some(kind), &mut random, false);
            let back: Vec<_> = back.iter().map(|(message, _)| &message[..]).collect();
            assert_eq!(back, made);
        }
    }
}

#[test]
fn a_header_written_anew_says_the_same() {
    let mut random = seeded();
    for _ in 0..20_000 {
        let soup = soup(&mut random, HEADER_TOKENS);
        let message = Message::parse(&soup);
        assert!(
            soup.windows(message.text.len().max(1))
                .any(|part| part == message.text)
                || message.text.is_empty()
        );
        if message.form == Form::Bare {
            assert!(soup.starts_with(message.text));
        }
        if message.text.starts_with("\u{feff}".as_bytes()) {
            continue;
        }
        let mut written = Vec::new();
        message.push_rfc5424(&mut written);
        let again = Message::parse(&written);
        assert_eq!(again.form, Form::Rfc5424, "{}", soup.escape_ascii());
        assert_eq!(again.text, message.text, "{}", soup.escape_ascii());
        assert_eq!(
            again.structured.map(|data| data.raw()),
            message.structured.map(|data| data.raw())
        );
    }
}

#[test]
fn relp_frames_do_not_depend_on_chunks() {
    let mut random = seeded();
    for _ in 0..5000 {
        let soup = soup(&mut random, RELP_TOKENS);
        assert_eq!(
            frames(&soup, &mut Random(1), true),
            frames(&soup, &mut random, false)
        );
    }
}

fn seeded() -> Random {
    let seed = std::env::var("INDELIBLE_SEED").map_or(1, |seed| seed.parse().unwrap());
    println!("INDELIBLE_SEED={seed}");
    Random(seed)
}

fn soup(random: &mut Random, tokens: &[&str]) -> Vec<u8> {
    (0..random.below(14))
        .flat_map(|_| tokens[random.below(tokens.len() as u64) as usize].bytes())
        .collect()
}

fn chunks<'a>(bytes: &'a [u8], random: &mut Random, whole: bool) -> Vec<&'a [u8]> {
    let mut rest = bytes;
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        let length = if whole {
            rest.len()
        } else {
            1 + random.below(9) as usize
        };
        let (chunk, tail) = rest.split_at(length.min(rest.len()));
        chunks.push(chunk);
        rest = tail;
    }
    chunks
}

/// Messages and whether they were finished; an error stands as an unfinished message at the end.
fn cut(
    bytes: &[u8],
    kind: Option<Framing>,
    random: &mut Random,
    whole: bool,
) -> Vec<(Vec<u8>, bool)> {
    let mut framer = Framer::new(kind);
    let mut messages = Vec::new();
    let mut keep = |piece: Piece<'_>| {
        if let Piece::Message { bytes, finished } = piece {
            messages.push((bytes.to_vec(), finished));
        }
    };
    for mut chunk in chunks(bytes, random, whole) {
        loop {
            match framer.next(&mut chunk) {
                Ok(Some(piece)) => keep(piece),
                Ok(None) => break,
                Err(error) => {
                    messages.push((error.to_string().into_bytes(), false));
                    return messages;
                }
            }
        }
    }
    while let Some(piece) = framer.finish(true) {
        keep(piece);
    }
    messages
}

fn frames(bytes: &[u8], random: &mut Random, whole: bool) -> Vec<String> {
    let mut decoder = Decoder::default();
    let mut out = Vec::new();
    for mut chunk in chunks(bytes, random, whole) {
        loop {
            match decoder.next(&mut chunk) {
                Ok(Some(Event::Frame(header, data))) => out.push(format!("{header:?} {data:?}")),
                Ok(Some(event)) => panic!("{event:?} of {} bytes", bytes.len()),
                Ok(None) => break,
                Err(error) => {
                    out.push(error.to_string());
                    return out;
                }
            }
        }
    }
    out
}

const FRAME_TOKENS: &[&str] = &[
    "1",
    "2",
    "5",
    "12",
    "0",
    " ",
    "<13>",
    "<",
    ">",
    "\n",
    "\r",
    "\r\n",
    "a",
    "5 <13>a",
    "5 hello",
    "\0",
    "3 abc7 goodbye",
];
const HEADER_TOKENS: &[&str] = &[
    "<",
    "13",
    ">",
    "<34>",
    "<13>1 ",
    "1 ",
    " ",
    "-",
    "- ",
    "2003-10-11T22:14:15.003Z",
    "Oct 11 22:14:15",
    "2026-11-25T17:34:31+01:00",
    ":60",
    "web1",
    "fe80::1",
    "su:",
    "su[1]:",
    "[",
    "]",
    "[a b=\"",
    "\"",
    "\\",
    "[x]",
    "\u{feff}",
    "\n",
    "\0",
    "é",
    "text",
];
const RELP_TOKENS: &[&str] = &[
    "1",
    "2",
    "999999999",
    " ",
    "\n",
    "open",
    "syslog",
    "rsp",
    "close",
    "1 open 0\n",
    "2 syslog 3 <1>\n",
    "2 syslog 5 <13>\n\n",
    "3 close 0\n",
    "x",
];
