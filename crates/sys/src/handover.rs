//! Descriptors that a process gets from the one before it: from a service manager that kept them
//! (sd_listen_fds(3)), or from the program that executed this one in its place.
//!
//! ```text
//! LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES   descriptors 3, 4 …, by the service manager
//! INDELIBLE_DESCRIPTORS=audit=7,lock=9     by an execution in place
//! ```

use std::ffi::{CString, OsStr};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};

use crate::{Error, Result};

/// A descriptor with the name that it was handed over under.
#[derive(Debug)]
pub struct Handed {
    /// As the one before named it.
    pub name: String,
    /// Closed on execution again.
    pub descriptor: OwnedFd,
}

/// What was handed over. A second call, in the life of a process, gets nothing: descriptors have one
/// owner. To be called before the process opens anything itself.
#[must_use]
pub fn received() -> Vec<Handed> {
    if TAKEN.swap(true, Ordering::AcqRel) {
        return Vec::new();
    }
    let text = |name| std::env::var(name).unwrap_or_default();
    let (named, pid) = (text(DESCRIPTORS), text("LISTEN_PID"));
    let numbers = if named.is_empty() && pid == std::process::id().to_string() {
        listed(&text("LISTEN_FDS"), &text("LISTEN_FDNAMES"))
    } else {
        parsed(&named)
    };
    numbers
        .into_iter()
        .filter_map(|(name, number)| {
            Some(Handed {
                name,
                descriptor: take(number)?,
            })
        })
        .collect()
}

/// Whether another program executed this one in its place.
#[must_use]
pub fn is_in_place() -> bool {
    std::env::var_os(DESCRIPTORS).is_some()
}

/// Executes `program` in the place of this one: same process, and the descriptors stay open under
/// their names. `variables` are added to the environment. Returns only where that failed; then
/// nothing has changed.
///
/// Whoever calls it has ended all other threads that hold something; the kernel ends the rest.
pub fn execute(
    program: &OsStr,
    arguments: &[&OsStr],
    variables: &[(&str, String)],
    descriptors: &[(&str, BorrowedFd<'_>)],
) -> Error {
    match prepare_and_execute(program, arguments, variables, descriptors) {
        Ok(never) => match never {},
        Err(error) => {
            for (_, descriptor) in descriptors {
                // It was open a moment ago.
                let _ = fcntl_setfd(descriptor, FdFlags::CLOEXEC);
            }
            error
        }
    }
}

fn prepare_and_execute(
    program: &OsStr,
    arguments: &[&OsStr],
    variables: &[(&str, String)],
    descriptors: &[(&str, BorrowedFd<'_>)],
) -> Result<std::convert::Infallible> {
    let what = "executing the program in place";
    let failed = |source: std::io::Error| Error::System { what, source };
    let c_string = |bytes: &[u8]| CString::new(bytes).map_err(|error| failed(error.into()));
    let handed: Vec<String> = descriptors
        .iter()
        .map(|(name, descriptor)| format!("{name}={}", descriptor.as_raw_fd()))
        .collect();
    let own = [(DESCRIPTORS, handed.join(","))];
    let replaced = |name: &OsStr| {
        let bytes = name.as_bytes();
        bytes.starts_with(b"LISTEN_")
            || variables
                .iter()
                .chain(&own)
                .any(|(own, _)| own.as_bytes() == bytes)
    };
    let mut environment = Vec::new();
    for (name, value) in std::env::vars_os().filter(|(name, _)| !replaced(name)) {
        environment.push(c_string(
            &[name.as_bytes(), b"=", value.as_bytes()].concat(),
        )?);
    }
    for (name, value) in variables.iter().chain(&own) {
        environment.push(c_string(format!("{name}={value}").as_bytes())?);
    }
    let program = c_string(program.as_bytes())?;
    let mut words = vec![program.clone()];
    for argument in arguments {
        words.push(c_string(argument.as_bytes())?);
    }
    for (_, descriptor) in descriptors {
        fcntl_setfd(descriptor, FdFlags::empty()).map_err(Error::system(what))?;
    }
    let pointers = |strings: &[CString]| -> Vec<*const libc::c_char> {
        let ends = std::iter::once(std::ptr::null());
        strings
            .iter()
            .map(|text| text.as_ptr())
            .chain(ends)
            .collect()
    };
    let (words, environment) = (pointers(&words), pointers(&environment));
    // SAFETY: both arrays end with a null pointer and hold pointers to strings that end with a zero
    // byte; all of them outlive the call.
    unsafe { libc::execve(program.as_ptr(), words.as_ptr(), environment.as_ptr()) };
    Err(failed(std::io::Error::last_os_error()))
}

/// `audit=7,lock=9`.
fn parsed(text: &str) -> Vec<(String, RawFd)> {
    text.split(',')
        .filter_map(|part| {
            let (name, number) = part.split_once('=')?;
            Some((name.to_owned(), number.parse().ok()?))
        })
        .collect()
}

/// Descriptors from 3 on, with their names; without a name it is empty.
fn listed(count: &str, names: &str) -> Vec<(String, RawFd)> {
    let count = count.parse().unwrap_or(0).min(LISTED_MAX);
    let mut names = names.split(':');
    (0..count)
        .map(|index| (names.next().unwrap_or_default().to_owned(), 3 + index))
        .collect()
}

fn take(number: RawFd) -> Option<OwnedFd> {
    if number < 3 {
        return None;
    }
    // SAFETY: only asked whether it is open, which the next line does.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    let flags = fcntl_getfd(borrowed).ok()?;
    fcntl_setfd(borrowed, flags | FdFlags::CLOEXEC).ok()?;
    // SAFETY: it is open, and [`received`] gives each descriptor that was handed over away once.
    Some(unsafe { OwnedFd::from_raw_fd(number) })
}

static TAKEN: AtomicBool = AtomicBool::new(false);
/// Names the descriptors of an execution in place.
const DESCRIPTORS: &str = "INDELIBLE_DESCRIPTORS";
/// Descriptors that are taken from a service manager; it was asked to keep two.
const LISTED_MAX: RawFd = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_come_back() {
        assert_eq!(
            parsed("audit=7,lock=9,rubbish,x=y"),
            [("audit".to_owned(), 7), ("lock".to_owned(), 9)]
        );
        assert_eq!(parsed(""), []);
        assert_eq!(
            listed("2", "audit"),
            [("audit".to_owned(), 3), (String::new(), 4)]
        );
        assert_eq!(listed("x", "audit"), []);
        assert_eq!(listed("4000000000", "").len(), 0);
        assert_eq!(listed("1000", "").len(), 16);
    }

    #[test]
    fn a_failed_execution_changes_nothing() {
        let (read, _write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        use std::os::fd::AsFd;
        let error = execute(
            OsStr::new("/no/such/program"),
            &[],
            &[("A", "b".into())],
            &[("pipe", read.as_fd())],
        );
        assert!(matches!(error, Error::System { source, .. } if source.raw_os_error() == Some(2)));
        assert!(fcntl_getfd(&read).unwrap().contains(FdFlags::CLOEXEC));
    }
}
