//! Memory that passes between the guest and its host.
//!
//! Its blocks are byte strings: alignment 1, and exactly as long as the host says. A block of length 0 is never
//! allocated, so it is never freed.

#![expect(unsafe_code, reason = "the host passes addresses")]

use std::{
    alloc::{Layout, alloc, dealloc},
    ptr, slice,
};

/// Allocates `length` bytes, which are then the host's; 0 if `length` is 0 or there is not enough memory.
#[unsafe(no_mangle)]
pub extern "C" fn allocate(length: usize) -> *mut u8 {
    match Layout::array::<u8>(length) {
        // SAFETY: the size of the layout is not 0.
        Ok(layout) if length > 0 => unsafe { alloc(layout) },
        _ => ptr::null_mut(),
    }
}

/// Frees a block of the host.
///
/// # Safety
///
/// The host got the block of `length` bytes at `pointer` from [`allocate`] or [`hand_over`], and has not freed it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn deallocate(pointer: *mut u8, length: usize) {
    if let Ok(layout) = Layout::array::<u8>(length)
        && length > 0
    {
        // SAFETY: the block was allocated with this layout.
        unsafe { dealloc(pointer, layout) };
    }
}

/// A block of the host, borrowed.
///
/// # Safety
///
/// Unless `length` is 0, `length` bytes at `pointer` must be initialized, and unchanged for `'a`.
pub(crate) unsafe fn borrow<'a>(pointer: *const u8, length: usize) -> &'a [u8] {
    if length == 0 {
        // The address may be 0, which a slice in Rust must not have.
        return &[];
    }
    // SAFETY: the caller promises it.
    unsafe { slice::from_raw_parts(pointer, length) }
}

/// Gives a block to the host: its address in the upper 32 bits, its length in the lower ones.
pub(crate) fn hand_over(block: Vec<u8>) -> u64 {
    // A boxed slice is exactly as long as its block, and a vector may have capacity beyond its length.
    let block = Box::leak(block.into_boxed_slice());
    (block.as_ptr() as u64) << 32 | block.len() as u64
}
