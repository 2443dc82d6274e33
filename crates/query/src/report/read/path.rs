//! Files and addresses: PATH, CWD, AVC_PATH, SOCKADDR.

use super::super::cursor::{Cursor, Encoded, Name};
use super::super::facts::Facts;
use super::super::wants::Wants;
use super::Code;

/// `name=` of a PATH record. A name that begins with `./` or `..` is seen from the working
/// directory.
pub(super) fn path(cursor: &mut Cursor<'_>, facts: &mut Facts) -> Result<(), Code> {
    if !cursor.find(Name::File) {
        return Ok(());
    }
    let string = cursor.string();
    if string == Encoded::Open {
        return Err(1);
    }
    let Some(name) = facts.keep_string(string) else {
        return Ok(());
    };
    let from_here = matches!(facts.text(&name), [b'.', b'.' | b'/', ..]);
    let file = match facts.cwd.clone() {
        Some(cwd) if from_here => facts.keep_joined(&cwd, &name),
        _ => name,
    };
    facts.add_file(file);
    Ok(())
}

/// `cwd=` of a CWD record.
pub(super) fn working_directory(cursor: &mut Cursor<'_>, facts: &mut Facts) -> Result<(), Code> {
    if !cursor.find(Name::Cwd) {
        return Ok(());
    }
    let string = cursor.string();
    if string == Encoded::Open {
        return Err(1);
    }
    facts.cwd = facts.keep_string(string);
    Ok(())
}

/// `path=` of an AVC_PATH record.
pub(super) fn avc_path(cursor: &mut Cursor<'_>, facts: &mut Facts) -> Result<(), Code> {
    if !cursor.find(Name::Path) {
        return Err(1);
    }
    let string = cursor.string();
    if string == Encoded::Open {
        return Err(2);
    }
    if let Some(file) = facts.keep_string(string) {
        facts.add_file(file);
    }
    Ok(())
}

/// `saddr=` of a SOCKADDR record: a host, or the path of a unix socket.
///
/// ```text
/// 0  u16  family, little-endian as on nearly all hosts
/// 2  inet: u16 port, [u8; 4] address
///    inet6: u16 port, u32 flow, [u8; 16] address
///    unix: path up to a zero byte
/// ```
pub(super) fn socket(cursor: &mut Cursor<'_>, wants: Wants, facts: &mut Facts) -> Result<(), Code> {
    if !cursor.find(Name::Saddr) {
        return Err(1);
    }
    let Encoded::Hexadecimal(digits) = cursor.string() else {
        return Err(4);
    };
    let mut buffer = [0; ADDRESS_BYTES_MAX];
    let length = decode_all(digits, &mut buffer);
    let bytes = &buffer[..length];
    match u16::from_le_bytes([buffer[0], buffer[1]]) {
        INET => {
            let address: [u8; 4] = part(bytes, 4, 16).ok_or(1)?;
            if wants.has(Wants::HOST) {
                let text = std::net::Ipv4Addr::from(address).to_string();
                facts.host = Some(facts.keep(text.as_bytes()));
            }
        }
        INET6 => {
            let address: [u8; 16] = part(bytes, 8, 28).ok_or(2)?;
            if wants.has(Wants::HOST) {
                let text = std::net::Ipv6Addr::from(address).to_string();
                facts.host = Some(facts.keep(text.as_bytes()));
            }
        }
        UNIX => {
            let path = bytes.get(2..).filter(|path| path.len() > 1).ok_or(3)?;
            // An abstract name begins with a zero byte.
            let path = path.strip_prefix(b"\0").unwrap_or(path);
            let end = memchr::memchr(0, path).unwrap_or(path.len());
            if wants.has(Wants::FILE) {
                let file = facts.keep(&path[..end]);
                facts.add_file(file);
            }
        }
        _ => {}
    }
    Ok(())
}

/// `N` bytes at an offset of an address that has at least `length_min` bytes.
fn part<const N: usize>(bytes: &[u8], at: usize, length_min: usize) -> Option<[u8; N]> {
    let whole = Some(bytes).filter(|bytes| bytes.len() >= length_min)?;
    whole.get(at..at + N)?.try_into().ok()
}

/// Decodes hexadecimal digits, zero bytes included; returns how many bytes they are.
fn decode_all(digits: &[u8], out: &mut [u8]) -> usize {
    let value = |digit: &u8| char::from(*digit).to_digit(16).unwrap_or_default() as u8;
    let mut length = 0;
    for (byte, pair) in std::iter::zip(out, digits.chunks_exact(2)) {
        *byte = value(&pair[0]) << 4 | value(&pair[1]);
        length += 1;
    }
    length
}

const UNIX: u16 = 1;
const INET: u16 = 2;
const INET6: u16 = 10;
/// `struct sockaddr_storage`, linux/socket.h.
const ADDRESS_BYTES_MAX: usize = 128;
