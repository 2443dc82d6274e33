//! Bounds of the scan.

/// Bytes of a file that are hashed or copied; an executable larger than this has no digest.
pub(super) const IMAGE_BYTES_MAX: u64 = 2 << 30;
/// Bytes of a process's arguments that are looked at.
pub(super) const ARGUMENTS_BYTES_MAX: u64 = 64 << 10;
/// Bytes of a process's list of mappings.
pub(super) const MAPS_BYTES_MAX: u64 = 32 << 20;
/// Bytes of a process's list of mounts.
pub(super) const MOUNTS_BYTES_MAX: u64 = 4 << 20;
/// Open files of a process that are looked at.
pub(super) const FILES_MAX: usize = 65_536;
/// Libraries of one process that are reported.
pub(super) const LIBRARIES_MAX: usize = 64;
/// Parents that are followed.
pub(super) const ANCESTORS_MAX: usize = 32;
/// Bytes of a table of sockets.
pub(super) const SOCKETS_BYTES_MAX: u64 = 16 << 20;
/// Sockets of a process that are shown.
pub(super) const SOCKETS_MAX: usize = 32;
/// Bytes of one file of the package database.
pub(super) const DATABASE_FILE_BYTES_MAX: u64 = 64 << 20;
