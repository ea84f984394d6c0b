//! A contender in a process of its own, which executes orders (see `../../workload`).

use crate::contest::Contender;
use anyhow::Context;
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

pub struct Process {
    command: String,
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Process {
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("failed to start {command:?}"))?;
        let answers = child.stdout.take().context("its output is piped")?;
        Ok(Self {
            command: format!("{command:?}"),
            orders: child.stdin.take(),
            answers: BufReader::new(answers),
            child,
        })
    }

    /// A contender that sends one kind of order to this process: `set 1024 1000`.
    pub fn at<'a>(&'a mut self, work: &'a str) -> At<'a> {
        At {
            process: self,
            work,
        }
    }

    /// Sets each of `keys` keys to a value of `size` bytes.
    pub fn fill(&mut self, size: usize, keys: u64) -> anyhow::Result<()> {
        self.at(&format!("set {size} {keys}")).take_turn(keys)?;
        Ok(())
    }

    /// Executes one order: `rooms 10 0 1000`.
    pub fn order(&mut self, kind: &str, size: usize, keys: u64, count: u64) -> anyhow::Result<()> {
        self.at(&format!("{kind} {size} {keys}")).take_turn(count)?;
        Ok(())
    }
}

/// The process ends when its orders end, and may then clean up.
impl Drop for Process {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.child.wait();
    }
}

pub struct At<'a> {
    process: &'a mut Process,
    work: &'a str,
}

impl Contender for At<'_> {
    fn take_turn(&mut self, count: u64) -> anyhow::Result<Duration> {
        let Process {
            orders, answers, ..
        } = self.process;
        let orders = orders.as_mut().context("it still takes orders")?;
        let mut answer = String::new();
        writeln!(orders, "{} {count}", self.work)?;
        answers.read_line(&mut answer)?;
        let nanoseconds = answer.trim().parse().with_context(|| {
            format!(
                "`{} {count}` was too much for {}",
                self.work, self.process.command
            )
        })?;
        Ok(Duration::from_nanos(nanoseconds))
    }
}
