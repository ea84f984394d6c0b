//! The parts that the standard library would provide: an allocator, a panic handler, and `memcpy`.

use alloc::alloc::{Layout, alloc, realloc};
use core::arch::wasm32;
use core::panic::PanicInfo;
use core::ptr;
use dlmalloc::GlobalDlmalloc;

#[global_allocator]
static ALLOCATOR: GlobalDlmalloc = GlobalDlmalloc;

/// A panic is a bug in this crate; the host reports the trap with its backtrace.
#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    wasm32::unreachable()
}

/// Allocates memory for the arguments that the host passes in. The bindings then own it, so it has
/// to come from the allocator above; libc's function of this name would use its own allocator.
///
/// If no memory is left, this can only trap: the host copies an argument into it before any code of
/// the guest runs, and the canonical ABI has no other answer to "does not fit" (a pointer to fewer
/// bytes traps too). So a value larger than the guest's remaining memory ends the program, and no
/// error of the interface can report it.
#[unsafe(no_mangle)]
#[expect(
    unsafe_code,
    reason = "the canonical ABI asks for a function of this name and type"
)]
unsafe extern "C" fn cabi_realloc(
    old: *mut u8,
    old_len: usize,
    align: usize,
    len: usize,
) -> *mut u8 {
    if len == 0 {
        return ptr::without_provenance_mut(align);
    }
    // SAFETY: `align` is that of a type, and `old` came from here, with `old_len` and `align`.
    let memory = unsafe {
        match old_len {
            0 => alloc(Layout::from_size_align_unchecked(len, align)),
            _ => realloc(old, Layout::from_size_align_unchecked(old_len, align), len),
        }
    };
    if memory.is_null() {
        wasm32::unreachable()
    }
    memory
}

#[link(name = "c")]
#[expect(
    unsafe_code,
    reason = "declares nothing: `core` calls `memcmp` and its like by itself"
)]
unsafe extern "C" {}
