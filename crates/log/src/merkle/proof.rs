//! Inclusion and consistency proofs: made as RFC 6962 sections 2.1.1 and 2.1.2 define them,
//! checked by the algorithms of RFC 9162 sections 2.1.3.2 and 2.1.4.2.

use crate::error::{Error, Result};
use crate::hash::{Hash, empty_root, node_hash};
use crate::limits::PROOF_HASHES_MAX;

use super::{Nodes, range};

/// The proof that leaf `index` is in the tree of `size` leaves, from the leaf upwards.
///
/// # Errors
/// An index outside the tree, and those of the nodes.
pub fn inclusion(nodes: &impl Nodes, index: u64, size: u64) -> Result<Vec<Hash>> {
    if index >= size {
        return Err(Error::OutOfRange {
            wanted: index,
            from: 0,
            to: size,
        });
    }
    let mut proof = Vec::new();
    let (mut from, mut to) = (0, size);
    while to - from > 1 {
        let middle = split(from, to);
        if index < middle {
            proof.push(range(nodes, middle, to)?);
            to = middle;
        } else {
            proof.push(range(nodes, from, middle)?);
            from = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The proof that the tree of `new` leaves continues that of `old` leaves. Empty where there is
/// nothing to prove: `old` is 0 or equal to `new`.
///
/// # Errors
/// An old size beyond the new one, and those of the nodes.
pub fn consistency(nodes: &impl Nodes, old: u64, new: u64) -> Result<Vec<Hash>> {
    if old > new {
        return Err(Error::OutOfRange {
            wanted: old,
            from: 0,
            to: new,
        });
    }
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    let mut proof = Vec::new();
    let (mut from, mut to) = (0, new);
    while to != old {
        let middle = split(from, to);
        if old <= middle {
            proof.push(range(nodes, middle, to)?);
            to = middle;
        } else {
            proof.push(range(nodes, from, middle)?);
            from = middle;
        }
    }
    // Where the old tree is a complete left subtree, its root is what the verifier holds.
    if from > 0 {
        proof.push(range(nodes, from, to)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Checks that `leaf` is at `index` of the tree of `size` leaves and root `root`.
///
/// # Errors
/// When the proof does not show it.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size || proof.len() > PROOF_HASHES_MAX {
        return Err(ProofError);
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return Err(ProofError);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last == 0 && hash == *root {
        Ok(())
    } else {
        Err(ProofError)
    }
}

/// Checks that the tree of `new` leaves and root `new_root` continues that of `old` leaves and
/// root `old_root`.
///
/// # Errors
/// When the proof does not show it.
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    let holds = if old > new || proof.len() > PROOF_HASHES_MAX {
        false
    } else if old == new {
        proof.is_empty() && old_root == new_root
    } else if old == 0 {
        proof.is_empty() && *old_root == empty_root()
    } else {
        let complete = old.is_power_of_two().then_some(*old_root);
        let mut path = complete.iter().chain(proof);
        let roots = path
            .next()
            .and_then(|first| fold_consistency(old, new, *first, path));
        roots == Some((*old_root, *new_root))
    };
    if holds { Ok(()) } else { Err(ProofError) }
}

fn fold_consistency<'a>(
    old: u64,
    new: u64,
    first: Hash,
    path: impl Iterator<Item = &'a Hash>,
) -> Option<(Hash, Hash)> {
    let (mut node, mut last) = (old - 1, new - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut new_hash) = (first, first);
    for sibling in path {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some((old_hash, new_hash))
}

/// Where RFC 6962 splits a tree: the largest power of two below its size.
fn split(from: u64, to: u64) -> u64 {
    from + (1 << (to - from - 1).ilog2())
}

/// A proof that does not prove what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not hold")]
pub struct ProofError;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;
    use crate::merkle::{Levels, root};

    /// The eight leaves of the reference tests of certificate-transparency.
    const LEAVES: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn hash(text: &str) -> Hash {
        let bytes: Vec<u8> = (0..text.len() / 2)
            .map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap())
            .collect();
        Hash::from_slice(&bytes).unwrap()
    }

    fn reference_tree() -> Levels {
        let bytes = |text: &str| -> Vec<u8> {
            (0..text.len() / 2)
                .map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap())
                .collect()
        };
        LEAVES.iter().map(|leaf| leaf_hash(&bytes(leaf))).collect()
    }

    #[test]
    fn reference_roots() {
        let tree = reference_tree();
        for (at, expect) in ROOTS.iter().enumerate() {
            assert_eq!(
                root(&tree, at as u64 + 1).unwrap(),
                hash(expect),
                "size {}",
                at + 1
            );
        }
    }

    #[test]
    fn reference_inclusion_paths() {
        let check = |index: u64, size: u64, expect: &[&str]| {
            let expect: Vec<Hash> = expect.iter().map(|text| hash(text)).collect();
            assert_eq!(inclusion(&reference_tree(), index, size).unwrap(), expect);
        };
        check(0, 1, &[]);
        check(
            0,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        );
        check(
            5,
            8,
            &[
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        );
        check(
            2,
            3,
            &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
        );
    }

    #[test]
    fn reference_consistency_paths() {
        let check = |old: u64, new: u64, expect: &[&str]| {
            let expect: Vec<Hash> = expect.iter().map(|text| hash(text)).collect();
            assert_eq!(consistency(&reference_tree(), old, new).unwrap(), expect);
        };
        check(1, 1, &[]);
        check(
            1,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        );
        check(
            6,
            8,
            &[
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        );
        check(
            2,
            5,
            &[
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        );
    }

    #[test]
    fn all_inclusions_up_to_300() {
        let leaves: Vec<Hash> = (0..300u32)
            .map(|leaf| leaf_hash(&leaf.to_be_bytes()))
            .collect();
        let tree: Levels = leaves.iter().copied().collect();
        for size in 1..=300 {
            let root = root(&tree, size).unwrap();
            for index in 0..size {
                let proof = inclusion(&tree, index, size).unwrap();
                let leaf = &leaves[index as usize];
                assert_eq!(verify_inclusion(leaf, index, size, &proof, &root), Ok(()));
                let other = &leaves[(index as usize + 1) % 300];
                assert!(verify_inclusion(other, index, size, &proof, &root).is_err());
                assert!(
                    verify_inclusion(leaf, index ^ 1, size, &proof, &root).is_err() || size == 1
                );
            }
        }
    }

    #[test]
    fn all_consistencies_up_to_300() {
        let tree: Levels = (0..300u32)
            .map(|leaf| leaf_hash(&leaf.to_be_bytes()))
            .collect();
        let roots: Vec<Hash> = (0..=300).map(|size| root(&tree, size).unwrap()).collect();
        for new in 1..=300 {
            for old in 0..=new {
                let proof = consistency(&tree, old, new).unwrap();
                let (old_root, new_root) = (&roots[old as usize], &roots[new as usize]);
                assert_eq!(
                    verify_consistency(old, old_root, new, new_root, &proof),
                    Ok(())
                );
                if old > 0 && old < new {
                    let wrong = &roots[old as usize - 1];
                    assert!(verify_consistency(old, wrong, new, new_root, &proof).is_err());
                    assert!(verify_consistency(old, old_root, new, wrong, &proof).is_err());
                    assert!(verify_consistency(old, old_root, new, new_root, &proof[1..]).is_err());
                }
            }
        }
    }

    #[test]
    fn outside_the_tree() {
        let tree = reference_tree();
        assert!(inclusion(&tree, 8, 8).is_err());
        assert!(consistency(&tree, 9, 8).is_err());
        assert!(verify_inclusion(&Hash::ZERO, 0, 0, &[], &Hash::ZERO).is_err());
        assert!(verify_consistency(1, &Hash::ZERO, 2, &Hash::ZERO, &[Hash::ZERO; 64]).is_err());
    }
}
