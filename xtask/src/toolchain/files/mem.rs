//! Memory functions as system calls of the Solana VM, which cost ten compute units and one for each 250 bytes; a loop costs
//! about half a unit a byte. Calls go through `sol_memmove_`: `sol_memcpy_` refuses the equal pointers that compilers may
//! pass to `memcpy`.

/// Below this a loop is as cheap.
const FEW: usize = 8;

unsafe extern "C" {
    fn sol_memmove_(dest: *mut u8, src: *const u8, n: u64);
    fn sol_memset_(s: *mut u8, c: u8, n: u64);
    fn sol_memcmp_(s1: *const u8, s2: *const u8, n: u64, result: *mut i32);
}

#[inline(always)]
pub unsafe fn copy_forward(dest: *mut u8, src: *const u8, n: usize) {
    if n >= FEW {
        return unsafe { sol_memmove_(dest, src, n as u64) };
    }
    let mut i = 0;
    while i < n {
        unsafe { *dest.add(i) = *src.add(i) };
        i += 1;
    }
}

#[inline(always)]
pub unsafe fn copy_backward(dest: *mut u8, src: *const u8, n: usize) {
    unsafe { sol_memmove_(dest, src, n as u64) }
}

#[inline(always)]
pub unsafe fn set_bytes(s: *mut u8, c: u8, n: usize) {
    if n >= FEW {
        return unsafe { sol_memset_(s, c, n as u64) };
    }
    let mut i = 0;
    while i < n {
        unsafe { *s.add(i) = c };
        i += 1;
    }
}

#[inline(always)]
pub unsafe fn compare_bytes(s1: *const u8, s2: *const u8, n: usize) -> i32 {
    let mut result = 0;
    unsafe { sol_memcmp_(s1, s2, n as u64, &mut result) };
    result
}

#[inline(always)]
pub unsafe fn c_string_length(mut s: *const core::ffi::c_char) -> usize {
    let mut n = 0;
    while unsafe { *s } != 0 {
        n += 1;
        s = unsafe { s.add(1) };
    }
    n
}
