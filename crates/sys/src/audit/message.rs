//! Netlink framing, as far as audit needs it (include/uapi/linux/netlink.h).
//!
//! ```text
//!  0 u32 length, header included     8 u32 sequence, chosen by the requester
//!  4 u16 type   6 u16 flags         12 u32 port id
//! 16 payload, native byte order
//! ```
//! Records sent to the registered daemon carry only the payload's length in the first field, so
//! readers here go by the length of the datagram and use the field for nothing but [`Header::split`].

/// Length of a netlink header.
pub(super) const HEADER_BYTES: usize = 16;

pub(super) const TYPE_NOOP: u16 = 1;
pub(super) const TYPE_ERROR: u16 = 2;
pub(super) const TYPE_DONE: u16 = 3;

const FLAG_REQUEST: u16 = 1;
const FLAG_ACK: u16 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: u16,
    pub(super) sequence: u32,
}

impl Header {
    /// Splits an answer into its header and its payload, without the padding that netlink adds.
    pub(super) fn split_answer(datagram: &[u8]) -> Option<(Self, &[u8])> {
        let stated = u32::from_ne_bytes(*datagram.first_chunk()?) as usize;
        Self::split(&datagram[..stated.max(HEADER_BYTES).min(datagram.len())])
    }

    /// Splits a datagram into its header and everything after it.
    pub(super) fn split(datagram: &[u8]) -> Option<(Self, &[u8])> {
        let (header, payload) = datagram.split_at_checked(HEADER_BYTES)?;
        let kind = u16::from_ne_bytes([header[4], header[5]]);
        let sequence = u32::from_ne_bytes([header[8], header[9], header[10], header[11]]);
        Some((Self { kind, sequence }, payload))
    }
}

/// A request that the kernel acknowledges.
pub(super) fn request(kind: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let length = HEADER_BYTES + payload.len();
    let mut datagram = Vec::with_capacity(length.next_multiple_of(4));
    datagram.extend_from_slice(
        &u32::try_from(length)
            .expect("requests are short")
            .to_ne_bytes(),
    );
    datagram.extend_from_slice(&kind.to_ne_bytes());
    datagram.extend_from_slice(&(FLAG_REQUEST | FLAG_ACK).to_ne_bytes());
    datagram.extend_from_slice(&sequence.to_ne_bytes());
    datagram.extend_from_slice(&0u32.to_ne_bytes());
    datagram.extend_from_slice(payload);
    datagram.resize(length.next_multiple_of(4), 0);
    datagram
}

/// The error number of an `NLMSG_ERROR` payload: 0 acknowledges, negative is an errno; audit
/// answers a reset of `lost` with the positive former value.
pub(super) fn error_code(payload: &[u8]) -> Option<i32> {
    Some(i32::from_ne_bytes(payload.get(..4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_is_padded_and_says_its_length() {
        let datagram = request(1000, 7, b"abcde");
        assert_eq!(datagram.len(), 24);
        assert_eq!(u32::from_ne_bytes(datagram[..4].try_into().unwrap()), 21);
        let (header, payload) = Header::split(&datagram).unwrap();
        assert_eq!(
            header,
            Header {
                kind: 1000,
                sequence: 7
            }
        );
        assert_eq!(&payload[..5], b"abcde");
    }

    #[test]
    fn an_answer_ends_where_it_says() {
        let datagram = request(1013, 7, b"abcde");
        let (_, payload) = Header::split_answer(&datagram).unwrap();
        assert_eq!(payload, b"abcde");
        for stated in [0, 3, 16, 1_000] {
            let mut damaged = datagram.clone();
            damaged[..4].copy_from_slice(&u32::to_ne_bytes(stated));
            assert!(Header::split_answer(&damaged).is_some());
        }
        assert_eq!(Header::split_answer(&datagram[..15]), None);
        assert_eq!(Header::split_answer(&[]), None);
    }

    #[test]
    fn a_short_datagram_is_no_message() {
        assert_eq!(Header::split(&[0; 15]), None);
        assert_eq!(error_code(&[1, 2, 3]), None);
    }
}
