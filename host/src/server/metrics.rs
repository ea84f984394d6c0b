//! Counters in the text format of Prometheus.

use crate::rooms::Rooms;
use std::fmt::Write as _;

/// The content type of the format.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) fn text(rooms: &Rooms, relayed: usize) -> String {
    let counters = rooms.counters();
    let mut text = String::new();
    let mut metric = |name: &str, kind: &str, help: &str, value: &dyn std::fmt::Display| {
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "# HELP wit_host_{name} {help}\n# TYPE wit_host_{name} {kind}\nwit_host_{name} {value}\n"
        );
    };
    metric("rooms", "gauge", "Rooms, awake or asleep.", &rooms.count());
    metric(
        "rooms_awake",
        "gauge",
        "Rooms that have an instance of the logic.",
        &counters.rooms_awake(),
    );
    metric("clients", "gauge", "Clients in rooms.", &counters.clients());
    metric(
        "relayed_clients",
        "gauge",
        "Clients that are passed on to other servers.",
        &relayed,
    );
    metric(
        "events_total",
        "counter",
        "Events that the logic has handled.",
        &counters.events(),
    );
    metric(
        "event_seconds_total",
        "counter",
        "Time that events took.",
        &counters.time().as_secs_f64(),
    );
    metric(
        "event_failures_total",
        "counter",
        "Events that trapped or exceeded a limit.",
        &counters.failures(),
    );
    metric(
        "replacements_total",
        "counter",
        "Rooms that went on with new logic.",
        &counters.replacements(),
    );
    metric(
        "refusals_total",
        "counter",
        "Rooms that refused new logic.",
        &counters.refusals(),
    );
    text
}
