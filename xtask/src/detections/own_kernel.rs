//! Procedures that would change the whole host, its clock or its kernel, are done on a machine of their
//! own: QEMU with the distribution's kernel, systemd as its first process.
//!
//! This program records there as it does here; the procedures go in as files, the cases come out.
//! Nothing else is done there, so the rules hold for everybody: for services, too, that were asked to act.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::procedures::{self, AUID, Procedures};
use super::session;
use crate::machine::Machine;
use crate::shell;

/// Does the procedures on the machine, and puts their cases into a folder.
pub(super) fn record(all: &[Procedures], to: &Path) -> Result<()> {
    let machine = Machine::in_qemu(NAME, STEPS)?;
    let room = machine.root().join("mnt");
    let cases = room.join("cases");
    if cases.exists() {
        fs::remove_dir_all(&cases)?;
    }
    fs::create_dir_all(cases.join("recorded"))?;
    let own = format!(" -F auid={AUID}");
    for procedures in all {
        let mut procedures = procedures.clone();
        for rule in &mut procedures.rules {
            *rule = rule.replace(&own, "");
        }
        let path = cases.join(format!("{}.toml", procedures.detection));
        fs::write(path, toml::to_string(&procedures)?)?;
    }
    for folder in ["tmp", "spool"] {
        fs::create_dir_all(room.join(folder))?;
    }
    fs::copy(std::env::current_exe()?, room.join("xtask")).context("cannot copy this program")?;
    fs::copy(
        shell::target().join("debug/indelible"),
        room.join("indelible"),
    )
    .context("cannot copy the program")?;
    let taken = shell::target().join(NAME).join("taken");
    if taken.exists() {
        fs::remove_dir_all(&taken)?;
    }
    let took = machine.run_and_take(
        "tests/detections/record-guest.sh",
        TIME_MAX,
        Some(("/mnt/cases/recorded", &taken)),
    )?;
    for file in super::files(&taken.join("recorded"))? {
        let name = file.file_name().unwrap_or_default();
        fs::copy(&file, to.join(name))
            .with_context(|| format!("cannot copy {}", file.display()))?;
    }
    println!("recorded on a machine of its own, in {} s", took.as_secs());
    Ok(())
}

/// What is done inside of it: records every file of procedures in a folder.
pub(super) fn inside(cases: &Path) -> Result<()> {
    for path in super::files(cases)? {
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            let procedures = procedures::read(&path)?;
            session::record(
                &procedures,
                Path::new("/mnt/indelible"),
                &cases.join("recorded"),
            )?;
            println!(
                "DONE {}: {} cases",
                procedures.detection,
                procedures.cases.len()
            );
        }
    }
    Ok(())
}

/// Says that this program runs on the machine.
pub(super) const INSIDE: &str = "--inside";
const NAME: &str = "detections-machine";
const STEPS: &[&str] = &[PACKAGES, CHRONY];
const PACKAGES: &str = "apt-get install -y -qq --no-install-recommends auditd systemd-timesyncd \
    busybox python3 perl gcc libc6-dev kmod adjtimex util-linux-extra udev iproute2 sudo faketime bpftool";
/// Debian lets one keeper of time be installed: the programs of the other are enough.
const CHRONY: &str = "systemctl mask auditd systemd-timesyncd; mkdir /root/chrony; cd /root/chrony; \
    apt-get install -y -qq --no-install-recommends libedit2 libseccomp2 libnettle8 libgnutls30 libcap2; \
    apt-get download -qq chrony ntpsec-ntpdate; for deb in *.deb; do dpkg-deb -x $deb .; done; \
    cp usr/sbin/* /usr/sbin; cp usr/bin/chronyc /usr/bin";
const TIME_MAX: Duration = Duration::from_secs(1500);
