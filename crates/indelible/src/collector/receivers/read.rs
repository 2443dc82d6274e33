//! Reads of many connections through one buffer per thread: an idle connection holds none.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use super::limits::READ_BYTES;

/// Reads once and hands the bytes to `then`; `None` at the end of the connection.
pub(super) async fn read_with<S, T>(
    stream: &mut S,
    mut then: impl FnMut(&[u8]) -> T,
) -> io::Result<Option<T>>
where
    S: AsyncRead + Unpin,
{
    poll_fn(|context| {
        BUFFER.with_borrow_mut(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer))?;
            let bytes = buffer.filled();
            Poll::Ready(Ok((!bytes.is_empty()).then(|| then(bytes))))
        })
    })
    .await
}

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
}
