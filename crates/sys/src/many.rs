//! Many datagrams of a socket in one call.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

/// A datagram that was received.
pub(crate) struct Taken<'a> {
    /// Bytes of it in its slot.
    pub(crate) length: usize,
    /// It was longer than its slot.
    pub(crate) is_cut: bool,
    /// Where it came from, as the kernel wrote it; empty where the socket's kind names nobody.
    pub(crate) source: &'a libc::sockaddr_storage,
}

/// Takes what is there without waiting, at most `MAX` datagrams, each into the slot of `buffer` of its
/// number, and tells each.
///
/// # Errors
/// Those of `recvmmsg`; `EAGAIN` where nothing is there.
pub(crate) fn receive<const MAX: usize>(
    socket: BorrowedFd<'_>,
    buffer: &mut [u8],
    slot_bytes: usize,
    mut take: impl FnMut(Taken<'_>),
) -> io::Result<()> {
    let mut vectors = [const { MaybeUninit::<libc::iovec>::uninit() }; MAX];
    // SAFETY: `sockaddr_storage` is a plain C structure for which all zero bits are valid.
    let mut sources: [libc::sockaddr_storage; MAX] = unsafe { std::mem::zeroed() };
    let mut headers = [const { MaybeUninit::<libc::mmsghdr>::uninit() }; MAX];
    let mut slots = 0;
    for (((vector, source), header), slot) in vectors
        .iter_mut()
        .zip(&mut sources)
        .zip(&mut headers)
        .zip(buffer.chunks_exact_mut(slot_bytes))
    {
        let vector = vector.write(libc::iovec {
            iov_base: slot.as_mut_ptr().cast(),
            iov_len: slot.len(),
        });
        // SAFETY: `msghdr` is a plain C structure for which all zero bits are valid.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_iov = vector;
        message.msg_iovlen = 1;
        message.msg_name = (&raw mut *source).cast();
        message.msg_namelen =
            libc::socklen_t::try_from(size_of::<libc::sockaddr_storage>()).expect("a few bytes");
        header.write(libc::mmsghdr {
            msg_hdr: message,
            msg_len: 0,
        });
        slots += 1;
    }
    // SAFETY: `headers` begins with `slots` initialised headers, each of which points to one
    // initialised vector over a slot of `buffer` and to one element of `sources` with its size; all of
    // them outlive the call and are not otherwise borrowed.
    let taken = unsafe {
        libc::recvmmsg(
            socket.as_raw_fd(),
            headers.as_mut_ptr().cast(),
            slots,
            libc::MSG_DONTWAIT,
            std::ptr::null_mut(),
        )
    };
    let taken = usize::try_from(taken).map_err(|_| io::Error::last_os_error())?;
    for (header, source) in headers.iter().zip(&sources).take(taken) {
        // SAFETY: the kernel filled no more headers than it was given, and those were written above.
        let header = unsafe { header.assume_init_ref() };
        take(Taken {
            length: header.msg_len as usize,
            is_cut: header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
            source,
        });
    }
    Ok(())
}
