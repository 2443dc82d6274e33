//! The verdict ladder.

use super::link::{Link, stripped};
use super::verdict::{Finding, Owner, Verdict};

/// What a file is to the process that runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Its executable.
    Executable,
    /// A library, or other code that it mapped.
    Library,
}

/// An inode that stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Device.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
}

/// What is known about one file that a process runs.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// What it is to the process.
    pub role: Role,
    /// Text of the link, or path of the mapping; empty where it was too long to be read.
    pub link: &'a [u8],
    /// The inode that runs.
    pub image: Place,
    /// How many names the inode has; overlayfs does not count down.
    pub links: u64,
    /// What stands at the text taken literally, in the process's own view.
    pub literal: Option<Place>,
    /// What stands at the text without its mark of deletion.
    pub unmarked: Option<Place>,
    /// Whether the file system of the inode is mounted where the process sees it; none where its
    /// mounts could not be read.
    pub mounted: Option<bool>,
    /// When the process started, in seconds since 1970.
    pub started_s: u64,
    /// The package that owns the path, if one does.
    pub owner: Option<&'a Owner>,
    /// Package and path of an installed file with the same bytes, wherever it stands.
    pub twin: Option<(&'a str, &'a str)>,
}

/// Judges a file that a process runs; nothing where it stands where it should.
pub fn judge(facts: &Facts<'_>) -> Option<Finding> {
    if facts.literal == Some(facts.image) || facts.unmarked == Some(facts.image) {
        return None;
    }
    let mut finding = match (Link::of(facts.link, facts.image.ino), facts.mounted) {
        // Memory and unnamed files stand on no mounted path; a file only named like one does.
        (Link::Memfd(name), Some(false) | None) => memfd(facts, name),
        (Link::Unnamed(_), _) if facts.links == 0 => Finding::new(
            Verdict::Unnamed,
            70,
            "it was opened without ever having a name (O_TMPFILE)".into(),
        ),
        _ if facts.link.is_empty() => path_too_long(facts),
        _ => match stripped(facts.link) {
            Some(path) => marked(facts, path),
            None => unmarked(facts),
        },
    };
    weigh_place(facts, &mut finding);
    weigh_twin(facts, &mut finding);
    Some(finding)
}

impl Finding {
    fn new(verdict: Verdict, score: u8, reason: String) -> Finding {
        Finding {
            verdict,
            score,
            reasons: vec![reason],
        }
    }

    fn add(&mut self, score: u8, reason: impl Into<String>) {
        self.score = self.score.saturating_add(score).min(100);
        self.reasons.push(reason.into());
    }
}

fn memfd(facts: &Facts<'_>, name: &[u8]) -> Finding {
    let name = String::from_utf8_lossy(name);
    let what = match facts.role {
        Role::Executable => "it runs",
        Role::Library => "it has code",
    };
    Finding::new(
        Verdict::Memfd,
        75,
        format!(
            "{what} from memory that was never a file (memfd_create, named {name:?} by the program itself)"
        ),
    )
}

fn path_too_long(facts: &Facts<'_>) -> Finding {
    let reason = "its path is too long for the kernel to print";
    match facts.links {
        0 => Finding::new(
            Verdict::Unlinked,
            90,
            format!("{reason}, and it has no name any more"),
        ),
        _ => Finding::new(Verdict::Unreachable, 60, reason.into()),
    }
}

/// The kernel says that the name is gone.
fn marked(facts: &Facts<'_>, path: &[u8]) -> Finding {
    let shown = String::from_utf8_lossy(path);
    let mut finding = match facts.unmarked {
        Some(_) => replaced(facts, &shown),
        None => {
            let mut finding = Finding::new(
                Verdict::Unlinked,
                65,
                format!("{shown} was deleted, and nothing stands there"),
            );
            if facts.mounted == Some(false) {
                finding.add(
                    0,
                    "its file system is not mounted where the process can see it",
                );
            }
            if let Some(owner) = facts.owner {
                finding.add(
                    10,
                    format!("package {} should have it there", owner.package),
                );
            }
            finding
        }
    };
    if facts.literal.is_some() {
        finding.add(20, "a decoy stands at the name that ends in \" (deleted)\"");
    }
    if facts.links > 0 && finding.verdict != Verdict::StaleAfterUpgrade {
        finding.add(
            0,
            format!(
                "the inode counts {} more name(s): a hard link elsewhere, or an overlay that does not count down",
                facts.links
            ),
        );
    }
    finding
}

/// Another file stands at the path: an upgrade, if the packages say so.
fn replaced(facts: &Facts<'_>, shown: &str) -> Finding {
    let Some(owner) = facts.owner else {
        return Finding::new(
            Verdict::Replaced,
            55,
            format!("another file stands at {shown}, and no package owns that path"),
        );
    };
    let package = &owner.package;
    let unpacked_since = owner.unpacked_s.is_some_and(|at| at >= facts.started_s);
    if owner.path_is_genuine == Some(false) {
        return Finding::new(
            Verdict::Replaced,
            80,
            format!("the file that stands at {shown} now is not the one of package {package}"),
        );
    }
    if !unpacked_since {
        return Finding::new(
            Verdict::Replaced,
            65,
            format!(
                "another file stands at {shown}, but package {package} was not unpacked since the process started"
            ),
        );
    }
    match (owner.image_is_genuine, owner.same_version) {
        (Some(true), _) => Finding::new(
            Verdict::StaleAfterUpgrade,
            0,
            format!("package {package} was unpacked anew, and what runs are its own bytes"),
        ),
        (Some(false), Some(true)) => Finding::new(
            Verdict::Replaced,
            80,
            format!(
                "package {package} was reinstalled in the same version, but what runs are not its bytes"
            ),
        ),
        _ if owner.path_is_genuine.is_none() => Finding::new(
            Verdict::Replaced,
            45,
            format!("package {package} was unpacked since, but has no checksum for {shown}"),
        ),
        _ => Finding::new(
            Verdict::StaleAfterUpgrade,
            15,
            format!(
                "package {package} was upgraded since the process started; the checksum of the version that runs is not known"
            ),
        ),
    }
}

/// The kernel knows the name, but the inode does not stand there.
fn unmarked(facts: &Facts<'_>) -> Finding {
    let shown = String::from_utf8_lossy(facts.link);
    match (facts.mounted, facts.literal) {
        (Some(false), None) => Finding::new(
            Verdict::Unmounted,
            75,
            format!("the file system that holds {shown} was unmounted under it"),
        ),
        (Some(false), Some(_)) => Finding::new(
            Verdict::Unmounted,
            80,
            format!(
                "another file stands at {shown}; the file system of the one that runs was unmounted"
            ),
        ),
        (_, Some(_)) => Finding::new(
            Verdict::Covered,
            60,
            format!("another file stands at {shown}: something was mounted over it"),
        ),
        (_, None) => Finding::new(
            Verdict::Unreachable,
            35,
            format!("{shown} leads nowhere in the mounts of the process"),
        ),
    }
}

/// Places that everybody can write to, and hidden names, add to what else is there.
fn weigh_place(facts: &Facts<'_>, finding: &mut Finding) {
    if finding.verdict == Verdict::StaleAfterUpgrade || finding.verdict == Verdict::Memfd {
        return;
    }
    let path = stripped(facts.link).unwrap_or(facts.link);
    if let Some(folder) = WRITABLE.iter().find(|folder| path.starts_with(folder)) {
        let folder = String::from_utf8_lossy(folder);
        finding.add(20, format!("{folder} can be written to by everybody"));
    }
    if path
        .split(|byte| *byte == b'/')
        .any(|name| name.first() == Some(&b'.') && name.len() > 1)
    {
        finding.add(10, "the path has a hidden name in it");
    }
}

/// Bytes of an installed package are an explanation, whatever they were called.
fn weigh_twin(facts: &Facts<'_>, finding: &mut Finding) {
    if finding.verdict == Verdict::StaleAfterUpgrade {
        return;
    }
    if let Some((package, path)) = facts.twin {
        finding.score /= 4;
        finding.reasons.push(format!(
            "its bytes are those of {path} in package {package}"
        ));
    }
}

/// Folders where every user may make files.
const WRITABLE: &[&[u8]] = &[b"/tmp/", b"/var/tmp/", b"/dev/shm/", b"/run/user/"];

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGE: Place = Place { dev: 1, ino: 42 };
    const OTHER: Place = Place { dev: 1, ino: 43 };

    fn facts(link: &str) -> Facts<'_> {
        Facts {
            role: Role::Executable,
            link: link.as_bytes(),
            image: IMAGE,
            links: 0,
            literal: None,
            unmarked: None,
            mounted: Some(true),
            started_s: 1000,
            owner: None,
            twin: None,
        }
    }

    fn verdict(facts: &Facts<'_>) -> Option<(Verdict, u8)> {
        judge(facts).map(|finding| (finding.verdict, finding.score))
    }

    #[test]
    fn what_stands_where_it_should_is_no_finding() {
        let mut here = facts("/srv/c (deleted)");
        here.literal = Some(IMAGE);
        here.links = 1;
        assert_eq!(judge(&here), None);
        let mut linked_again = facts("/srv/c (deleted)");
        linked_again.unmarked = Some(IMAGE);
        assert_eq!(judge(&linked_again), None);
    }

    #[test]
    fn the_ladder() {
        let check = |facts: &Facts<'_>, expect: Verdict, score: u8| {
            let shown = String::from_utf8_lossy(facts.link);
            assert_eq!(verdict(facts), Some((expect, score)), "{shown}");
        };
        check(&facts("/srv/a (deleted)"), Verdict::Unlinked, 65);
        check(&facts("/tmp/.a (deleted)"), Verdict::Unlinked, 95);
        let mut decoy = facts("/srv/f (deleted)");
        decoy.literal = Some(OTHER);
        check(&decoy, Verdict::Unlinked, 85);
        let mut replaced = facts("/srv/b (deleted)");
        replaced.unmarked = Some(OTHER);
        check(&replaced, Verdict::Replaced, 55);
        let mut memfd = facts("/memfd:x (deleted)");
        check(&memfd, Verdict::Unlinked, 65);
        memfd.mounted = Some(false);
        check(&memfd, Verdict::Memfd, 75);
        check(&facts("/srv/#42 (deleted)"), Verdict::Unnamed, 70);
        check(&facts(""), Verdict::Unlinked, 90);
        let mut lazily = facts("/h");
        lazily.mounted = Some(false);
        lazily.links = 1;
        check(&lazily, Verdict::Unmounted, 75);
        let mut covered = facts("/srv/h");
        covered.literal = Some(OTHER);
        check(&covered, Verdict::Covered, 60);
        check(&facts("/srv/h"), Verdict::Unreachable, 35);
    }

    #[test]
    fn only_packages_and_bytes_explain() {
        let mut upgraded = facts("/usr/sbin/d (deleted)");
        upgraded.unmarked = Some(OTHER);
        let check = |owner: &Owner, expect: (Verdict, u8)| {
            let facts = Facts {
                owner: Some(owner),
                ..upgraded.clone()
            };
            assert_eq!(verdict(&facts), Some(expect), "{owner:?}");
        };
        let owner = Owner {
            package: "d".into(),
            unpacked_s: Some(1001),
            path_is_genuine: Some(true),
            image_is_genuine: Some(true),
            same_version: Some(true),
        };
        check(&owner, (Verdict::StaleAfterUpgrade, 0));
        let old = Owner {
            image_is_genuine: Some(false),
            same_version: Some(false),
            ..owner.clone()
        };
        check(&old, (Verdict::StaleAfterUpgrade, 15));
        let swapped = Owner {
            same_version: Some(true),
            ..old
        };
        check(&swapped, (Verdict::Replaced, 80));
        let before = Owner {
            unpacked_s: Some(999),
            ..owner.clone()
        };
        check(&before, (Verdict::Replaced, 65));
        let forged = Owner {
            path_is_genuine: Some(false),
            ..owner
        };
        check(&forged, (Verdict::Replaced, 80));
    }

    #[test]
    fn a_twin_explains_but_never_silences() {
        let mut memfd = facts("/memfd:runc_cloned:/proc/self/exe (deleted)");
        memfd.mounted = Some(false);
        memfd.twin = Some(("runc", "/usr/sbin/runc"));
        assert_eq!(verdict(&memfd), Some((Verdict::Memfd, 18)));
    }
}
