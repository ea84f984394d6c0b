//! The logic of a room in a core module: what one client says reaches the others, with its number.
//!
//! It keeps no state. A new instance learns by `connect` which clients there are.

// The host passes addresses of 32 bits.
#![cfg(target_arch = "wasm32")]

mod memory;

use std::cell::RefCell;

thread_local! {
    static CLIENTS: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

mod host {
    #[expect(unsafe_code, reason = "the host reads the memory at an address")]
    #[link(wasm_import_module = "host")]
    unsafe extern "C" {
        fn send_message(client: u64, pointer: *const u8, length: usize);
    }

    #[expect(unsafe_code, reason = "the host reads the memory at an address")]
    pub fn send(client: u64, text: &str) {
        // SAFETY: the address and the length are those of the text, which the host copies.
        unsafe { send_message(client, text.as_ptr(), text.len()) }
    }
}

/// A client is in the room.
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "the host finds the function by this name")]
pub extern "C" fn connect(client: u64) {
    CLIENTS.with_borrow_mut(|clients| clients.push(client));
}

/// A client has left the room.
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "the host finds the function by this name")]
pub extern "C" fn disconnect(client: u64) {
    CLIENTS.with_borrow_mut(|clients| clients.retain(|one| *one != client));
}

/// A client has said something.
///
/// # Safety
///
/// `length` bytes at `pointer` must be a message that the host has written to memory from
/// [`allocate`](memory::allocate). The bytes stay the host's.
#[unsafe(no_mangle)]
#[expect(
    unsafe_code,
    reason = "the host finds the function by this name, and passes an address"
)]
pub unsafe extern "C" fn message(client: u64, pointer: *const u8, length: usize) {
    // SAFETY: the caller promises it.
    let said = unsafe { memory::borrow(pointer, length) };
    let text = format!("{client}: {}", String::from_utf8_lossy(said));
    CLIENTS.with_borrow(|clients| {
        let others = clients.iter().filter(|one| **one != client);
        others.for_each(|other| host::send(*other, &text));
    });
}
