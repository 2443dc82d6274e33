//! The keys of a host's heads: each certifies its successor, which alone is kept on disk.

use std::fmt;

use aws_lc_rs::rand;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use serde::{Deserialize, Serialize};

use super::{hex, unhex};
use crate::hash::sha256;

/// The key that signs the heads of one epoch. It lives in memory alone.
pub struct EpochKey {
    signer: [u8; 32],
    epoch: u64,
    pair: Ed25519KeyPair,
    links: Vec<Link>,
}

/// What certifies the key of an epoch, in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The epoch whose key is certified.
    pub epoch: u64,
    /// Its public key, hexadecimal.
    pub key: String,
    /// The signature by the key of the epoch before, hexadecimal.
    pub sig: String,
}

/// What stands on disk between two epochs: the private key of the next one, which has signed
/// nothing yet.
#[derive(Serialize, Deserialize)]
pub struct Saved {
    v: u8,
    signer: String,
    epoch: u64,
    seed: String,
    links: Vec<Link>,
}

impl EpochKey {
    /// Begins a chain of keys. The second value replaces, durably, what is saved; only then may
    /// the first be used.
    ///
    /// # Errors
    /// Where the system gives no random bytes.
    pub fn begin() -> Result<(Self, Saved), RandomError> {
        let seed = random_seed()?;
        let pair = pair(&seed)?;
        let mut first = b"indelible signer v1\0".to_vec();
        first.extend_from_slice(pair.public_key().as_ref());
        let key = Self {
            signer: sha256(&first).0,
            epoch: 0,
            pair,
            links: Vec::new(),
        };
        let saved = key.successor()?;
        Ok((key, saved))
    }

    /// Takes the key that was saved for the next epoch. As with [`EpochKey::begin`], the second
    /// value replaces what is saved before the first is used. `None` where it cannot be read.
    ///
    /// # Errors
    /// Where the system gives no random bytes.
    pub fn resume(saved: &Saved) -> Result<Option<(Self, Saved)>, RandomError> {
        let parts = (
            unhex::<32>(saved.signer.as_bytes()),
            unhex::<32>(saved.seed.as_bytes()),
        );
        let (Some(signer), Some(seed)) = parts else {
            return Ok(None);
        };
        let key = Self {
            signer,
            epoch: saved.epoch,
            pair: pair(&seed)?,
            links: saved.links.clone(),
        };
        if key.links.last().is_none_or(|link| link.key != key.public()) {
            return Ok(None);
        }
        let saved = key.successor()?;
        Ok(Some((key, saved)))
    }

    /// Makes and certifies the key of the next epoch.
    fn successor(&self) -> Result<Saved, RandomError> {
        let seed = random_seed()?;
        let next = pair(&seed)?;
        let public: [u8; 32] = public_bytes(&next);
        let epoch = self.epoch + 1;
        let signature = self.sign(&link_bytes(&self.signer, epoch, &public));
        let mut links = self.links.clone();
        links.push(Link {
            epoch,
            key: hex(&public),
            sig: hex(&signature),
        });
        // Epochs that ended before they signed a head are known from these alone.
        links.drain(..links.len().saturating_sub(LINKS_KEPT));
        Ok(Saved {
            v: 1,
            signer: hex(&self.signer),
            epoch,
            seed: hex(&seed),
            links,
        })
    }

    /// The chain that this key belongs to, hexadecimal.
    pub fn signer(&self) -> String {
        hex(&self.signer)
    }

    /// Number of the epoch.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The public key, hexadecimal.
    pub fn public(&self) -> String {
        hex(&public_bytes(&self.pair))
    }

    /// What certifies this key and the ones before it; the first head of an epoch carries them.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.pair.sign(message).as_ref());
        signature
    }
}

impl fmt::Debug for EpochKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "EpochKey({} of {})", self.epoch, self.signer())
    }
}

impl fmt::Debug for Saved {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Saved({} of {})", self.epoch, self.signer)
    }
}

/// The system gave no random bytes, or the library refused a key.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("no key could be made")]
pub struct RandomError;

pub(super) fn link_bytes(signer: &[u8; 32], epoch: u64, key: &[u8; 32]) -> Vec<u8> {
    let mut bytes = b"indelible epoch v1\0".to_vec();
    bytes.extend_from_slice(signer);
    bytes.extend_from_slice(&epoch.to_be_bytes());
    bytes.extend_from_slice(key);
    bytes
}

fn random_seed() -> Result<[u8; 32], RandomError> {
    let mut seed = [0; 32];
    rand::fill(&mut seed).map_err(|_| RandomError)?;
    Ok(seed)
}

fn pair(seed: &[u8; 32]) -> Result<Ed25519KeyPair, RandomError> {
    Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| RandomError)
}

fn public_bytes(pair: &Ed25519KeyPair) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(pair.public_key().as_ref());
    bytes
}

/// Links that are kept and carried.
const LINKS_KEPT: usize = 16;
