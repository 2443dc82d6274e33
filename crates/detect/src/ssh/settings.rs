//! When what was counted is an attack, and which.

use crate::limits::ssh::THRESHOLD_MAX;

/// Thresholds. An *attempt* is a refused credential, or a connection that named an account and got
/// no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Attempts of one source within the window that make it `brute`.
    pub brute: u32,
    /// The window, ms.
    pub window_ms: u64,
    /// Names that one source tried, at most [`Settings::SPRAY_DEPTH`] times each, that make it
    /// `spray`.
    pub spray: u32,
    /// Attempts of one source in all, never as many as `brute` in a window, that make it `slow`.
    pub slow: u32,
    /// Sources that tried one name, or sources of one network, that make it `distributed`.
    pub distributed: u32,
    /// Attempts of a source before it got in that make it `compromised`.
    pub compromised: u32,
    /// For how long attempts count towards that, ms.
    pub memory_ms: u64,
}

impl Settings {
    /// Attempts per name up to which many names are a spray.
    pub const SPRAY_DEPTH: u64 = 3;

    /// With every threshold between 1 and [`THRESHOLD_MAX`].
    pub fn bounded(self) -> Self {
        let bound = |value: u32| value.clamp(1, THRESHOLD_MAX);
        Self {
            brute: bound(self.brute),
            spray: bound(self.spray),
            slow: bound(self.slow),
            distributed: bound(self.distributed),
            compromised: bound(self.compromised),
            ..self
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            brute: 5,
            window_ms: 10 * 60 * 1_000,
            spray: 5,
            slow: 10,
            distributed: 8,
            compromised: 3,
            memory_ms: 24 * 60 * 60 * 1_000,
        }
    }
}

/// What a source, a network or a name is up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Nothing but people who got in.
    Login,
    /// Connections and attempts below every threshold.
    Probe,
    /// Attempts that take their time.
    Slow,
    /// Part of an attack from many sources.
    Distributed,
    /// Many attempts in a short time.
    Brute,
    /// Many names, few attempts each.
    Spray,
    /// Got in after failures.
    Compromised,
}

impl Outcome {
    /// All of them, from the mildest on.
    pub const ALL: [Outcome; 7] = [
        Outcome::Login,
        Outcome::Probe,
        Outcome::Slow,
        Outcome::Distributed,
        Outcome::Brute,
        Outcome::Spray,
        Outcome::Compromised,
    ];

    /// As it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Login => "login",
            Outcome::Probe => "probe",
            Outcome::Slow => "slow",
            Outcome::Distributed => "distributed",
            Outcome::Brute => "brute",
            Outcome::Spray => "spray",
            Outcome::Compromised => "compromised",
        }
    }

    /// Whether it is a finding.
    pub fn is_finding(self) -> bool {
        self > Outcome::Probe
    }
}
