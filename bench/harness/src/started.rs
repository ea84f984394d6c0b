//! A contender whose operation is a process, from its start to its end.

use crate::contest::Contender;
use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

pub struct Started(pub Command);

impl Started {
    /// Runs a command once, which must succeed.
    pub fn once(command: Command) -> anyhow::Result<()> {
        Self(command).take_turn(1).map(drop)
    }
}

impl Contender for Started {
    fn take_turn(&mut self, count: u64) -> anyhow::Result<Duration> {
        let started = Instant::now();
        for _ in 0..count {
            let status = self.0.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
            anyhow::ensure!(status.success(), "{:?} failed: {status}", self.0);
        }
        Ok(started.elapsed())
    }
}
