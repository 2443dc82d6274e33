//! Who this host is: machine id, boot id, name.

use std::path::Path;

use crate::{Error, Result};

/// Identity of this host and of its present boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// /etc/machine-id; all zero where the host has none.
    pub machine_id: [u8; 16],
    /// /proc/sys/kernel/random/boot_id.
    pub boot_id: [u8; 16],
    /// The kernel's node name.
    pub name: String,
}

impl Host {
    /// Reads the identity of the host that this process runs on.
    ///
    /// # Errors
    /// [`Error::Read`] where /proc is not mounted.
    pub fn current() -> Result<Self> {
        let boot = read(Path::new("/proc/sys/kernel/random/boot_id"))?;
        let machine = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
        Ok(Self {
            machine_id: parse_id(&machine).unwrap_or_default(),
            boot_id: parse_id(&boot).unwrap_or_default(),
            name: rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned(),
        })
    }
}

/// Reads 32 hexadecimal digits, with or without hyphens.
fn parse_id(text: &str) -> Option<[u8; 16]> {
    let mut digits = text.trim().bytes().filter(|byte| *byte != b'-');
    let mut id = [0; 16];
    for byte in &mut id {
        let high = char::from(digits.next()?).to_digit(16)?;
        let low = char::from(digits.next()?).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    digits.next().is_none().then_some(id)
}

pub(crate) fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|source| Error::Read {
        path: path.into(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_with_and_without_hyphens() {
        let id = parse_id("00112233-4455-6677-8899-aabbccddeeff\n").unwrap();
        assert_eq!(id, parse_id("00112233445566778899aabbccddeeff").unwrap());
        assert_eq!((id[0], id[15]), (0x00, 0xff));
        assert_eq!(parse_id("0011"), None);
        assert_eq!(parse_id("00112233445566778899aabbccddeeff0"), None);
    }

    #[test]
    fn this_host_has_a_boot_id() {
        assert_ne!(Host::current().unwrap().boot_id, [0; 16]);
    }
}
