//! Records and events of the Linux audit subsystem.
#![forbid(unsafe_code)]
