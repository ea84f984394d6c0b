use crate::Report;
use wasip2::clocks::{monotonic_clock, wall_clock};

pub fn probe(report: &mut Report) {
    let ticks = monotonic_clock::now() > 0 && monotonic_clock::resolution() > 0;
    report.tell_each(
        "clocks/monotonic-clock",
        &["now", "resolution"],
        some(ticks),
    );
    monotonic_clock::subscribe_instant(0).block();
    monotonic_clock::subscribe_duration(0).block();
    report.tell_each(
        "clocks/monotonic-clock",
        &["subscribe-instant", "subscribe-duration"],
        some(true),
    );
    let now = wall_clock::now().seconds > 0 && wall_clock::resolution().nanoseconds > 0;
    report.tell_each("clocks/wall-clock", &["now", "resolution"], some(now));
}

fn some(is_there: bool) -> &'static str {
    if is_there { "shared" } else { crate::NOTHING }
}
