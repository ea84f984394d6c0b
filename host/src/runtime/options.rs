//! The options of a runtime.

use crate::runtime::{LoadError, code_cache::CodeCache, engine::Engine};
use wasmtime::{Config, Enabled, PoolingAllocationConfig};

/// The options of a [`Runtime`](crate::Runtime). Each of them has a cost, so all are off by default. They can be
/// combined in any way.
///
/// Each field has a method of the same name that sets it:
///
/// ```
/// use wit_host::{Pool, RuntimeOptions};
///
/// let options = RuntimeOptions::new().interruptible(true).pool(Pool::new(100, 64 << 20));
/// assert!(options.interruptible && !options.fuel);
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RuntimeOptions {
    /// The engine of all programs, isolated plugs included.
    pub engine: Engine,
    /// Allows [`Limits::timeout`](crate::Limits::timeout) to stop programs. Code that computes is then
    /// slower: usually by about a fifth, in the tightest loops by a factor of two.
    pub interruptible: bool,
    /// Allows programs to have [`Limits::fuel`](crate::Limits::fuel). Code that computes then runs much
    /// slower.
    pub fuel: bool,
    /// The directory in which compiled code is kept; `None` compiles every time. An embedder that
    /// grants directories to guests calls [`CodeCache::refuse_reaching`] first.
    pub code_cache: Option<CodeCache>,
    /// A pool from which instances are taken; `None` allocates each instance on demand.
    pub pool: Option<Pool>,
}

impl RuntimeOptions {
    /// The default options: the compiler, no deadlines, no fuel, no code cache and no pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`engine`](Self#structfield.engine).
    pub fn engine(mut self, engine: Engine) -> Self {
        self.engine = engine;
        self
    }

    /// Sets [`interruptible`](Self#structfield.interruptible).
    pub fn interruptible(mut self, interruptible: bool) -> Self {
        self.interruptible = interruptible;
        self
    }

    /// Sets [`fuel`](Self#structfield.fuel).
    pub fn fuel(mut self, fuel: bool) -> Self {
        self.fuel = fuel;
        self
    }

    /// Sets [`code_cache`](Self#structfield.code_cache).
    pub fn code_cache(mut self, code_cache: impl Into<Option<CodeCache>>) -> Self {
        self.code_cache = code_cache.into();
        self
    }

    /// Sets [`pool`](Self#structfield.pool).
    pub fn pool(mut self, pool: impl Into<Option<Pool>>) -> Self {
        self.pool = pool.into();
        self
    }
}

/// A pool of instances, allocated before the first one is needed. Instantiating from a pool is several
/// times faster, but each program must fit into a slot of the pool.
///
/// On Linux, up to 1 MiB of each linear memory stays allocated for the next program in the slot. It is
/// cleared before that program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pool {
    /// The largest number of instances of programs that exist at the same time. Each instance of an isolated
    /// plug counts as one.
    pub programs: u32,
    /// The size of the largest linear memory, in bytes.
    pub memory: usize,
}

impl Pool {
    /// Makes a pool for this number of instances of programs. Each of their linear memories has at most
    /// `memory` bytes.
    pub fn new(programs: u32, memory: usize) -> Self {
        Self { programs, memory }
    }
}

impl RuntimeOptions {
    /// The configuration of the engine.
    pub(super) fn engine_config(&self) -> Result<Config, LoadError> {
        let mut config = Config::new();
        self.engine.configure(&mut config)?;
        config
            // With this bound, the engine does not turn sparse data into an image of 16 MiB for each
            // memory.
            .memory_guaranteed_dense_image_size(1 << 20)
            .async_stack_size(STACK)
            .epoch_interruption(self.interruptible)
            .consume_fuel(self.fuel);
        if let Some(pool) = self.pool {
            config.allocation_strategy(allocation(pool));
        }
        Ok(config)
    }
}

/// The size of the stack that a store keeps for the code of its guest and for the functions of the host that this
/// code calls: 512 KiB for the guest, which is the default, and 508 KiB for the host.
///
/// With its guard page a stack takes 1 MiB. Linux aligns linear memories to 2 MiB, so two stacks fill the space
/// between two memories, and the unused address space of every second memory and its neighbour is one mapping: 6.5
/// mappings for a store with one memory instead of 7, and a process has 65,530 by default. A larger stack could also
/// be backed by a huge page, of which it would use a fraction.
const STACK: usize = (1 << 20) - (4 << 10);

/// The size of the part of a linear memory, and of a table, that stays allocated for its slot, in bytes.
const KEPT_MEMORY: usize = 1 << 20;
const KEPT_TABLE: usize = 64 << 10;

fn allocation(pool: Pool) -> wasmtime::InstanceAllocationStrategy {
    // A component consists of several core instances, memories and tables. A component that is composed
    // of parts in interpreted languages has about forty.
    let inside = pool.programs.saturating_mul(50);
    let mut config = PoolingAllocationConfig::default();
    config
        .total_component_instances(pool.programs)
        .total_core_instances(inside)
        .total_memories(inside)
        .total_tables(inside)
        .total_stacks(pool.programs)
        .max_memory_size(pool.memory);
    // Few pages are written between two uses of a slot. Clearing those pages costs a fraction of
    // returning all pages to the system and faulting them in again (`just bench host`, S11). Linux
    // reports the written pages since 6.7.
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        config
            .pagemap_scan(Enabled::Yes)
            .linear_memory_keep_resident(KEPT_MEMORY)
            .table_keep_resident(KEPT_TABLE);
    }
    config.into()
}
