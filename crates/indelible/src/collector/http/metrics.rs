//! What a monitoring system asks: counters, and whether the collector works.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::Shared;
use crate::detect::live::{COUNTERS, Counts};

/// The collector's metrics; each name is documented by its help text.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    /// Entries made durable since the start.
    pub(crate) entries: Counter,
    /// Group commits since the start.
    pub(crate) commits: Counter,
    /// How long a group commit took.
    pub(crate) commit_seconds: Histogram,
    /// Batches that were refused.
    pub(crate) refused: Counter,
    /// Connections of agents that are open.
    pub(crate) connections: Gauge,
    /// Size of the newest published checkpoint.
    pub(crate) published_size: Gauge<u64, AtomicU64>,
    /// 1 while the store's disk is full and nothing is acknowledged.
    pub(crate) disk_full: Gauge,
    /// Free bytes on the store's disk.
    pub(crate) disk_free_bytes: Gauge<u64, AtomicU64>,
    /// Size of the newest checkpoint that enough witnesses have cosigned.
    pub(crate) witnessed_size: Gauge<u64, AtomicU64>,
    /// Witnesses that did not cosign when they were asked.
    pub(crate) witness_failures: Counter,
    /// 1 where a witness contradicts the store and nothing is published any more.
    pub(crate) publishing_halted: Gauge,
    /// What the detections have done, in the order of [`COUNTERS`].
    detections: [Counter; COUNTERS.len()],
}

impl Metrics {
    /// All at zero.
    pub(crate) fn new() -> Arc<Self> {
        let mut metrics = Self {
            registry: Registry::with_prefix("indelible_collector"),
            entries: Counter::default(),
            commits: Counter::default(),
            // From 100 µs to 1.6 s: an fdatasync of a fast disk, and of one in trouble.
            commit_seconds: Histogram::new(exponential_buckets(0.000_1, 2.0, 15)),
            refused: Counter::default(),
            connections: Gauge::default(),
            published_size: Gauge::default(),
            disk_full: Gauge::default(),
            disk_free_bytes: Gauge::default(),
            witnessed_size: Gauge::default(),
            witness_failures: Counter::default(),
            publishing_halted: Gauge::default(),
            detections: Default::default(),
        };
        let registry = &mut metrics.registry;
        registry.register(
            "entries",
            "Entries made durable since the start",
            metrics.entries.clone(),
        );
        registry.register(
            "commits",
            "Group commits since the start",
            metrics.commits.clone(),
        );
        registry.register_with_unit(
            "commit",
            "Time from the first write of a group to its durability",
            Unit::Seconds,
            metrics.commit_seconds.clone(),
        );
        registry.register(
            "refused_batches",
            "Batches that were refused since the start",
            metrics.refused.clone(),
        );
        registry.register(
            "connections",
            "Open connections of agents",
            metrics.connections.clone(),
        );
        registry.register(
            "published_entries",
            "Entries under the newest published checkpoint",
            metrics.published_size.clone(),
        );
        registry.register(
            "disk_full",
            "1 while the store's disk is full and nothing is acknowledged",
            metrics.disk_full.clone(),
        );
        registry.register_with_unit(
            "disk_free",
            "Free bytes on the store's disk",
            Unit::Bytes,
            metrics.disk_free_bytes.clone(),
        );
        registry.register(
            "witnessed_entries",
            "Entries under the newest checkpoint that enough witnesses have cosigned",
            metrics.witnessed_size.clone(),
        );
        registry.register(
            "witness_failures",
            "Times that a witness did not cosign when it was asked",
            metrics.witness_failures.clone(),
        );
        registry.register(
            "publishing_halted",
            "1 where a witness contradicts the store and nothing is published any more",
            metrics.publishing_halted.clone(),
        );
        for ((name, help, _), counter) in COUNTERS.iter().zip(&metrics.detections) {
            registry.register(*name, *help, counter.clone());
        }
        Arc::new(metrics)
    }

    /// Counts what the detections have done between two times.
    pub(crate) fn detected(&self, before: &Counts, now: &Counts) {
        for ((_, _, value), counter) in COUNTERS.iter().zip(&self.detections) {
            counter.inc_by(value(now).saturating_sub(value(before)));
        }
    }
}

/// The metrics in the OpenMetrics text form.
pub(super) async fn text(State(shown): State<Shared>) -> impl IntoResponse {
    let mut text = String::new();
    match encode(&mut text, &shown.metrics.registry) {
        Ok(()) => (StatusCode::OK, [(CONTENT_TYPE, OPENMETRICS)], text),
        Err(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            [(CONTENT_TYPE, "text/plain")],
            String::new(),
        ),
    }
}

/// Ready while the writer lives and its disk has room.
pub(super) async fn ready(State(shown): State<Shared>) -> impl IntoResponse {
    match shown.newest.has_changed() {
        Ok(_) if shown.metrics.disk_full.get() != 0 => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the disk of the store is full\n",
        ),
        Ok(_) => (StatusCode::OK, "ready\n"),
        Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the log's writer has ended\n",
        ),
    }
}

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
