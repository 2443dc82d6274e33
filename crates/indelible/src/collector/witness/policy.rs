//! How many witnesses, and which, must have signed what is published.

use anyhow::{Result, ensure};

use crate::config::witnesses::WitnessConfig;

/// What makes a checkpoint fit for publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    quorum: usize,
    /// By witness.
    required: Vec<bool>,
}

impl Policy {
    /// The policy of a configuration; without a quorum it is more than half.
    pub(super) fn new(witnesses: &[WitnessConfig], quorum: Option<usize>) -> Result<Self> {
        let quorum = quorum.unwrap_or(witnesses.len() / 2 + 1);
        ensure!(
            (1..=witnesses.len()).contains(&quorum),
            "a quorum of {quorum} of {} witnesses",
            witnesses.len()
        );
        ensure!(
            witnesses.len() <= WITNESSES_MAX,
            "more than {WITNESSES_MAX} witnesses"
        );
        Ok(Self {
            quorum,
            required: witnesses.iter().map(|witness| witness.required).collect(),
        })
    }

    /// Whether these signatures are enough.
    pub(super) fn is_met(&self, signed: impl Iterator<Item = bool>) -> bool {
        let signed: Vec<bool> = signed.collect();
        let count = signed.iter().filter(|signed| **signed).count();
        let mut required = self.required.iter().zip(&signed);
        count >= self.quorum && required.all(|(required, signed)| *signed || !required)
    }
}

/// Witnesses of one log: a note carries at least so many signatures (C2SP tlog-checkpoint).
const WITNESSES_MAX: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(required: &[bool], quorum: Option<usize>) -> Result<Policy> {
        let witness = |required: &bool| WitnessConfig {
            required: *required,
            ..WitnessConfig::parse("k http://w").unwrap()
        };
        Policy::new(&required.iter().map(witness).collect::<Vec<_>>(), quorum)
    }

    #[test]
    fn quorums_and_required_witnesses() {
        let check = |required: &[bool], quorum, signed: &[bool], expect| {
            let policy = policy(required, quorum).unwrap();
            assert_eq!(policy.is_met(signed.iter().copied()), expect, "{signed:?}");
        };
        let plain = [false; 3];
        check(&plain, None, &[true, false, false], false);
        check(&plain, None, &[true, false, true], true);
        check(&plain, Some(1), &[false, false, true], true);
        check(&plain, Some(1), &[false, false, false], false);
        check(&[true, false, false], Some(1), &[false, true, true], false);
        check(&[true, false, false], Some(2), &[true, false, false], false);
        check(&[true, false, false], Some(2), &[true, false, true], true);
        assert!(policy(&plain, Some(0)).is_err());
        assert!(policy(&plain, Some(4)).is_err());
    }
}
