//! The expiry of an entry.

use crate::fault::{Fault, is_long};
use std::time::{Duration, Instant};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expiry {
    at: Instant,
    ttl: u32,
}

impl Expiry {
    pub fn after(ttl: u32) -> Self {
        Self {
            at: Instant::now() + Duration::from_secs(ttl.into()),
            ttl,
        }
    }

    pub fn is_over(self) -> bool {
        Instant::now() >= self.at
    }

    pub fn again(self) -> Self {
        Self::after(self.ttl)
    }
}

/// The expiry of a new entry: the ttl itself, unless the fault changes it.
pub fn of_new(fault: Fault, ttl: Option<u32>, value: &[u8]) -> Option<Expiry> {
    let ttl = match (fault, ttl) {
        (Fault::IgnoresTtl, Some(1..)) if is_long(value) => None,
        (Fault::ZeroIsForever, Some(0)) if is_long(value) => None,
        (Fault::DefaultsTtl, None) if is_long(value) => Some(1),
        (Fault::CapsTtl, Some(ttl)) => Some(ttl.min(1)),
        (Fault::CountsTtlInSignedNumber, Some(ttl)) if ttl > i32::MAX as u32 => Some(0),
        _ => ttl,
    };
    ttl.map(Expiry::after)
}

/// The expiry of an entry that replaces another.
pub fn of_replacement(
    fault: Fault,
    ttl: Option<u32>,
    old: Option<Expiry>,
    old_value: &[u8],
) -> Option<Expiry> {
    let new = ttl.map(Expiry::after);
    if ttl == Some(0) {
        return new;
    }
    match fault {
        Fault::KeepsTtlForNone => new.or(old),
        Fault::KeepsNoneForTtl if !is_long(old_value) => old.and(new),
        Fault::KeepsLongerTtl => new.map(|new| old.map_or(new, |old| new.max(old))),
        Fault::KeepsShorterTtl => new.map(|new| old.map_or(new, |old| new.min(old))),
        _ => new,
    }
}
