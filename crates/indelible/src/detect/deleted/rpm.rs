//! rpm's database, through rpm itself where it is installed.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::packages::{Known, Listed};

/// What rpm knows of the path.
pub(super) fn listed(path: &[u8]) -> Option<Listed> {
    let program = PROGRAMS
        .iter()
        .find(|program| Path::new(program).exists())?;
    let output = Command::new(program)
        .args(["--query", "--queryformat", FORMAT, "--file"])
        .arg(std::ffi::OsStr::from_bytes(path))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output.status.success().then_some(())?;
    parse(&output.stdout, path)
}

/// Reads the answer: a line `NAME SECONDS`, then `DIGEST PATH` of each file.
fn parse(answer: &[u8], path: &[u8]) -> Option<Listed> {
    let mut lines = answer.split(|byte| *byte == b'\n');
    let head = std::str::from_utf8(lines.next()?).ok()?;
    let (package, unpacked) = head.split_once(' ')?;
    let digest = lines.find_map(|line| {
        let at = line.iter().position(|byte| *byte == b' ')?;
        (&line[at + 1..] == path).then(|| known(&line[..at]))?
    });
    Some(Listed {
        package: package.to_owned(),
        unpacked_s: unpacked.parse().ok(),
        digest,
        // rpm keeps no version that was there before.
        same_version: None,
    })
}

/// A digest by its length: MD5 in old packages, SHA-256 in those of today.
fn known(digits: &[u8]) -> Option<Known> {
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect::<Option<_>>()?;
    match bytes.len() {
        16 => Some(Known::Md5(bytes.try_into().ok()?)),
        32 => Some(Known::Sha256(bytes.try_into().ok()?)),
        _ => None,
    }
}

const PROGRAMS: &[&str] = &["/usr/bin/rpm", "/bin/rpm"];
const FORMAT: &str = r"%{NAME} %{INSTALLTIME}\n[%{FILEDIGESTS} %{FILENAMES}\n]";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let sha256 = "ab".repeat(32);
        let answer = format!("bash 1700000000\n /usr/bin\n{sha256} /usr/bin/bash\n");
        let listed = parse(answer.as_bytes(), b"/usr/bin/bash").unwrap();
        assert_eq!(listed.package, "bash");
        assert_eq!(listed.unpacked_s, Some(1_700_000_000));
        assert_eq!(listed.digest, Some(Known::Sha256([0xab; 32])));
        assert_eq!(parse(answer.as_bytes(), b"/other").unwrap().digest, None);
        assert_eq!(
            parse(b"file /x is not owned by any package", b"/x").and_then(|l| l.unpacked_s),
            None
        );
    }
}
