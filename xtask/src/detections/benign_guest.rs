//! `cargo xtask detections benign --guest`: an hour of everyday work on a machine of its own.
//!
//! The rules of all built-ins hold for the whole machine and not for one login: people who come in
//! over ssh, jobs of cron, services and their timers. `tests/detections/benign-guest.sh` says what is
//! done. Root, disk and the records stay in `target/detections-guest`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::procedures::{AUID, Procedures, read_all};
use crate::machine::Machine;
use crate::shell;

/// How long the work goes on unless told otherwise.
pub(super) const MINUTES: u64 = 60;

/// Does the work for so many minutes and prints what is found in it.
pub(super) fn run(minutes: u64) -> Result<()> {
    shell::run(shell::command(
        "cargo",
        &["build", "--quiet", "-p", "indelible"],
    ))?;
    let program = shell::target().join("debug/indelible");
    let machine = Machine::user_mode(NAME, STEPS)?;
    let home = machine.root().join("root");
    fs::copy(&program, home.join("indelible")).context("cannot copy the program")?;
    let procedures = shell::root().join("tests/detections/procedures");
    fs::write(home.join("all.rules"), rules(&read_all(&procedures)?))?;
    fs::write(home.join("minutes"), minutes.to_string())?;
    let taken = shell::target().join(NAME).join("taken");
    if taken.exists() {
        fs::remove_dir_all(&taken)?;
    }
    machine.run_and_take(
        "tests/detections/benign-guest.sh",
        Duration::from_secs(minutes * 60) + AROUND,
        Some(("/var/spool/indelible", &taken)),
    )?;
    found(&program, &taken.join("indelible"))
}

/// Of all detections, for everybody.
fn rules(all: &[Procedures]) -> String {
    let own = format!(" -F auid={AUID}");
    let rules: BTreeSet<String> = all
        .iter()
        .flat_map(|one| &one.rules)
        // One key or none: the kernel takes the same rule once.
        .map(|rule| rule.replace(&own, ""))
        .map(|rule| {
            rule.split(" -k ")
                .next()
                .map(str::to_owned)
                .unwrap_or_default()
        })
        .collect();
    let mut text = String::from("-D\n-b 16384\n");
    for rule in rules {
        text.push_str(&rule);
        text.push('\n');
    }
    text
}

/// Prints what the detections say of a spool.
fn found(program: &Path, spool: &Path) -> Result<()> {
    let status = Command::new(program)
        .args(["detect", "run", "--spool"])
        .arg(spool)
        .stdin(Stdio::null())
        .status()?;
    ensure!(status.success(), "detect run failed: {status}");
    Ok(())
}

/// For boot, preparation, and the last round of work.
const AROUND: Duration = Duration::from_secs(1200);
const NAME: &str = "detections-guest";
const STEPS: &[&str] = &[PACKAGES, SOURCES, MANY, UPGRADES, REPOSITORY];
const PACKAGES: &str = "apt-get install -y -qq --no-install-recommends openssh-server openssh-client \
    sudo cron logrotate at rsyslog busybox gcc make libc6-dev dpkg-dev debhelper fakeroot git rsync \
    sshpass python3 python3-venv gdb strace iproute2 unattended-upgrades libpam-systemd";
/// Packages that are built from source.
const SOURCES: &str =
    "sed 's/^deb /deb-src /' /etc/apt/sources.list > /etc/apt/sources.list.d/src.list
    apt-get update -qq
    apt-get build-dep -y -qq --no-install-recommends hello
    mkdir -p /root/src && cd /root/src && apt-get source -qq hello";
/// A project of many files.
const MANY: &str = r#"mkdir -p /root/src/many && cd /root/src/many
    for number in $(seq 60); do
        printf '#include <stdio.h>\n#include <stdlib.h>\n#include <pthread.h>\nint f%d(int x){return x*%d+printf("");}\n' $number $number > f$number.c
    done
    printf 'int f1(int);int main(void){return f1(0)!=0;}\n' > main.c
    cat > Makefile <<'END'
OBJ=$(patsubst %.c,%.o,$(wildcard *.c))
all: prog
prog: $(OBJ)
	gcc -g -o $@ $^
%.o: %.c
	gcc -g -O2 -c -o $@ $<
check: prog
	./prog
	cp prog /tmp/conftest && /tmp/conftest; rm -f /tmp/conftest
install: prog
	install -m 755 prog /usr/local/bin/many
clean:
	rm -f *.o prog
END"#;
/// The release is older than its updates: both versions of what they replace.
const UPGRADES: &str = "mkdir -p /srv/repo/old /srv/repo/new
    # A mirror may hold an old copy.
    echo 'Acquire::Check-Valid-Until \"false\";' > /etc/apt/apt.conf.d/90mirror
    printf 'deb http://deb.debian.org/debian bookworm-updates main\\ndeb http://deb.debian.org/debian-security bookworm-security main\\n' > /etc/apt/sources.list.d/updates.list
    apt-get update -qq; apt-get clean
    cd /srv/repo/old
    apt-get -y -qq --download-only dist-upgrade
    for deb in /var/cache/apt/archives/*.deb; do
        [ -e \"$deb\" ] || continue
        name=$(dpkg-deb -f \"$deb\" Package)
        mv \"$deb\" /srv/repo/new
        case $name in linux-*) continue;; esac
        version=$(dpkg-query -W -f '${Version}' $name 2> /dev/null) || continue
        [ -z \"$version\" ] || apt-get download -qq $name=$version
    done
    for name in sudo cron logrotate at openssh-server openssh-client openssh-sftp-server passwd login tar gzip rsyslog busybox; do
        version=$(dpkg-query -W -f '${Version}' $name)
        apt-get download -qq $name=$version
    done";
/// Without a network, packages come from a folder.
const REPOSITORY: &str = "cd /srv/repo && dpkg-scanpackages -m . > Packages
    rm -f /etc/apt/sources.list.d/*
    echo 'deb [trusted=yes] file:/srv/repo ./' > /etc/apt/sources.list
    apt-get update -qq";
