//! Keys of a log that followed each other.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::checkpoint::{Checkpoint, SIGNATURE_BYTES};
use super::form::{ED25519_TYPE, parse_verifier_key};
use super::{NoteError, VerifierKey};

/// A key that a log signed with before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Earlier {
    pub(super) id: [u8; 4],
    pub(super) public: [u8; 32],
    /// The size of the last checkpoint that it signs, and of the first that the next one does.
    pub(super) until: u64,
    /// Where the log was restarted then: what it had signed of more entries than this is given up.
    pub(super) given_up_beyond: Option<u64>,
    /// By it, and by the next one.
    pub(super) signatures: [[u8; SIGNATURE_BYTES]; 2],
}

/// A key that followed another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Succession {
    /// The new one, in C2SP's form.
    pub key: String,
    /// The size of the last checkpoint that the earlier one signs.
    pub until: u64,
    /// Where the log was restarted then: what the earlier one had signed of more entries than this is
    /// given up.
    pub given_up_beyond: Option<u64>,
    /// The line of the earlier one, which both have signed.
    pub earlier: String,
}

impl Succession {
    /// Entries of the log with the one that declares it. A checkpoint of the earlier key covers the
    /// declaration of a new key, and none covers that of a restart: it may have signed as many
    /// entries before, and other ones.
    pub fn declared_size(&self) -> u64 {
        let own = u64::from(self.given_up_beyond.is_some());
        self.until.saturating_add(own)
    }
}

impl VerifierKey {
    /// Each time that the log got a new key, the newest first.
    pub fn successions(&self) -> impl Iterator<Item = Succession> {
        let newer = std::iter::once((&self.id, &self.public));
        let newer = newer.chain(self.earlier.iter().map(|key| (&key.id, &key.public)));
        newer
            .zip(&self.earlier)
            .map(|((id, public), earlier)| Succession {
                key: self.key_text(id, public),
                until: earlier.until,
                given_up_beyond: earlier.given_up_beyond,
                earlier: self.earlier_line(earlier),
            })
    }

    /// The first key of the log that is known, as C2SP writes it: it stays what it is.
    pub fn oldest(&self) -> String {
        let oldest = self.earlier.last();
        oldest.map_or_else(
            || self.to_string(),
            |earlier| self.key_text(&earlier.id, &earlier.public),
        )
    }

    /// Whether `shown` is this log's key as well: the same, or one that followed it. What is known of
    /// earlier keys must agree.
    pub fn accepts(&self, shown: &Self) -> bool {
        let Some(at) = shown.position(&self.public) else {
            return false;
        };
        let theirs = &shown.earlier[at..];
        let common = theirs.len().min(self.earlier.len());
        self.name == shown.name && theirs[..common] == self.earlier[..common]
    }

    /// What `self` is after `shown` was seen: the one that knows more, if they agree.
    #[must_use]
    pub fn or_successor(&self, shown: Option<&Self>) -> Self {
        match shown.filter(|shown| self.accepts(shown)) {
            Some(shown) if shown.earlier.len() > self.earlier.len() => shown.clone(),
            _ => self.clone(),
        }
    }

    /// The keys that may sign a checkpoint of a size: one, or two where one followed the other.
    pub(super) fn in_charge(&self, size: u64) -> impl Iterator<Item = (&[u8; 4], &[u8; 32])> {
        let from = |at: usize| self.earlier.get(at).map_or(0, |earlier| earlier.until);
        let current = (size >= from(0)).then_some((&self.id, &self.public));
        let earlier = self.earlier.iter().enumerate();
        let earlier = earlier
            .filter(move |(at, earlier)| (from(at + 1)..=earlier.until).contains(&size))
            .map(|(_, earlier)| (&earlier.id, &earlier.public));
        current.into_iter().chain(earlier)
    }

    /// The keys whose checkpoints of a size a restart gave up.
    pub(super) fn given_up(&self, size: u64) -> impl Iterator<Item = (&[u8; 4], &[u8; 32])> {
        let given_up = move |earlier: &&Earlier| {
            let beyond = earlier.given_up_beyond;
            beyond.is_some_and(|beyond| size > beyond)
        };
        self.earlier
            .iter()
            .filter(given_up)
            .map(|earlier| (&earlier.id, &earlier.public))
    }

    /// Whether a restart of the log gave a checkpoint up: then it was signed before, and the log may hold
    /// other entries. Answers the size that the log was restarted from.
    pub fn gave_up(&self, checkpoint: &Checkpoint) -> Option<u64> {
        let mut earlier = self.earlier.iter();
        earlier.find_map(|earlier| {
            let beyond = earlier.given_up_beyond?;
            let is_beyond = checkpoint.size > beyond;
            (is_beyond && self.is_signed(checkpoint, &earlier.public)).then_some(beyond)
        })
    }

    pub(super) fn parse_earlier(&self, line: &str) -> Result<Earlier, NoteError> {
        let words: Vec<&str> = line.split(' ').collect();
        let (key, until, given_up_beyond, by_earlier, by_next) = match words[..] {
            [key, until, by_earlier, by_next] => (key, until, None, by_earlier, by_next),
            [key, until, beyond, by_earlier, by_next] => {
                (key, until, Some(number(beyond)?), by_earlier, by_next)
            }
            _ => return Err(NoteError::Form),
        };
        let (name, id, public) = parse_verifier_key(key, ED25519_TYPE)?;
        let signature = |text: &str| {
            let bytes = STANDARD.decode(text).map_err(|_| NoteError::Form)?;
            bytes.try_into().map_err(|_| NoteError::Form)
        };
        if name != self.name {
            return Err(NoteError::Form);
        }
        Ok(Earlier {
            id,
            public,
            until: number(until)?,
            given_up_beyond,
            signatures: [signature(by_earlier)?, signature(by_next)?],
        })
    }

    /// What two keys sign that follow each other.
    pub(super) fn succession(&self, earlier: &Earlier, next: &([u8; 4], [u8; 32])) -> String {
        let (what, beyond) = match earlier.given_up_beyond {
            None => (SUCCESSION, String::new()),
            Some(beyond) => (RESTART, format!("{beyond}\n")),
        };
        format!(
            "{}\n{what}\n{}\n{}\n{}\n{beyond}",
            self.name,
            self.key_text(&earlier.id, &earlier.public),
            self.key_text(&next.0, &next.1),
            earlier.until
        )
    }

    pub(super) fn earlier_line(&self, earlier: &Earlier) -> String {
        let key = self.key_text(&earlier.id, &earlier.public);
        let signatures = earlier
            .signatures
            .map(|signature| STANDARD.encode(signature));
        let beyond = earlier.given_up_beyond;
        let beyond = beyond.map_or_else(String::new, |beyond| format!(" {beyond}"));
        format!(
            "{key} {}{beyond} {} {}",
            earlier.until, signatures[0], signatures[1]
        )
    }
}

impl Earlier {
    /// Whether it can stand below `newer`: sizes grow, and nothing is given up that it has handed over.
    pub(super) fn is_followed_by(&self, newer: Option<&Self>) -> bool {
        let is_in_order = self
            .given_up_beyond
            .is_none_or(|beyond| beyond <= self.until);
        is_in_order
            && newer.is_none_or(|newer| match newer.given_up_beyond {
                None => self.until < newer.until,
                Some(beyond) => self.until <= beyond,
            })
    }
}

/// A decimal number in the one way to write it.
fn number(text: &str) -> Result<u64, NoteError> {
    let number: u64 = text.parse().map_err(|_| NoteError::Form)?;
    match number.to_string() == text {
        true => Ok(number),
        false => Err(NoteError::Form),
    }
}

pub(super) fn has_signed(public: &[u8; 32], text: &str, signature: &[u8; SIGNATURE_BYTES]) -> bool {
    let key = UnparsedPublicKey::new(&ED25519, public);
    key.verify(text.as_bytes(), signature).is_ok()
}

const SUCCESSION: &str = "indelible/key-successor/v1";
const RESTART: &str = "indelible/log-restart/v1";
