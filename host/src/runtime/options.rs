//! The options of a runtime.

use crate::runtime::code_cache::CodeCache;
use wasmtime::{Config, Enabled, PoolingAllocationConfig};

/// What a runtime is to be able to do. Each costs something, so each is asked for.
#[derive(Debug, Clone, Default)]
pub struct RuntimeOptions {
    /// Programs can be stopped by [`Limits::timeout`](crate::Limits). Code that computes runs about a
    /// fifth slower, the tightest loops twice as slow.
    pub interruptible: bool,
    /// Programs can be given [`Limits::fuel`](crate::Limits). Code that computes runs much slower.
    pub fuel: bool,
    /// Where compiled code is kept. `None` compiles each time. Whoever grants directories to guests
    /// asks [`CodeCache::refuse_reaching`] first.
    pub code_cache: Option<CodeCache>,
    /// Instances come from a pool that is laid out ahead: instantiating is several times faster,
    /// and each program is held to what a slot of the pool has room for.
    pub pool: Option<Pool>,
}

/// The size of a pool of instances.
///
/// On Linux, what a program has written stays in memory for the next one, cleared: 1 MiB at most of
/// each linear memory.
#[derive(Debug, Clone, Copy)]
pub struct Pool {
    /// Programs that can be instantiated at a time.
    pub programs: u32,
    /// The largest linear memory, in bytes.
    pub memory: usize,
}

impl RuntimeOptions {
    /// The configuration of the engine.
    pub(super) fn engine_config(&self) -> Config {
        let mut config = Config::new();
        config
            // Sparse data does not become an image of 16 MiB for each memory.
            .memory_guaranteed_dense_image_size(1 << 20)
            .epoch_interruption(self.interruptible)
            .consume_fuel(self.fuel);
        if let Some(pool) = self.pool {
            config.allocation_strategy(allocation(pool));
        }
        config
    }
}

/// How much of a linear memory, and of a table, stays in use by its slot, in bytes.
const KEPT_MEMORY: usize = 1 << 20;
const KEPT_TABLE: usize = 64 << 10;

fn allocation(pool: Pool) -> wasmtime::InstanceAllocationStrategy {
    // A component is several core instances, memories and tables: a fused one of interpreted
    // languages has about forty.
    let inside = pool.programs.saturating_mul(50);
    let mut config = PoolingAllocationConfig::default();
    config
        .total_component_instances(pool.programs)
        .total_core_instances(inside)
        .total_memories(inside)
        .total_tables(inside)
        .total_stacks(pool.programs)
        .max_memory_size(pool.memory);
    // Few pages are written between two uses of a slot. To clear those costs a fraction of giving all
    // back to the system and faulting them in anew (`just bench host`, S11), where the system tells
    // which they are: Linux, since 6.7.
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        config
            .pagemap_scan(Enabled::Yes)
            .linear_memory_keep_resident(KEPT_MEMORY)
            .table_keep_resident(KEPT_TABLE);
    }
    config.into()
}
