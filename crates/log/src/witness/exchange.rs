//! `add-checkpoint` of tlog-witness: what a log sends, and what an answer means.
//!
//! ```text
//! request  old <size>\n (<hash in base64>\n)* \n <the checkpoint: a signed note>
//! 200      signature lines
//! 409      text/x.tlog.size: the size that the witness holds, `<size>\n`
//! 422      the proof does not show that the log only grew
//! 400, 403, 404   malformed, signed by a key it does not know, a log it does not know
//! ```

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::key::{Cosignature, WitnessKey};
use crate::hash::Hash;
use crate::note::Checkpoint;

/// Our side of a conversation with one witness.
#[derive(Clone, Debug)]
pub struct Witness {
    key: WitnessKey,
    /// The size of the checkpoint that it signed last, as far as we know.
    signed_size: u64,
}

/// A checkpoint that is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The size that the proof of consistency must begin at.
    pub old_size: u64,
    /// What is to be signed.
    pub checkpoint: Checkpoint,
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Signed, and the signature holds.
    Cosigned(Cosignature),
    /// It holds a smaller checkpoint than we thought, or one that it signed since: offer again.
    Again,
    /// It signed a checkpoint of more entries than ours: our log was rolled back.
    Ahead {
        /// The size that it names.
        size: u64,
    },
    /// It says that our checkpoint does not continue the one that it signed: the log was
    /// rewritten, here or there.
    Inconsistent {
        /// The size from which on it does not.
        old_size: u64,
    },
    /// Anything else: the reason, for people. To be tried again later.
    Refused(String),
}

impl Witness {
    /// A witness that is known to have signed a checkpoint of so many entries (0: none).
    pub fn new(key: WitnessKey, signed_size: u64) -> Self {
        Self { key, signed_size }
    }

    /// The witness's key.
    pub fn key(&self) -> &WitnessKey {
        &self.key
    }

    /// What to send for a checkpoint.
    pub fn offer(&self, checkpoint: Checkpoint) -> Offer {
        Offer {
            old_size: self.signed_size.min(checkpoint.size),
            checkpoint,
        }
    }

    /// Judges the answer to an offer of a checkpoint of the log called `origin`: its status, media
    /// type and body, of which no more than [`ANSWER_BYTES_MAX`] bytes need be read.
    pub fn answered(
        &mut self,
        origin: &str,
        offer: &Offer,
        status: u16,
        media_type: &str,
        body: &[u8],
    ) -> Verdict {
        match status {
            200 => self.cosigned(origin, offer, body),
            409 => self.conflict(offer, media_type, body),
            422 => Verdict::Inconsistent {
                old_size: offer.old_size,
            },
            _ => Verdict::Refused(format!("status {status}: {}", shown(body))),
        }
    }

    fn cosigned(&mut self, origin: &str, offer: &Offer, body: &[u8]) -> Verdict {
        let found = std::str::from_utf8(body)
            .ok()
            .and_then(|lines| self.key.find(lines).transpose());
        match found {
            Some(Ok(cosignature)) if self.key.verify(origin, &offer.checkpoint, &cosignature) => {
                self.signed_size = offer.checkpoint.size;
                Verdict::Cosigned(cosignature)
            }
            Some(Ok(_)) => Verdict::Refused("its signature does not hold".into()),
            Some(Err(error)) => Verdict::Refused(format!("its answer cannot be read: {error}")),
            None => Verdict::Refused("its answer has no signature by its key".into()),
        }
    }

    fn conflict(&mut self, offer: &Offer, media_type: &str, body: &[u8]) -> Verdict {
        let size = (media_type.split(';').next() == Some(SIZE_TYPE))
            .then(|| parse_size(body))
            .flatten();
        match size {
            None => Verdict::Refused(format!("a conflict without a size: {}", shown(body))),
            Some(size) if size > offer.checkpoint.size => Verdict::Ahead { size },
            Some(0) if offer.old_size == 0 => {
                Verdict::Refused("a conflict with the size that it was sent".into())
            }
            // Version 1.0.0 of the protocol answers so where the size is the same and the root is
            // not.
            Some(size) if size == offer.old_size => Verdict::Inconsistent { old_size: size },
            Some(size) => {
                self.signed_size = size;
                Verdict::Again
            }
        }
    }
}

impl Offer {
    /// The body of the request. `note` is the checkpoint as the log signed it.
    pub fn to_body(&self, proof: &[Hash], note: &str) -> String {
        let mut body = format!("old {}\n", self.old_size);
        for hash in proof {
            body.push_str(&STANDARD.encode(hash.0));
            body.push('\n');
        }
        body.push('\n');
        body.push_str(note);
        body
    }
}

fn parse_size(body: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(body).ok()?.strip_suffix('\n')?;
    let decimal = digits.bytes().all(|byte| byte.is_ascii_digit());
    let plain = decimal && (digits == "0" || !digits.starts_with('0'));
    digits.parse().ok().filter(|_| plain)
}

/// The first line of a body, for people.
fn shown(body: &[u8]) -> String {
    let line = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = &line[..line.len().min(SHOWN_BYTES_MAX)];
    String::from_utf8_lossy(line).escape_debug().to_string()
}

/// Longest answer that means anything: a few signature lines.
pub const ANSWER_BYTES_MAX: u64 = 16 << 10;
const SHOWN_BYTES_MAX: usize = 200;
const SIZE_TYPE: &str = "text/x.tlog.size";

#[cfg(test)]
mod tests {
    use super::super::key::tests::Pen;
    use super::*;
    use crate::note::SigningKey;

    const ORIGIN: &str = "log.example/a";

    fn checkpoint(size: u64) -> Checkpoint {
        let key = SigningKey::from_seed(ORIGIN, [7; 32]).unwrap();
        key.sign(size, Hash([size as u8; 32]))
    }

    fn check(signed: u64, size: u64, answer: (u16, &str, &str), expect: &Verdict, then: u64) {
        let mut witness = Witness::new(Pen::new(1).key, signed);
        let offer = witness.offer(checkpoint(size));
        let (status, media_type, body) = answer;
        let verdict = witness.answered(ORIGIN, &offer, status, media_type, body.as_bytes());
        assert_eq!(&verdict, expect, "{answer:?}");
        assert_eq!(
            witness.offer(checkpoint(1_000)).old_size,
            then,
            "{answer:?}"
        );
    }

    #[test]
    fn sizes_and_statuses() {
        let refused = |why: &str| Verdict::Refused(why.to_owned());
        check(5, 9, (409, SIZE_TYPE, "3\n"), &Verdict::Again, 3);
        check(5, 9, (409, SIZE_TYPE, "9\n"), &Verdict::Again, 9);
        let charset = "text/x.tlog.size; charset=utf-8";
        check(
            5,
            9,
            (409, charset, "12\n"),
            &Verdict::Ahead { size: 12 },
            5,
        );
        let split = Verdict::Inconsistent { old_size: 5 };
        check(5, 9, (409, SIZE_TYPE, "5\n"), &split, 5);
        check(5, 9, (422, "text/plain", ""), &split, 5);
        for body in ["", "3", "03\n", "+3\n", "3 \n", "99999999999999999999\n"] {
            let why = format!("a conflict without a size: {}", body.trim_end_matches('\n'));
            check(5, 9, (409, SIZE_TYPE, body), &refused(&why), 5);
        }
        let why = refused("a conflict with the size that it was sent");
        check(0, 9, (409, SIZE_TYPE, "0\n"), &why, 0);
        let why = refused("a conflict without a size: 3");
        check(5, 9, (409, "text/plain", "3\n"), &why, 5);
        let why = refused("status 404: no \\u{1b}[31msuch log");
        check(5, 9, (404, "", "no \u{1b}[31msuch log\nmore"), &why, 5);
    }

    #[test]
    fn signatures() {
        let nine = checkpoint(9);
        let good = Pen::new(1).sign(ORIGIN, &nine, 77);
        let mut witness = Witness::new(Pen::new(1).key, 5);
        let offer = witness.offer(nine);
        let verdict = witness.answered(ORIGIN, &offer, 200, "", good.as_bytes());
        assert!(matches!(verdict, Verdict::Cosigned(signed) if signed.time_s == 77));
        assert_eq!(witness.offer(checkpoint(20)).old_size, 9);
        for (bad, why) in [
            (
                Pen::new(2).sign(ORIGIN, &nine, 77),
                "no signature by its key",
            ),
            (
                Pen::new(1).sign(ORIGIN, &checkpoint(8), 77),
                "does not hold",
            ),
            (
                Pen::new(1).sign("log.example/b", &nine, 77),
                "does not hold",
            ),
            ("what?".to_owned(), "cannot be read"),
            (String::new(), "cannot be read"),
        ] {
            let mut witness = Witness::new(Pen::new(1).key, 5);
            match witness.answered(ORIGIN, &offer, 200, "", bad.as_bytes()) {
                Verdict::Refused(said) => assert!(said.contains(why), "{said}"),
                other => panic!("{bad:?}: {other:?}"),
            }
            assert_eq!(witness.offer(checkpoint(20)).old_size, 5);
        }
    }

    #[test]
    fn the_body_is_as_the_protocol_has_it() {
        let offer = Witness::new(Pen::new(1).key, 2).offer(checkpoint(3));
        let body = offer.to_body(&[Hash([0; 32])], "note\n");
        let zeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        assert_eq!(body, format!("old 2\n{zeros}\n\nnote\n"));
    }
}
