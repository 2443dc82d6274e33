//! Write-ahead files: the newest entries of a log, and all of a spool.
//!
//! A file is one [`header`], then [`frame`]s. Each frame has a checked header, so that damage in
//! its payload leaves the next frame findable, and a seal that says what its writer knew to be
//! durable, so that damage below can be told from a torn tail above.

pub(crate) mod frame;
pub(crate) mod header;
pub(crate) mod scan;

/// Which of the two users a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum WalKind {
    Log = 1,
    Spool = 2,
}

/// Name of the file that begins at index or sequence `first`.
pub(crate) fn file_name(first: u64) -> String {
    format!("{first:020}{WAL_SUFFIX}")
}

/// The inverse of [`file_name`].
pub(crate) fn parse_file_name(name: &str) -> Option<u64> {
    parse_name(name, WAL_SUFFIX)
}

/// Reads 20 decimal digits and a suffix.
pub(crate) fn parse_name(name: &str, suffix: &str) -> Option<u64> {
    let digits = name.strip_suffix(suffix)?;
    let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

const WAL_SUFFIX: &str = ".wal";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(file_name(65_536), "00000000000000065536.wal");
        assert_eq!(parse_file_name("00000000000000065536.wal"), Some(65_536));
        for bad in [
            "65536.wal",
            "+0000000000000065536.wal",
            "99999999999999999999.wal",
            "x.wal",
        ] {
            assert_eq!(parse_file_name(bad), None, "{bad}");
        }
    }
}
