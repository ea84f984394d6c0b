//! The table of results.

use crate::{
    contest::{Contender, Pace, Quartiles, Score, contest},
    legend,
};
use std::fmt::Write;

pub struct Board {
    pub pace: Pace,
    rows: Vec<Row>,
}

/// One line of the table.
pub struct Row {
    pub name: String,
    ours: String,
    peer: String,
    pub ratio: String,
    spread: String,
    pub target: Option<Target>,
    /// The result as a fraction of what the target allows: the target is reached if it is at most 1.
    pub used: f64,
}

/// A target.
#[derive(Clone, Copy)]
pub enum Target {
    /// At most this multiple of the peer's time.
    Time(f64),
    /// At least this multiple of the peer's operations per second.
    Speed(f64),
    /// At most this number of bytes.
    Bytes(u64),
    /// At most this number of nanoseconds.
    Pause(f64),
    /// At least this number.
    Count(u64),
}

impl Target {
    fn used(self, ratio: f64) -> f64 {
        match self {
            Self::Time(most) => ratio / most,
            Self::Speed(least) => least / ratio,
            Self::Bytes(most) => ratio / most as f64,
            Self::Pause(most) => ratio / most,
            Self::Count(least) => least as f64 / ratio,
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Time(most) => write!(f, "≤ {most}× time"),
            Self::Speed(least) => write!(f, "≥ {least}× speed"),
            Self::Bytes(most) if most % 1024 == 0 => write!(f, "≤ {} KiB", most >> 10),
            Self::Bytes(most) => write!(f, "≤ {most} bytes"),
            Self::Pause(most) => write!(f, "≤ {}", duration(*most)),
            Self::Count(least) => write!(f, "≥ {least}"),
        }
    }
}

const TITLES: [&str; 7] = [
    "work", "ours", "peer", "ratio", "spread", "target", "reached",
];

impl Board {
    pub fn new(pace: Pace) -> Self {
        println!("{}", line(&TITLES.map(str::to_owned)));
        Self {
            pace,
            rows: Vec::new(),
        }
    }

    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Compares two contenders, which take turns. Without a target, the ratio of their times is shown.
    pub fn contest(
        &mut self,
        name: &str,
        ours: &mut dyn Contender,
        peer: &mut dyn Contender,
        target: impl Into<Option<Target>>,
    ) -> anyhow::Result<()> {
        self.score(name, ours, peer, target.into()).map(drop)
    }

    /// Compares two contenders without a target, and returns their times.
    pub fn compare(
        &mut self,
        name: &str,
        ours: &mut dyn Contender,
        peer: &mut dyn Contender,
    ) -> anyhow::Result<Score> {
        self.score(name, ours, peer, None)
    }

    /// As `contest`, and returns the times.
    pub fn score(
        &mut self,
        name: &str,
        ours: &mut dyn Contender,
        peer: &mut dyn Contender,
        target: Option<Target>,
    ) -> anyhow::Result<Score> {
        let score = contest(ours, peer, self.pace)?;
        self.judge(name, score, target);
        Ok(score)
    }

    /// Adds a comparison to the table that was made before, for another target.
    pub fn judge(&mut self, name: &str, score: Score, target: Option<Target>) {
        let Score { ours, peer, ratio } = score;
        let Quartiles { low, median, high } = match target {
            Some(Target::Speed(_)) => ratio.inverse(),
            _ => ratio,
        };
        self.tell(Row {
            name: name.to_owned(),
            ours: duration(ours),
            peer: duration(peer),
            ratio: times(median),
            spread: format!("{} – {}", times(low), times(high)),
            target,
            used: target.map_or(0.0, |target| target.used(median)),
        });
    }

    /// Adds a size to the table.
    pub fn size(&mut self, name: &str, bytes: u64, most: u64) {
        let target = Target::Bytes(most);
        self.tell(Row {
            name: name.to_owned(),
            ours: format!("{bytes} bytes"),
            peer: String::new(),
            ratio: times(target.used(bytes as f64)),
            spread: String::new(),
            target: Some(target),
            used: target.used(bytes as f64),
        });
    }

    /// Adds an amount of memory that was measured several times, with that of a peer. The ratio is that to the
    /// peer, or to what the target allows.
    pub fn memory(
        &mut self,
        name: &str,
        ours: Quartiles,
        peer: Option<Quartiles>,
        target: Option<Target>,
    ) {
        self.amount(name, ours, peer, target, kib);
    }

    /// Adds a time that was measured several times, as `memory` does.
    pub fn time(
        &mut self,
        name: &str,
        ours: Quartiles,
        peer: Option<Quartiles>,
        target: Option<Target>,
    ) {
        self.amount(name, ours, peer, target, duration);
    }

    /// Adds a number, as `memory` does.
    pub fn count(&mut self, name: &str, ours: Quartiles, target: Option<Target>) {
        self.amount(name, ours, None, target, |number| {
            // Whole numbers, and parts of them to a tenth.
            format!("{}", (number * 10.0).round() / 10.0)
        });
    }

    fn amount(
        &mut self,
        name: &str,
        ours: Quartiles,
        peer: Option<Quartiles>,
        target: Option<Target>,
        show: fn(f64) -> String,
    ) {
        let used = target.map_or(0.0, |target| target.used(ours.median));
        let ratio = match (peer, target) {
            (Some(peer), _) => times(ours.median / peer.median),
            (None, Some(_)) => times(used),
            (None, None) => String::new(),
        };
        self.tell(Row {
            name: name.to_owned(),
            ours: show(ours.median),
            peer: peer.map_or_else(String::new, |peer| show(peer.median)),
            ratio,
            spread: format!("{} – {}", show(ours.low), show(ours.high)),
            target,
            used,
        });
    }

    fn tell(&mut self, row: Row) {
        println!("{}", row.line());
        self.rows.push(row);
    }

    pub fn to_markdown(&self) -> String {
        let mut table = String::new();
        let rule = TITLES.map(|_| "---".to_owned());
        let rows = self.rows.iter().map(Row::line);
        for line in [line(&TITLES.map(str::to_owned)), line(&rule)]
            .into_iter()
            .chain(rows)
        {
            let _ = writeln!(table, "{line}");
        }
        let names = self.rows.iter().map(|row| row.name.as_str());
        format!("{table}\n{}", legend::explain(names))
    }
}

impl Row {
    pub fn is_reached(&self) -> bool {
        self.used <= 1.0
    }

    fn line(&self) -> String {
        let (target, reached) = match self.target {
            None => (String::new(), ""),
            Some(target) => (
                target.to_string(),
                if self.is_reached() { "yes" } else { "no" },
            ),
        };
        line(&[
            self.name.clone(),
            self.ours.clone(),
            self.peer.clone(),
            self.ratio.clone(),
            self.spread.clone(),
            target,
            reached.to_owned(),
        ])
    }
}

fn line(cells: &[String; TITLES.len()]) -> String {
    let widths = [46, 11, 11, 7, 15, 14, 7];
    let padded = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{cell:width$}"));
    format!("| {} |", padded.collect::<Vec<_>>().join(" | "))
}

fn times(ratio: f64) -> String {
    match ratio {
        100.0.. => format!("{ratio:.0}×"),
        10.0.. => format!("{ratio:.1}×"),
        0.1.. => format!("{ratio:.2}×"),
        _ => format!("{ratio:.3}×"),
    }
}

fn kib(bytes: f64) -> String {
    format!("{:.2} KiB", bytes / 1024.0)
}

fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        1e6.. => format!("{:.2} ms", nanoseconds / 1e6),
        1e3.. => format!("{:.2} µs", nanoseconds / 1e3),
        _ => format!("{nanoseconds:.1} ns"),
    }
}
