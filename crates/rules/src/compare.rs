//! Comparisons of two fields: `-C uid!=euid`.

use crate::field::Field;

/// Code, left and right field, as `AUDIT_COMPARE_*` of linux/audit.h numbers the pairs. The
/// order within a pair is the one in which `auditctl -l` prints it.
const PAIRS: &[(u32, Field, Field)] = &[
    (1, Field::Uid, Field::ObjUid),
    (2, Field::Gid, Field::ObjGid),
    (3, Field::Euid, Field::ObjUid),
    (4, Field::Egid, Field::ObjGid),
    (5, Field::Auid, Field::ObjUid),
    (6, Field::Suid, Field::ObjUid),
    (7, Field::Sgid, Field::ObjGid),
    (8, Field::Fsuid, Field::ObjUid),
    (9, Field::Fsgid, Field::ObjGid),
    (10, Field::Uid, Field::Auid),
    (11, Field::Uid, Field::Euid),
    (12, Field::Uid, Field::Fsuid),
    (13, Field::Uid, Field::Suid),
    (14, Field::Auid, Field::Fsuid),
    (15, Field::Auid, Field::Suid),
    (16, Field::Auid, Field::Euid),
    (17, Field::Euid, Field::Suid),
    (18, Field::Euid, Field::Fsuid),
    (19, Field::Suid, Field::Fsuid),
    (20, Field::Gid, Field::Egid),
    (21, Field::Gid, Field::Fsgid),
    (22, Field::Gid, Field::Sgid),
    (23, Field::Egid, Field::Fsgid),
    (24, Field::Egid, Field::Sgid),
    (25, Field::Sgid, Field::Fsgid),
];

/// The kernel's code for a pair, in either order.
#[must_use]
pub fn code(left: Field, right: Field) -> Option<u32> {
    PAIRS
        .iter()
        .find(|&&(_, a, b)| (a, b) == (left, right) || (b, a) == (left, right))
        .map(|row| row.0)
}

/// The pair of a code.
#[must_use]
pub fn pair(code: u32) -> Option<(Field, Field)> {
    PAIRS
        .iter()
        .find(|row| row.0 == code)
        .map(|row| (row.1, row.2))
}
