//! Memory that the host gets for its messages, and gives back.

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
/// The host got the block of `length` bytes at `pointer` from [`allocate`], and has not freed it.
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
        // The address is 0 then, which a slice in Rust must not have.
        return &[];
    }
    // SAFETY: the caller promises it.
    unsafe { slice::from_raw_parts(pointer, length) }
}
