//! The Solana VM as a platform: no files, no threads, no time. A program ends by returning or by `abort`.

#![deny(unsafe_op_in_unsafe_fn)]

use crate::io;

unsafe extern "C" {
    /// System calls of the VM.
    fn abort() -> !;
    fn sol_panic_(file: *const u8, length: u64, line: u64, column: u64) -> !;
}

unsafe extern "Rust" {
    /// Defined by the program's entry point crate: logs the message.
    safe fn custom_panic(info: &core::panic::PanicInfo<'_>);
}

/// Reports a panic to the program, then to the VM.
pub fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    custom_panic(info);
    if let Some(at) = info.location() {
        let file = at.file();
        // SAFETY: the VM reads `length` bytes at `file`, which is a live string.
        unsafe { sol_panic_(file.as_ptr(), file.len() as u64, at.line() as u64, at.column() as u64) }
    }
    abort_internal()
}

pub fn abort_internal() -> ! {
    // SAFETY: takes nothing and does not return.
    unsafe { abort() }
}

pub unsafe fn init(_argc: isize, _argv: *const *const u8, _sigpipe: u8) {}

pub unsafe fn cleanup() {}

pub fn unsupported_err() -> io::Error {
    io::Error::UNSUPPORTED_PLATFORM
}

pub fn unsupported<T>() -> io::Result<T> {
    Err(unsupported_err())
}
