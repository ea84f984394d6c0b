//! Counters of what has happened in rooms.

use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Counters of what has happened in rooms since the server started.
#[derive(Debug, Default)]
pub struct Counters {
    events: AtomicU64,
    nanoseconds: AtomicU64,
    failures: AtomicU64,
    replaced: AtomicU64,
    refused: AtomicU64,
    awake: AtomicI64,
    clients: AtomicI64,
}

impl Counters {
    /// The events that were run.
    pub fn events(&self) -> u64 {
        self.events.load(Relaxed)
    }

    /// The time that events took.
    pub fn time(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.load(Relaxed))
    }

    /// The events that failed.
    pub fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }

    /// The times that the logic of a room was replaced.
    pub fn replacements(&self) -> u64 {
        self.replaced.load(Relaxed)
    }

    /// The times that a room refused new logic.
    pub fn refusals(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    /// The rooms that have an instance.
    pub fn rooms_awake(&self) -> u64 {
        self.awake.load(Relaxed).unsigned_abs()
    }

    /// The clients in rooms.
    pub fn clients(&self) -> u64 {
        self.clients.load(Relaxed).unsigned_abs()
    }

    pub(super) fn event(&self, took: Duration) {
        self.events.fetch_add(1, Relaxed);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Relaxed);
    }

    pub(super) fn failed(&self) {
        self.failures.fetch_add(1, Relaxed);
    }

    pub(super) fn replaced(&self) {
        self.replaced.fetch_add(1, Relaxed);
    }

    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    pub(super) fn awake(&self, change: i64) {
        self.awake.fetch_add(change, Relaxed);
    }

    pub(super) fn joined(&self) {
        self.clients.fetch_add(1, Relaxed);
    }

    pub(super) fn left(&self) {
        self.clients.fetch_sub(1, Relaxed);
    }
}
