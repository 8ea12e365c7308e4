//! The program's heap.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{null_mut, with_exposed_provenance_mut};

use anchor_lang::solana_program::entrypoint::{HEAP_LENGTH, HEAP_START_ADDRESS};

#[global_allocator]
static HEAP: Heap = Heap;

const START: usize = HEAP_START_ADDRESS as usize;
/// How much has been handed out is kept in the last word, so that offsets are aligned as addresses are: the VM zeroes the
/// heap, and nothing need be set up.
const LENGTH: usize = HEAP_LENGTH - size_of::<usize>();

/// Hands out each byte once, upwards, and takes nothing back: half the instructions of the default one, which asks every
/// time whether it is the first.
struct Heap;

// SAFETY: the VM gives a program, which is one thread, `HEAP_LENGTH` zeroed bytes from `START` on for itself, and Rust's
// memory is elsewhere. Offsets only rise, so no two blocks overlap; each begins at a multiple of its alignment.
unsafe impl GlobalAlloc for Heap {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let used = with_exposed_provenance_mut::<usize>(START + LENGTH);
        let past = layout.align().wrapping_sub(1);
        // SAFETY: the last word of the heap, which no block reaches.
        let begin = unsafe { *used }.wrapping_add(past) & !past;
        let end = begin.wrapping_add(layout.size()); // 2^15 and 2^63: it does not wrap
        if end > LENGTH {
            return null_mut();
        }
        // SAFETY: as above.
        unsafe { *used = end };
        with_exposed_provenance_mut(START.wrapping_add(begin))
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's; nobody has written to these bytes yet.
        unsafe { self.alloc(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
