//! Holds host heads to their signatures, their keys to each other, and what they say to the
//! entries.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;

use super::epoch::{Link, link_bytes};
use super::{hex, signed_bytes, split, unhex, verifies};
use crate::entry::{EntryRef, Kind, StreamId};
use crate::hash::{Hash, sha256};
use crate::limits::{EPOCHS_MAX, SIGNERS_MAX};
use crate::verify::Inspect;

/// All heads seen so far. Streams may come in any order.
#[derive(Debug, Default)]
pub struct HeadCheck {
    heads: u64,
    signers: BTreeMap<[u8; 32], Signer>,
    streams: HashMap<StreamId, LastHead>,
}

/// What was checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeadSummary {
    /// Heads whose signature and statement hold.
    pub heads: u64,
    /// Hosts' chains of keys, hexadecimal, with their first and last epoch.
    pub signers: Vec<(String, u64, u64)>,
    /// What is wrong with the chains as a whole.
    pub problems: Vec<String>,
}

/// One chain of keys.
#[derive(Debug, Default)]
struct Signer {
    keys: BTreeMap<u64, [u8; 32]>,
    /// Epochs whose key the one before it certified.
    linked: BTreeSet<u64>,
    /// Links whose epoch before is not known yet.
    waiting: BTreeMap<u64, [u8; 64]>,
}

#[derive(Debug)]
struct LastHead {
    signer: [u8; 32],
    epoch: u64,
    /// The stream itself says that its writer lost its keys.
    may_change: bool,
}

/// The members that are checked; there are others.
#[derive(Deserialize)]
struct Statement {
    v: u8,
    next: u64,
    head: String,
    signer: String,
    epoch: u64,
    key: String,
    #[serde(default)]
    links: Vec<Link>,
}

impl Inspect for HeadCheck {
    fn entry(&mut self, entry: &EntryRef<'_>, head_before: Option<Hash>) -> Option<String> {
        match entry.header().kind {
            Kind::HostHead => self.head(entry, head_before).err(),
            Kind::Gap => {
                self.gap(entry);
                None
            }
            _ => None,
        }
    }
}

impl HeadCheck {
    fn head(&mut self, entry: &EntryRef<'_>, head_before: Option<Hash>) -> Result<(), String> {
        let header = entry.header();
        let (body, signature) =
            split(entry.payload()).ok_or("the host head does not end in a signature")?;
        let statement: Statement = serde_json::from_slice(entry.payload())
            .map_err(|error| format!("the host head cannot be read: {error}"))?;
        if statement.v != 1 {
            return Err(format!("host heads of version {} are unknown", statement.v));
        }
        let part = |text: &str, what| {
            unhex::<32>(text.as_bytes()).ok_or(format!("{what} is not 32 bytes"))
        };
        let signer = part(&statement.signer, "the signer")?;
        let key = part(&statement.key, "the key")?;
        if !verifies(
            &key,
            &signed_bytes(header.stream, header.sequence, body),
            &signature,
        ) {
            return Err("the host head's signature does not hold".into());
        }
        if statement.next != header.sequence {
            return Err(format!(
                "the host head says that entry {} is next, and is entry {}",
                statement.next, header.sequence
            ));
        }
        if let Some(head) = head_before
            && hex(&head.0) != statement.head
        {
            return Err("the host head states another chain head than its stream has".into());
        }
        self.enter(
            header.stream,
            signer,
            statement.epoch,
            key,
            &statement.links,
        )?;
        self.heads += 1;
        Ok(())
    }

    fn enter(
        &mut self,
        stream: StreamId,
        signer: [u8; 32],
        epoch: u64,
        key: [u8; 32],
        links: &[Link],
    ) -> Result<(), String> {
        if let Some(last) = self.streams.get(&stream) {
            if last.signer != signer && !last.may_change {
                return Err("another host's keys sign in the middle of the stream".into());
            }
            if last.signer == signer && last.epoch > epoch {
                return Err(format!(
                    "a key of epoch {epoch} signs after one of epoch {}",
                    last.epoch
                ));
            }
        }
        if self.signers.len() >= SIGNERS_MAX && !self.signers.contains_key(&signer) {
            return Err(format!("more than {SIGNERS_MAX} chains of keys"));
        }
        let chain = self.signers.entry(signer).or_default();
        for link in links {
            chain.link(&signer, link)?;
        }
        chain.key(&signer, epoch, key)?;
        let last = LastHead {
            signer,
            epoch,
            may_change: false,
        };
        self.streams.insert(stream, last);
        Ok(())
    }

    /// A writer that lost its keys says so before it begins anew.
    fn gap(&mut self, entry: &EntryRef<'_>) {
        #[derive(Deserialize)]
        struct Reason {
            reason: String,
        }
        if let Some(last) = self.streams.get_mut(&entry.header().stream)
            && let Ok(gap) = serde_json::from_slice::<Reason>(entry.payload())
        {
            last.may_change |= gap.reason == "signer-lost";
        }
    }

    /// What was checked, and what can only be said at the end.
    pub fn summary(&self) -> HeadSummary {
        let mut summary = HeadSummary {
            heads: self.heads,
            ..HeadSummary::default()
        };
        for (signer, chain) in &self.signers {
            let (Some((first, _)), Some((last, _))) =
                (chain.keys.first_key_value(), chain.keys.last_key_value())
            else {
                continue;
            };
            summary.signers.push((hex(signer), *first, *last));
            // What certified the first one may have been removed with the files before it.
            let unproven = chain
                .keys
                .keys()
                .skip(1)
                .find(|epoch| !chain.linked.contains(epoch));
            if let Some(epoch) = unproven {
                summary.problems.push(format!(
                    "the key of epoch {epoch} of signer {} is not certified by the one before it",
                    hex(signer)
                ));
            }
        }
        summary
    }
}

impl Signer {
    fn key(&mut self, signer: &[u8; 32], epoch: u64, key: [u8; 32]) -> Result<(), String> {
        match self.keys.get(&epoch) {
            Some(known) if *known == key => return Ok(()),
            Some(_) => return Err(format!("epoch {epoch} of the host has two keys")),
            None => {}
        }
        if self.keys.len() >= EPOCHS_MAX {
            return Err(format!("more than {EPOCHS_MAX} epochs of one host"));
        }
        let first = [&b"indelible signer v1\0"[..], &key].concat();
        if epoch == 0 && sha256(&first).0 != *signer {
            return Err("the key of epoch 0 is not the one that names the signer".into());
        }
        self.keys.insert(epoch, key);
        for epoch in [Some(epoch), epoch.checked_add(1)].into_iter().flatten() {
            self.prove(signer, epoch)?;
        }
        Ok(())
    }

    fn link(&mut self, signer: &[u8; 32], link: &Link) -> Result<(), String> {
        let key = unhex::<32>(link.key.as_bytes()).ok_or("a linked key is not 32 bytes")?;
        let signature = unhex::<64>(link.sig.as_bytes()).ok_or("a link is not 64 bytes")?;
        if link.epoch == 0 {
            return Err("nothing certifies epoch 0".into());
        }
        if !self.linked.contains(&link.epoch) && self.waiting.len() < EPOCHS_MAX {
            self.waiting.insert(link.epoch, signature);
        }
        self.key(signer, link.epoch, key)?;
        self.prove(signer, link.epoch)
    }

    /// Checks the link to an epoch once both keys are known.
    fn prove(&mut self, signer: &[u8; 32], epoch: u64) -> Result<(), String> {
        let before = epoch
            .checked_sub(1)
            .and_then(|before| self.keys.get(&before));
        let (Some(before), Some(key)) = (before, self.keys.get(&epoch)) else {
            return Ok(());
        };
        let Some(signature) = self.waiting.get(&epoch) else {
            return Ok(());
        };
        let holds = verifies(before, &link_bytes(signer, epoch, key), signature);
        self.waiting.remove(&epoch);
        if !holds {
            return Err(format!(
                "the key of epoch {epoch} is certified by somebody else"
            ));
        }
        self.linked.insert(epoch);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{EpochKey, Saved, sign};
    use super::*;
    use crate::entry::{self, Header};
    use crate::hash::chain_head;

    const STREAM: StreamId = StreamId([5; 16]);

    /// A stream of heads, as a host writes it.
    #[derive(Default)]
    struct Host {
        entries: Vec<Vec<u8>>,
        head: Hash,
        saved: Option<Saved>,
        key: Option<EpochKey>,
    }

    impl Host {
        fn next_epoch(&mut self) {
            let (key, saved) = match &self.saved {
                None => EpochKey::begin().unwrap(),
                Some(saved) => EpochKey::resume(saved).unwrap().unwrap(),
            };
            (self.key, self.saved) = (Some(key), Some(saved));
        }

        fn push(&mut self, kind: Kind, payload: &[u8]) {
            let header = Header {
                kind,
                flags: 0,
                stream: STREAM,
                sequence: self.entries.len() as u64,
                time_ns: 1,
            };
            let mut bytes = Vec::new();
            entry::push(&mut bytes, &header, payload);
            let entry = EntryRef::parse(&bytes[2..]).unwrap();
            self.head = chain_head(&self.head, &entry.leaf_hash());
            self.entries.push(bytes[2..].to_vec());
        }

        fn object(&self, links: bool) -> serde_json::Value {
            let key = self.key.as_ref().unwrap();
            let mut object = serde_json::json!({
                "v": 1, "next": self.entries.len(), "head": hex(&self.head.0),
                "signer": key.signer(), "epoch": key.epoch(), "key": key.public(),
            });
            if links {
                object["links"] = serde_json::to_value(key.links()).unwrap();
            }
            object
        }

        fn push_object(&mut self, object: &serde_json::Value) {
            let key = self.key.as_ref().unwrap();
            let sequence = self.entries.len() as u64;
            let payload = sign(key, STREAM, sequence, object.to_string().as_bytes());
            self.push(Kind::HostHead, &payload);
        }

        fn push_head(&mut self, links: bool) {
            self.push_object(&self.object(links));
        }

        fn check(&self) -> (Vec<String>, HeadSummary) {
            let mut check = HeadCheck::default();
            let mut head = Hash::ZERO;
            let mut problems = Vec::new();
            for bytes in &self.entries {
                let entry = EntryRef::parse(bytes).unwrap();
                problems.extend(check.entry(&entry, Some(head)));
                head = chain_head(&head, &entry.leaf_hash());
            }
            (problems, check.summary())
        }

        fn problem(&self) -> String {
            let (mut problems, summary) = self.check();
            problems.extend(summary.problems);
            assert_eq!(problems.len(), 1, "{problems:?}");
            problems.remove(0)
        }
    }

    fn host_of_three_epochs() -> Host {
        let mut host = Host::default();
        host.push(Kind::StreamOpened, b"{}");
        for _ in 0..3 {
            host.next_epoch();
            host.push_head(true);
            host.push(Kind::Audit, b"\0\0line");
            host.push_head(false);
        }
        host
    }

    #[test]
    fn honest_heads_hold() {
        let (problems, summary) = host_of_three_epochs().check();
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(summary.heads, 6);
        assert_eq!(
            (
                summary.signers.len(),
                summary.signers[0].1,
                summary.signers[0].2
            ),
            (1, 0, 2)
        );
        assert_eq!(summary.problems, Vec::<String>::new());
    }

    #[test]
    fn an_epoch_that_signed_nothing_is_bridged() {
        let mut host = host_of_three_epochs();
        host.next_epoch();
        host.next_epoch();
        host.push_head(true);
        assert_eq!(host.check().0, Vec::<String>::new());
        assert_eq!(host.check().1.signers[0].2, 4);
    }

    #[test]
    fn lies_are_found() {
        let mut host = host_of_three_epochs();
        let mut object = host.object(false);
        object["next"] = 3.into();
        host.push_object(&object);
        assert!(host.problem().contains("says that entry 3 is next"));

        let mut host = host_of_three_epochs();
        let mut object = host.object(false);
        object["head"] = hex(&[9; 32]).into();
        host.push_object(&object);
        assert!(host.problem().contains("another chain head"));

        let mut host = host_of_three_epochs();
        host.next_epoch();
        host.push_head(false);
        assert!(host.problem().contains("not certified"));
    }

    #[test]
    fn a_forger_without_the_old_key_is_found() {
        // Another chain of keys in the same stream.
        let mut host = host_of_three_epochs();
        host.saved = None;
        host.next_epoch();
        host.push_head(true);
        assert!(host.problem().contains("another host's keys"));
        // The same, said by the writer itself: a recorded gap, no forgery.
        let mut host = host_of_three_epochs();
        host.saved = None;
        host.push(Kind::Gap, br#"{"v":1,"reason":"signer-lost"}"#);
        host.next_epoch();
        host.push_head(true);
        assert_eq!(host.check().0, Vec::<String>::new());

        // A key of the forger's own for an epoch of the host.
        let mut host = host_of_three_epochs();
        let forger = EpochKey::begin().unwrap().0;
        let mut object = host.object(false);
        object["key"] = forger.public().into();
        host.key = Some(forger);
        host.push_object(&object);
        assert!(host.problem().contains("two keys"));

        // And for the next one, with a link that the forger signed.
        let mut host = host_of_three_epochs();
        let (signer, epoch) = {
            let key = host.key.as_ref().unwrap();
            (key.signer(), key.epoch() + 1)
        };
        let (forger, saved) = EpochKey::begin().unwrap();
        let mut object = host.object(false);
        object["signer"] = signer.into();
        object["epoch"] = epoch.into();
        object["key"] = forger.public().into();
        let mut links = serde_json::to_value(&saved).unwrap()["links"].clone();
        links[0]["epoch"] = epoch.into();
        links[0]["key"] = forger.public().into();
        object["links"] = links;
        host.key = Some(forger);
        host.push_object(&object);
        assert!(
            host.check().0[0].contains("certified by somebody else"),
            "{:?}",
            host.check()
        );
    }

    #[test]
    fn every_flipped_bit_of_a_head_is_found() {
        let mut host = Host::default();
        host.push(Kind::StreamOpened, b"{}");
        host.next_epoch();
        host.push_head(true);
        let whole = host.entries[1].clone();
        for bit in 0..whole.len() * 8 {
            host.entries[1].clone_from(&whole);
            host.entries[1][bit / 8] ^= 1 << (bit % 8);
            if EntryRef::parse(&host.entries[1]).is_ok_and(|entry| entry.header().kind == Kind::HostHead)
                // Time, flags and stream of the envelope are held by the leaf hash alone.
                && !(2..4).contains(&(bit / 8)) && !(28..36).contains(&(bit / 8))
            {
                assert_eq!(host.check().0.len(), 1, "bit {bit}");
            }
        }
    }
}
