//! The clock is set: T1070.006.

use indelible_record::RecordType;

use super::about::{About, Findings, Key, Names, Tuning};
use super::act::Act;
use super::engine::Detection;
use super::lineage::Lineage;
use crate::sigma::Level;

/// See [`super::all`].
pub(super) static ABOUT: About = About {
    id: "time-change",
    title: "The clock was set by a program that does not keep time",
    level: Level::Medium,
    techniques: &["T1070.006"],
    logic: "settimeofday or stime, or clock_settime of CLOCK_REALTIME, succeeds; or adjtimex or \
        clock_adjtime, where the kernel wrote that they changed something (TIME_INJOFFSET, \
        TIME_ADJNTPVAL; without such a record they only read), by a program that does not keep \
        time. settimeofday without a time (its first argument is 0) sets the time zone alone. \
        systemd-timedated sets the clock where somebody asks it to (timedatectl set-time), so it is \
        told; who asked is not in its records. What makes a keeper of time set it wrong, as a false \
        server or chronyc, is not seen. Stamps that run backwards in the log are not looked at here: \
        the store's gaps tell of steps of a host's clock.",
    candidates: "syscall in (settimeofday, stime, clock_settime, clock_settime64, adjtimex, clock_adjtime, clock_adjtime64)",
    needs: "-a always,exit -F arch=b64 -S settimeofday,clock_settime,adjtimex,clock_adjtime",
    tuning: &[
        Key {
            name: "allow",
            what: "programs that keep time",
            defaults: &[
                "/usr/sbin/chronyd",
                "/usr/sbin/ntpd",
                "/usr/sbin/ntpdate",
                "/usr/sbin/sntp",
                "/usr/sbin/openntpd",
                "/usr/lib/systemd/systemd-timesyncd",
                "/usr/lib/systemd/systemd",
                "/usr/sbin/ptp4l",
                "/usr/sbin/phc2sys",
                "/usr/bin/ntp-daemon",
                "/usr/sbin/VBoxService",
                "/usr/bin/vmtoolsd",
                "/usr/bin/qemu-ga",
            ],
        },
        Key {
            name: "boot",
            what: "programs that may set the clock without a login, as at boot",
            defaults: &["/usr/sbin/hwclock"],
        },
    ],
    memory: "nothing",
};

/// The detection.
#[derive(Debug)]
pub(super) struct Time {
    allow: Names,
    boot: Names,
}

impl Time {
    pub(super) fn new(tuning: &Tuning) -> Time {
        Time {
            allow: tuning.names(&ABOUT, "allow"),
            boot: tuning.names(&ABOUT, "boot"),
        }
    }
}

impl Detection for Time {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn event(&mut self, act: &Act<'_>, _: &mut Lineage, found: &mut Findings) {
        let changes = match act.call {
            "settimeofday" => act.arguments[0] != 0,
            "stime" => true,
            // Other clocks are a network card's, or a process's own.
            "clock_settime" | "clock_settime64" => act.int(0) == CLOCK_REALTIME,
            "adjtimex" | "clock_adjtime" | "clock_adjtime64" => act
                .event
                .records()
                .any(|record| matches!(record.record_type(), TIME_INJOFFSET | TIME_ADJNTPVAL)),
            _ => return,
        };
        let is_known =
            self.allow.has_some(act.exe()) || !act.has_login() && self.boot.has_some(act.exe());
        if changes && act.is_done() && !is_known {
            let why = format!("{} set the clock with {}", act.who(), act.call);
            found.push(act.finding(&ABOUT, Level::Medium, "T1070.006", why));
        }
    }
}

const CLOCK_REALTIME: u32 = 0;
const TIME_INJOFFSET: RecordType = RecordType(1332);
const TIME_ADJNTPVAL: RecordType = RecordType(1333);
