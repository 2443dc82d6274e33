//! What a rule can look at: the fields of `-F`, with the kernel's numbers.

/// A field of an event; `AUDIT_PID` and its kin of linux/audit.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the variants are the names that rules write")]
pub enum Field {
    Pid,
    Uid,
    Euid,
    Suid,
    Fsuid,
    Gid,
    Egid,
    Sgid,
    Fsgid,
    Auid,
    Pers,
    Arch,
    MsgType,
    SubjUser,
    SubjRole,
    SubjType,
    SubjSen,
    SubjClr,
    Ppid,
    ObjUser,
    ObjRole,
    ObjType,
    ObjLevLow,
    ObjLevHigh,
    SessionId,
    FsType,
    DevMajor,
    DevMinor,
    Inode,
    Exit,
    Success,
    Path,
    Perm,
    Dir,
    FileType,
    ObjUid,
    ObjGid,
    /// A comparison of two fields, written `-C`.
    Compare,
    Exe,
    SaddrFam,
    A0,
    A1,
    A2,
    A3,
    Key,
    /// A field that this program has no name for.
    Other(u32),
}

/// Field, the kernel's number, the word in a rule. [`Field::Compare`] has no word.
const TABLE: &[(Field, u32, &str)] = &[
    (Field::Pid, 0, "pid"),
    (Field::Uid, 1, "uid"),
    (Field::Euid, 2, "euid"),
    (Field::Suid, 3, "suid"),
    (Field::Fsuid, 4, "fsuid"),
    (Field::Gid, 5, "gid"),
    (Field::Egid, 6, "egid"),
    (Field::Sgid, 7, "sgid"),
    (Field::Fsgid, 8, "fsgid"),
    (Field::Auid, 9, "auid"),
    (Field::Pers, 10, "pers"),
    (Field::Arch, 11, "arch"),
    (Field::MsgType, 12, "msgtype"),
    (Field::SubjUser, 13, "subj_user"),
    (Field::SubjRole, 14, "subj_role"),
    (Field::SubjType, 15, "subj_type"),
    (Field::SubjSen, 16, "subj_sen"),
    (Field::SubjClr, 17, "subj_clr"),
    (Field::Ppid, 18, "ppid"),
    (Field::ObjUser, 19, "obj_user"),
    (Field::ObjRole, 20, "obj_role"),
    (Field::ObjType, 21, "obj_type"),
    (Field::ObjLevLow, 22, "obj_lev_low"),
    (Field::ObjLevHigh, 23, "obj_lev_high"),
    (Field::SessionId, 25, "sessionid"),
    (Field::FsType, 26, "fstype"),
    (Field::DevMajor, 100, "devmajor"),
    (Field::DevMinor, 101, "devminor"),
    (Field::Inode, 102, "inode"),
    (Field::Exit, 103, "exit"),
    (Field::Success, 104, "success"),
    (Field::Path, 105, "path"),
    (Field::Perm, 106, "perm"),
    (Field::Dir, 107, "dir"),
    (Field::FileType, 108, "filetype"),
    (Field::ObjUid, 109, "obj_uid"),
    (Field::ObjGid, 110, "obj_gid"),
    (Field::Compare, 111, ""),
    (Field::Exe, 112, "exe"),
    (Field::SaddrFam, 113, "saddr_fam"),
    (Field::A0, 200, "a0"),
    (Field::A1, 201, "a1"),
    (Field::A2, 202, "a2"),
    (Field::A3, 203, "a3"),
    (Field::Key, 210, "key"),
];

impl Field {
    /// Every field that a rule can name, in the order of their numbers.
    pub fn named() -> impl Iterator<Item = Self> {
        TABLE
            .iter()
            .filter(|(_, _, name)| !name.is_empty())
            .map(|&(field, _, _)| field)
    }

    /// The kernel's number.
    #[must_use]
    pub fn number(self) -> u32 {
        if let Self::Other(number) = self {
            return number;
        }
        TABLE
            .iter()
            .find(|row| row.0 == self)
            .expect("every variant but Other stands in the table")
            .1
    }

    /// The field of a kernel number.
    #[must_use]
    pub fn from_number(number: u32) -> Self {
        TABLE
            .iter()
            .find(|row| row.1 == number)
            .map_or(Self::Other(number), |row| row.0)
    }

    /// The word for it in a rule.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        TABLE
            .iter()
            .find(|row| row.0 == self && !row.2.is_empty())
            .map(|row| row.2)
    }

    /// The field of a word; letter case is ignored. `loginuid` is `auid`.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        if name.is_empty() {
            return None;
        }
        if name.eq_ignore_ascii_case(b"loginuid") {
            return Some(Self::Auid);
        }
        TABLE
            .iter()
            .find(|row| row.2.as_bytes().eq_ignore_ascii_case(name))
            .map(|row| row.0)
    }

    /// Whether the kernel takes a string for it: the value is then the string's length, and the
    /// string stands in the rule's buffer.
    #[must_use]
    pub const fn is_text(self) -> bool {
        matches!(
            self,
            Self::SubjUser
                | Self::SubjRole
                | Self::SubjType
                | Self::SubjSen
                | Self::SubjClr
                | Self::ObjUser
                | Self::ObjRole
                | Self::ObjType
                | Self::ObjLevLow
                | Self::ObjLevHigh
                | Self::Path
                | Self::Dir
                | Self::Exe
                | Self::Key
        )
    }

    /// Whether its values are user ids.
    #[must_use]
    pub const fn is_user(self) -> bool {
        matches!(
            self,
            Self::Uid | Self::Euid | Self::Suid | Self::Fsuid | Self::Auid | Self::ObjUid
        )
    }

    /// Whether its values are group ids.
    #[must_use]
    pub const fn is_group(self) -> bool {
        matches!(
            self,
            Self::Gid | Self::Egid | Self::Sgid | Self::Fsgid | Self::ObjGid
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_lead_back() {
        for field in Field::named() {
            assert_eq!(Field::from_number(field.number()), field);
            let name = field.name().expect("named");
            assert_eq!(Field::from_name(name.as_bytes()), Some(field));
            assert_eq!(
                Field::from_name(name.to_uppercase().as_bytes()),
                Some(field)
            );
        }
        assert_eq!(Field::from_number(24), Field::Other(24));
        assert_eq!(Field::from_name(b""), None);
    }
}
