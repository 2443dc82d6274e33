//! What the worker may reach.

use std::path::PathBuf;

use indelible_sys::sandbox::Sandbox;

use crate::agent::layout::Layout;

/// What the worker may reach: it reads the streams and writes its own folder, and finds its
/// collector's address as every program does.
///
/// `outputs` are the folders of files that outputs write.
pub(crate) fn sandbox(layout: &Layout, outputs: Vec<PathBuf>) -> Sandbox {
    let streams = layout
        .written_rooms()
        .flat_map(|room| [room.streams(), room.openings()]);
    let known = RESOLVING.iter().chain(DESCRIBING);
    Sandbox {
        read: streams
            .chain(known.map(PathBuf::from))
            // What they count, for metrics.
            .chain([layout.detections().folder().to_owned()])
            .collect(),
        write: [layout.context(), layout.outputs(), layout.selected()]
            .into_iter()
            .map(|room| room.folder().to_owned())
            .chain([layout.worker()])
            .chain(outputs)
            .collect(),
    }
}

/// What resolving a name and asking for this host's identity reads.
pub(crate) const RESOLVING: &[&str] = &[
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/ld.so.cache",
    "/etc/machine-id",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/run/systemd/resolve",
    "/run/nscd",
    "/proc/sys/kernel",
    "/dev/urandom",
];
/// What a description of processes is made of.
const DESCRIBING: &[&str] = &["/proc", "/etc/passwd", "/etc/group"];
