//! Repeats a name: JSON in and out through memory of the guest's allocator.
//!
//! The host calls `allocate`, writes the order there, calls `repeat`, copies the answer, and calls `deallocate` for
//! both.

// The address and the length of an answer are packed into 64 bits, so an address must have 32.
#![cfg(target_arch = "wasm32")]

mod memory;

/// Answers the order at `pointer`: the address of the answer in the upper 32 bits, its length in the lower ones.
///
/// # Safety
///
/// `length` bytes at `pointer` must be an order that the host has written to memory from
/// [`allocate`](memory::allocate). The bytes stay the host's.
#[unsafe(no_mangle)]
#[expect(
    unsafe_code,
    reason = "the host finds the function by this name, and passes an address"
)]
pub unsafe extern "C" fn repeat(pointer: *const u8, length: usize) -> u64 {
    // SAFETY: the caller promises it.
    let order = unsafe { memory::borrow(pointer, length) };
    memory::hand_over(repeat::answer_json(order))
}
