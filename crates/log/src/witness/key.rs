//! The key of a witness, and what it signs.

use std::fmt;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::limits::TEXT_BYTES_MAX;
use crate::note::{
    Checkpoint, NoteError, SIGNATURE_BYTES, key_id, parse_signature_line, parse_verifier_key,
    write_verifier_key,
};

/// The public key of a witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessKey {
    name: String,
    id: [u8; 4],
    public: [u8; 32],
}

/// What a witness puts under a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cosignature {
    /// When it signed, seconds since 1970.
    pub time_s: u64,
    /// Ed25519 over the time and the checkpoint's text.
    pub signature: [u8; SIGNATURE_BYTES],
}

impl WitnessKey {
    /// The key of a name.
    ///
    /// # Errors
    /// A name that notes cannot carry.
    pub fn new(name: &str, public: [u8; 32]) -> Result<Self, NoteError> {
        Ok(Self {
            name: name.to_owned(),
            id: key_id(name, COSIGNATURE_TYPE, &public)?,
            public,
        })
    }

    /// Reads the C2SP verifier key form, of type 0x04.
    ///
    /// # Errors
    /// Any deviation from the form, a key of another type, and a key id that is not the key's.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, id, public) = parse_verifier_key(text, COSIGNATURE_TYPE)?;
        Ok(Self { name, id, public })
    }

    /// The witness's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether this witness signed a checkpoint of the log called `origin`.
    pub fn verify(&self, origin: &str, checkpoint: &Checkpoint, cosignature: &Cosignature) -> bool {
        let text = signed_text(origin, checkpoint, cosignature.time_s);
        UnparsedPublicKey::new(&ED25519, self.public)
            .verify(text.as_bytes(), &cosignature.signature)
            .is_ok()
    }

    /// The signature line of a cosignature, as it is put under a note.
    pub fn line(&self, cosignature: &Cosignature) -> String {
        let mut bytes = self.id.to_vec();
        bytes.extend_from_slice(&cosignature.time_s.to_be_bytes());
        bytes.extend_from_slice(&cosignature.signature);
        format!("\u{2014} {} {}\n", self.name, STANDARD.encode(bytes))
    }

    /// Looks for this witness's line among signature lines; lines of others are not judged.
    ///
    /// # Errors
    /// Text that is no run of signature lines, and a line of this key of another length.
    pub fn find(&self, lines: &str) -> Result<Option<Cosignature>, NoteError> {
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Form)?;
        let mut found = None;
        for line in lines.split('\n') {
            let (name, bytes) = parse_signature_line(line)?;
            let Some(rest) = bytes.strip_prefix(&self.id).filter(|_| name == self.name) else {
                continue;
            };
            let (time, signature) = rest.split_first_chunk().ok_or(NoteError::Signature)?;
            found = Some(Cosignature {
                time_s: u64::from_be_bytes(*time),
                signature: signature.try_into().map_err(|_| NoteError::Signature)?,
            });
        }
        Ok(found)
    }

    /// The cosignature of this witness under a note, whose log signature somebody else verified.
    ///
    /// # Errors
    /// Text of another form; [`NoteError::Unsigned`] where this witness did not sign,
    /// [`NoteError::Signature`] where its signature does not hold.
    pub fn open_note(
        &self,
        origin: &str,
        checkpoint: &Checkpoint,
        note: &str,
    ) -> Result<Cosignature, NoteError> {
        if note.len() > TEXT_BYTES_MAX {
            return Err(NoteError::Form);
        }
        let (_, lines) = note.split_once("\n\n").ok_or(NoteError::Form)?;
        let cosignature = self.find(lines)?.ok_or(NoteError::Unsigned)?;
        if self.verify(origin, checkpoint, &cosignature) {
            Ok(cosignature)
        } else {
            Err(NoteError::Signature)
        }
    }
}

impl fmt::Display for WitnessKey {
    /// The C2SP verifier key form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_verifier_key(f, &self.name, &self.id, COSIGNATURE_TYPE, &self.public)
    }
}

/// What is signed.
fn signed_text(origin: &str, checkpoint: &Checkpoint, time_s: u64) -> String {
    let text = Checkpoint::text(origin, checkpoint.size, &checkpoint.root);
    format!("cosignature/v1\ntime {time_s}\n{text}")
}

const COSIGNATURE_TYPE: u8 = 4;

#[cfg(test)]
pub(super) mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

    use super::*;
    use crate::hash::Hash;
    use crate::note::SigningKey;

    pub(crate) struct Pen {
        pair: Ed25519KeyPair,
        pub(crate) key: WitnessKey,
    }

    impl Pen {
        pub(crate) fn new(seed: u8) -> Self {
            let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
            let public = pair.public_key().as_ref().try_into().unwrap();
            let key = WitnessKey::new("witness.example/w", public).unwrap();
            Self { pair, key }
        }

        pub(crate) fn sign(&self, origin: &str, checkpoint: &Checkpoint, time_s: u64) -> String {
            let signed = signed_text(origin, checkpoint, time_s);
            let signature = self
                .pair
                .sign(signed.as_bytes())
                .as_ref()
                .try_into()
                .unwrap();
            self.key.line(&Cosignature { time_s, signature })
        }
    }

    #[test]
    fn every_flipped_bit_of_key_and_line_is_seen() {
        let pen = Pen::new(3);
        let text = pen.key.to_string();
        assert_eq!(WitnessKey::parse(&text).as_ref(), Ok(&pen.key));
        for bit in 0..text.len() * 8 {
            let mut flipped = text.clone().into_bytes();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let read = String::from_utf8(flipped).map(|text| WitnessKey::parse(&text));
            assert!(!matches!(read, Ok(Ok(_))), "bit {bit}");
        }
        let log = SigningKey::from_seed("log.example/a", [7; 32]).unwrap();
        let checkpoint = log.sign(5, Hash([9; 32]));
        let note = checkpoint.to_note(log.verifier());
        let line = pen.sign("log.example/a", &checkpoint, 1_767_000_000);
        for bit in 0..line.len() * 8 {
            let mut flipped = line.clone().into_bytes();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let Ok(flipped) = String::from_utf8(flipped) else {
                continue;
            };
            let opened =
                pen.key
                    .open_note("log.example/a", &checkpoint, &(note.clone() + &flipped));
            assert!(opened.is_err(), "bit {bit}");
        }
        let whole = note.clone() + &line;
        let opened = pen.key.open_note("log.example/a", &checkpoint, &whole);
        assert_eq!(opened.unwrap().time_s, 1_767_000_000);
        assert_eq!(log.verifier().open_note(&whole), Ok(checkpoint));
        assert_eq!(
            pen.key.open_note("log.example/b", &checkpoint, &whole),
            Err(NoteError::Signature)
        );
        assert_eq!(
            pen.key.open_note("log.example/a", &checkpoint, &note),
            Err(NoteError::Unsigned)
        );
    }
}
