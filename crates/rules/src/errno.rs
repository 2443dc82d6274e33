//! Error numbers of the kernel and their texts in the C library's English.

use std::fmt;

/// An error number that the kernel answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Errno(pub i32);

impl Errno {
    /// Not allowed: no capability, or the rules are locked.
    pub const PERM: Self = Self(1);
    /// No such file, or no such rule.
    pub const NOENT: Self = Self(2);
    /// The same rule is loaded already.
    pub const EXIST: Self = Self(17);
    /// The kernel does not accept the rule.
    pub const INVAL: Self = Self(22);
    /// The kernel has no audit system, or it is off for good.
    pub const CONNREFUSED: Self = Self(111);

    /// The text that `strerror(3)` gives, for the errors that the audit socket can answer with.
    #[must_use]
    pub const fn text(self) -> Option<&'static str> {
        Some(match self.0 {
            1 => "Operation not permitted",
            2 => "No such file or directory",
            3 => "No such process",
            4 => "Interrupted system call",
            5 => "Input/output error",
            7 => "Argument list too long",
            11 => "Resource temporarily unavailable",
            12 => "Cannot allocate memory",
            13 => "Permission denied",
            14 => "Bad address",
            16 => "Device or resource busy",
            17 => "File exists",
            19 => "No such device",
            20 => "Not a directory",
            21 => "Is a directory",
            22 => "Invalid argument",
            23 => "Too many open files in system",
            24 => "Too many open files",
            28 => "No space left on device",
            34 => "Numerical result out of range",
            36 => "File name too long",
            40 => "Too many levels of symbolic links",
            93 => "Protocol not supported",
            95 => "Operation not supported",
            97 => "Address family not supported by protocol",
            105 => "No buffer space available",
            110 => "Connection timed out",
            111 => "Connection refused",
            _ => return None,
        })
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            Some(text) => f.write_str(text),
            None => write!(f, "Unknown error {}", self.0),
        }
    }
}

impl std::error::Error for Errno {}
