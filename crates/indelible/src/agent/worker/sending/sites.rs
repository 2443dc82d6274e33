//! The collectors in their order, and the one of them that is sent to.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indelible_log::StreamId;

use crate::agent::layout::Layout;
use crate::agent::outputs::{Released, native_position};
use crate::agent::worker::site::Site;
use crate::agent::worker::target::Target;

/// At least one.
pub(super) struct Sites {
    sites: Vec<Site>,
    current: usize,
    /// When the current one was heard last, or had nothing to answer.
    heard_at: Instant,
    failover_after: Duration,
    released_by_all: Arc<Released>,
    /// Streams that the current one's restarted log may lack again.
    rewound: BTreeSet<StreamId>,
}

impl Sites {
    /// `is_shared` says that others have a say in what is released.
    ///
    /// # Errors
    /// No target, or what is kept of a collector that cannot be read.
    pub(super) fn open(
        layout: &Layout,
        targets: Vec<Target>,
        failover_after: Duration,
        is_shared: bool,
        released_by_all: Arc<Released>,
    ) -> Result<Self> {
        let mut targets = targets.into_iter();
        let first = targets.next().context("no collector")?;
        let shares = is_shared || targets.len() > 0;
        let mut sites = vec![Site::first(layout, first, shares)?];
        for target in targets {
            sites.push(Site::further(layout, target)?);
        }
        Ok(Self {
            sites,
            current: 0,
            heard_at: Instant::now(),
            failover_after,
            released_by_all,
            rewound: BTreeSet::new(),
        })
    }

    /// The one that is sent to.
    pub(super) fn current(&self) -> &Site {
        &self.sites[self.current]
    }

    pub(super) fn current_mut(&mut self) -> &mut Site {
        &mut self.sites[self.current]
    }

    pub(super) fn address(&self) -> &str {
        &self.current().target.address
    }

    /// The first one's target, while another stands in.
    pub(super) fn target_of_first(&mut self) -> Option<Target> {
        (self.current > 0).then(|| self.sites[0].target_now())
    }

    /// Goes on with another one.
    pub(super) fn turn_to(&mut self, site: usize) {
        self.current = site;
        self.rewound.clear();
        self.heard();
    }

    /// The current one answers, or nothing is asked of it.
    pub(super) fn heard(&mut self) {
        self.heard_at = Instant::now();
    }

    /// The current one will not do: another one stands in at once, where there is one.
    pub(super) fn give_up(&mut self) {
        self.heard_at = Instant::now()
            .checked_sub(self.failover_after)
            .unwrap_or(self.heard_at);
    }

    /// The one to turn to, where the current one is away for long.
    pub(super) fn standing_in(&self) -> Option<usize> {
        let is_away = self.sites.len() > 1 && self.heard_at.elapsed() >= self.failover_after;
        is_away.then(|| (self.current + 1) % self.sites.len())
    }

    /// Notes that the current one has everything before `next`.
    pub(super) fn passed(&mut self, stream: StreamId, next: u64) -> Result<()> {
        self.sites[self.current].passed(&self.released_by_all, stream, next)
    }

    /// The current one may lack all that is still spooled of a stream, from `oldest` on.
    pub(super) fn rewind(&mut self, layout: &Layout, stream: StreamId, oldest: u64) -> Result<()> {
        self.rewound.insert(stream);
        self.sites[self.current].rewind(layout, &self.released_by_all, stream, oldest)
    }

    /// Where the current one stands in a stream of which `oldest` is still spooled; `None` where it cannot
    /// have that stream.
    pub(super) fn position(
        &mut self,
        layout: &Layout,
        id: StreamId,
        oldest: u64,
    ) -> Result<Option<u64>> {
        let [first, further @ ..] = &mut self.sites[..] else {
            return Ok(None);
        };
        if further.is_empty() {
            return Ok(Some(native_position(layout, id)));
        }
        // What was released before there was a second collector, the first one has.
        if !further.iter().any(|site| site.position(id).is_some()) {
            first.adopt(id, crate::agent::released(layout, id))?;
        }
        let position = self.current().position(id).unwrap_or(0);
        if position < oldest && !self.rewound.contains(&id) {
            tracing::info!(stream = %id, position, oldest, "this collector cannot have this stream");
            return Ok(None);
        }
        Ok(Some(position))
    }
}
