//! The functions of the host, without raw pointers.

#![expect(unsafe_code, reason = "the host reads and writes memory by address")]

/// The input of this call.
pub(crate) fn read_input() -> Vec<u8> {
    let mut input = vec![0; get_input_size()];
    // SAFETY: the host writes `get_input_size()` bytes, which is the length of `input`.
    unsafe { get_input(input.as_mut_ptr()) };
    input
}

/// Makes `output` the output of this call, in place of any earlier one.
pub(crate) fn write_output(output: &[u8]) {
    // SAFETY: the host reads these bytes before it returns, and keeps only its copy of them.
    unsafe { set_output(output.as_ptr(), output.len()) };
}

// A pointer and a `usize` are an `i32` each in WebAssembly.
#[link(wasm_import_module = "host")]
unsafe extern "C" {
    /// The size of the input in bytes.
    safe fn get_input_size() -> usize;

    /// Writes the whole input to `pointer`.
    fn get_input(pointer: *mut u8);

    /// Copies the output from `pointer`.
    fn set_output(pointer: *const u8, length: usize);
}
