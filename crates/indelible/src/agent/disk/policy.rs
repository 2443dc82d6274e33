//! When which action is due: levels that are entered and left. Pure; who calls looks at the disk.

use crate::config::disk::{DiskAction, DiskConfig, DiskLevel};

/// How the spool's disk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DiskState {
    pub(crate) free_bytes: u64,
    pub(crate) size_bytes: u64,
    /// What was written last found no room.
    pub(crate) is_full: bool,
    /// A write or a sync failed.
    pub(crate) has_failed: bool,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// A level was entered: say so, and do what is configured.
    Entered(DiskLevel, DiskAction),
    /// Nothing is suspended any more.
    Resume,
}

/// The levels of a site.
#[derive(Debug)]
pub(crate) struct DiskPolicy {
    config: DiskConfig,
    /// Levels that were entered and not left.
    entered: Vec<DiskLevel>,
    suspended: bool,
}

impl DiskPolicy {
    pub(crate) fn new(config: DiskConfig) -> Self {
        Self {
            config,
            entered: Vec::new(),
            suspended: false,
        }
    }

    /// What is due in a state of the disk: each level's action once, until the level was left.
    pub(crate) fn look(&mut self, state: DiskState) -> Vec<Due> {
        let mut due = Vec::new();
        for level in DiskLevel::ALL {
            let was = self.entered.contains(&level);
            // A level is left with some room to spare, so that it does not come and go.
            let is = self.holds(level, state, if was { SPARE_PERCENT } else { 0 });
            if is && !was {
                self.entered.push(level);
                let action = self.config.action(level).clone();
                if action == DiskAction::Ignore {
                    continue;
                }
                self.suspended |= action == DiskAction::Suspend;
                due.push(Due::Entered(level, action));
            } else if !is && was {
                self.entered.retain(|entered| *entered != level);
            }
        }
        let suspends = |level: &DiskLevel| *self.config.action(*level) == DiskAction::Suspend;
        if self.suspended && !self.entered.iter().any(suspends) {
            self.suspended = false;
            due.push(Due::Resume);
        }
        due
    }

    fn holds(&self, level: DiskLevel, state: DiskState, spare_percent: u64) -> bool {
        let below = |limit: Option<crate::config::disk::Space>| {
            limit.is_some_and(|limit| {
                let limit = limit.bytes(state.size_bytes);
                state.free_bytes < limit.saturating_add(limit / 100 * spare_percent)
            })
        };
        match level {
            DiskLevel::SpaceLeft => below(self.config.space_left),
            DiskLevel::AdminSpaceLeft => below(self.config.admin_space_left),
            DiskLevel::DiskFull => state.is_full,
            DiskLevel::DiskError => state.has_failed,
        }
    }
}

/// Room above a limit with which its level is left.
const SPARE_PERCENT: u64 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> DiskPolicy {
        DiskPolicy::new(toml::from_str(text).unwrap())
    }

    fn free(free_bytes: u64) -> DiskState {
        DiskState {
            free_bytes,
            size_bytes: 10_000,
            is_full: false,
            has_failed: false,
        }
    }

    #[test]
    fn each_level_acts_once_until_it_is_left() {
        let mut policy = policy(
            "space-left = '10%'\nadmin-space-left = '500'\nadmin-space-left-action = 'suspend'\n\
             disk-full-action = 'halt'\ndisk-error-action = 'ignore'",
        );
        assert_eq!(policy.look(free(1_000)), []);
        let low = Due::Entered(DiskLevel::SpaceLeft, DiskAction::Syslog);
        assert_eq!(policy.look(free(999)), std::slice::from_ref(&low));
        assert_eq!(policy.look(free(998)), []);
        // Not left by a byte more than the limit.
        assert_eq!(policy.look(free(1_001)), []);
        assert_eq!(policy.look(free(1_100)), []);
        assert_eq!(policy.look(free(999)), [low]);
        let lower = Due::Entered(DiskLevel::AdminSpaceLeft, DiskAction::Suspend);
        assert_eq!(policy.look(free(499)), [lower]);
        let full = DiskState {
            is_full: true,
            has_failed: true,
            ..free(0)
        };
        let halt = Due::Entered(DiskLevel::DiskFull, DiskAction::Halt);
        assert_eq!(policy.look(full), [halt]);
        assert_eq!(policy.look(free(10_000)), [Due::Resume]);
    }

    #[test]
    fn without_limits_only_trouble_counts() {
        let mut policy = policy("");
        assert_eq!(policy.look(free(0)), []);
        let failed = DiskState {
            has_failed: true,
            ..free(0)
        };
        let told = Due::Entered(DiskLevel::DiskError, DiskAction::Syslog);
        assert_eq!(policy.look(failed), [told]);
    }
}
