//! The bound on the memory of the host: all that is allocated, by any thread and library, for any
//! input. Linear memories of programs are mapped and not allocated, so they do not count; they are
//! bounded by `--max-memory`.

use super::{exit::HOST, last_words};
use bytesize::ByteSize;
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    sync::atomic::{AtomicBool, AtomicIsize, Ordering},
};

/// The allocator of the command: the system's allocator, with a counter.
pub struct Heap;

/// The default bound. Compiling the largest component in common use, a Python program, takes a tenth
/// of it, and a result of 64 MiB of bytes two thirds.
pub const DEFAULT: ByteSize = ByteSize::gib(4);

/// The sum of all threads in bytes, without the [`Balance`] of each thread.
static USED: AtomicIsize = AtomicIsize::new(0);
static ALLOWED: AtomicIsize = AtomicIsize::new(countable(DEFAULT));

/// `true` if the system has refused memory.
static REFUSED: AtomicBool = AtomicBool::new(false);

/// The number of bytes that a thread can allocate or free before it updates [`USED`]. So threads that
/// compile at the same time seldom write to the same cache line.
const MAX_BALANCE: isize = 64 << 10;

thread_local! {
    static BALANCE: Balance = const { Balance(Cell::new(0)) };
}

/// The bytes that a thread has allocated, less those that it has freed, since it updated [`USED`].
struct Balance(Cell<isize>);

/// `true` if the system has refused memory, which usually leads to an abort.
pub fn was_refused() -> bool {
    REFUSED.load(Ordering::Relaxed)
}

/// Sets the bound. The process ends as soon as it holds more than `size`.
pub fn allow(size: ByteSize) {
    ALLOWED.store(countable(size), Ordering::Relaxed);
    // The process may hold more already.
    add_to_used(0);
}

/// The bound in bytes.
pub fn allowed() -> usize {
    ALLOWED.load(Ordering::Relaxed).unsigned_abs()
}

/// A size as the counters hold it. A process cannot allocate more than `isize::MAX` bytes, which is
/// less than the default bound on a machine of 32 bits.
const fn countable(size: ByteSize) -> isize {
    let bytes = size.as_u64();
    if bytes > isize::MAX as u64 {
        isize::MAX
    } else {
        bytes as isize
    }
}

#[inline(always)]
fn count(bytes: isize) {
    let is_balanced = BALANCE.try_with(|balance| {
        let sum = balance.0.get().wrapping_add(bytes);
        let is_small = (-MAX_BALANCE..MAX_BALANCE).contains(&sum);
        if is_small {
            balance.0.set(sum);
        }
        is_small
    });
    if is_balanced != Ok(true) {
        settle(bytes);
    }
}

/// Adds the balance of this thread to [`USED`] too. A thread that is about to end has none.
#[cold]
#[inline(never)]
fn settle(bytes: isize) {
    let balance = BALANCE.try_with(|balance| balance.0.take()).unwrap_or(0);
    add_to_used(balance.wrapping_add(bytes));
}

fn add_to_used(bytes: isize) {
    let used = USED.fetch_add(bytes, Ordering::Relaxed).wrapping_add(bytes);
    let allowed = ALLOWED.load(Ordering::Relaxed);
    if bytes >= 0 && used > allowed {
        last_words::end_unfinished(
            HOST,
            format_args!(
                "it takes more than {} of the host's memory; allow more with `--max-host-memory`",
                ByteSize::b(allowed.unsigned_abs() as u64)
            ),
        );
    }
}

impl Drop for Balance {
    fn drop(&mut self) {
        add_to_used(self.0.take());
    }
}

/// The bytes that the system uses for an allocation: its size and a word before it, rounded up to two
/// words. The result for a size beyond all memory can be negative; the system refuses such a size.
#[inline(always)]
fn taken(layout: Layout) -> isize {
    const WORD: usize = size_of::<usize>();
    const STEP: usize = 2 * WORD;
    let padding = if layout.align() > STEP {
        layout.align()
    } else {
        0
    };
    let size = layout.size().wrapping_add(padding).max(STEP + WORD);
    (size.wrapping_add(WORD + STEP - 1) & !(STEP - 1)) as isize
}

#[expect(unsafe_code, reason = "the trait of allocators is unsafe")]
// SAFETY: every call is passed to the system's allocator unchanged, and so is its answer to the caller.
// Counting neither allocates nor unwinds: it adds numbers, or ends the process.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(taken(layout));
        // SAFETY: the caller keeps the contract of this function, which is that of the other.
        let block = unsafe { System.alloc(layout) };
        uncount_if_null(block, taken(layout));
        block
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(taken(layout));
        // SAFETY: as above.
        let block = unsafe { System.alloc_zeroed(layout) };
        uncount_if_null(block, taken(layout));
        block
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that `size` with this alignment is a layout.
        let grown = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        let more = taken(grown).wrapping_sub(taken(layout));
        count(more);
        // SAFETY: as above.
        let block = unsafe { System.realloc(block, layout, size) };
        uncount_if_null(block, more);
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) };
        count(taken(layout).wrapping_neg());
    }
}

/// Takes back what was counted for an allocation that the system has refused.
fn uncount_if_null(block: *mut u8, taken: isize) {
    if block.is_null() {
        REFUSED.store(true, Ordering::Relaxed);
        count(taken.wrapping_neg());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn small_blocks_count_as_what_the_system_takes() {
        let of =
            |size, alignment| taken(Layout::from_size_align(size, alignment).expect("a layout"));
        assert_eq!(of(1, 1), 32);
        assert_eq!(of(24, 8), 32);
        assert_eq!(of(25, 8), 48);
        assert_eq!(of(1 << 20, 8), (1 << 20) + 16);
        assert_eq!(of(64, 64), 144);
    }

    #[test]
    fn a_bound_beyond_the_address_space_is_the_largest_one() {
        assert_eq!(countable(ByteSize::b(1)), 1);
        assert_eq!(countable(ByteSize::b(isize::MAX as u64)), isize::MAX);
        assert_eq!(countable(ByteSize::b(isize::MAX as u64 + 1)), isize::MAX);
        assert_eq!(countable(ByteSize::b(u64::MAX)), isize::MAX);
    }

    #[test]
    fn a_thread_that_ends_leaves_no_balance() {
        // Nothing else in this process allocates or frees as much meanwhile as one of these threads.
        let before = USED.load(Ordering::Relaxed);
        for _ in 0..1000 {
            let thread = thread::spawn(|| std::mem::forget(vec![0u8; 32 << 10]));
            thread.join().expect("it ends");
        }
        let more = USED.load(Ordering::Relaxed) - before;
        assert!(more >= 1000 * (32 << 10) - MAX_BALANCE, "{more}");
    }
}
