//! The bound on the memory of the host: what is allocated, by whatever thread and library, for
//! whatever input. Linear memories of programs are mapped and not allocated, so they do not count:
//! they have `--max-memory`.

use super::{exit::HOST, last_words};
use bytesize::ByteSize;
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    sync::atomic::{AtomicBool, AtomicIsize, Ordering},
};

/// The allocator of the command. It is the system's, and counts.
pub struct Heap;

/// What is allowed where nothing else is said. Compiling the largest component that is common, of a
/// Python program, takes a tenth of it, and a result of 64 MiB of bytes two thirds.
pub const DEFAULT: ByteSize = ByteSize::gib(4);

/// What all threads have, in bytes, apart from what each has not told yet.
static USED: AtomicIsize = AtomicIsize::new(0);
static ALLOWED: AtomicIsize = AtomicIsize::new(DEFAULT.as_u64() as isize);

/// Whether the system has refused memory.
static REFUSED: AtomicBool = AtomicBool::new(false);

/// What a thread may take or give back before it tells, in bytes. So threads that compile at the same
/// time seldom write to the same line of the cache.
const UNTOLD: isize = 64 << 10;

thread_local! {
    static HERE: Untold = const { Untold(Cell::new(0)) };
}

/// What a thread has taken, less what it has given back, since it told.
struct Untold(Cell<isize>);

/// Whether the system has refused memory, which mostly ends in an abort.
pub fn was_refused() -> bool {
    REFUSED.load(Ordering::Relaxed)
}

/// Ends the process as soon as it has more than this.
pub fn allow(size: ByteSize) {
    let allowed = isize::try_from(size.as_u64()).unwrap_or(isize::MAX);
    ALLOWED.store(allowed, Ordering::Relaxed);
    // It may have more already.
    tell(0);
}

/// How much it may have, in bytes.
pub fn allowed() -> usize {
    ALLOWED.load(Ordering::Relaxed).unsigned_abs()
}

#[inline(always)]
fn count(bytes: isize) {
    let is_kept = HERE.try_with(|untold| {
        let sum = untold.0.get().wrapping_add(bytes);
        let is_little = (-UNTOLD..UNTOLD).contains(&sum);
        if is_little {
            untold.0.set(sum);
        }
        is_little
    });
    if is_kept != Ok(true) {
        tell_all(bytes);
    }
}

/// Tells what was kept too, unless the thread is about to end and has told already.
#[cold]
#[inline(never)]
fn tell_all(bytes: isize) {
    let kept = HERE.try_with(|untold| untold.0.take()).unwrap_or(0);
    tell(kept.wrapping_add(bytes));
}

fn tell(bytes: isize) {
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

impl Drop for Untold {
    fn drop(&mut self) {
        tell(self.0.take());
    }
}

/// What an allocation takes of the system: its size, a word before it, in steps of two words. A size
/// beyond all memory may come out as less than nothing; the system refuses it.
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
// SAFETY: every call goes to the system's allocator as it came, and its answer is given back as it is.
// Counting neither allocates nor unwinds: it adds numbers, or ends the process.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(taken(layout));
        // SAFETY: the caller keeps the promises of this function, which are those of the other.
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

/// The system had no more, and whoever asked will hear of it.
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
    fn what_threads_leave_untold_is_told_when_they_end() {
        // Nothing else in this process takes as much meanwhile as would hide a single one.
        let before = USED.load(Ordering::Relaxed);
        for _ in 0..1000 {
            let thread = thread::spawn(|| std::mem::forget(vec![0u8; 32 << 10]));
            thread.join().expect("it ends");
        }
        let more = USED.load(Ordering::Relaxed) - before;
        assert!(more >= 1000 * (32 << 10) - UNTOLD, "{more}");
    }
}
