//! The program's heap.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{null_mut, with_exposed_provenance_mut};

use anchor_lang::solana_program::entrypoint::{HEAP_LENGTH, HEAP_START_ADDRESS};

#[global_allocator]
static HEAP: Heap = Heap;

const START: usize = HEAP_START_ADDRESS as usize;
const WORD: usize = size_of::<usize>();
/// The last word of the heap, which no block reaches: where the free part begins. The VM zeroes the heap, and nothing need
/// be set up, as zero stands for [`START`].
const FREE: usize = START + HEAP_LENGTH - WORD;
// No address of the heap changes when the start's bits are set in it.
const _: () = assert!(START.trailing_zeros() >= HEAP_LENGTH.ilog2() && HEAP_LENGTH.is_power_of_two());

/// Hands out each byte once, upwards, and takes nothing back: half the instructions of the default one, which asks every
/// time whether it is the first.
struct Heap;

// SAFETY: the VM gives a program, which is one thread, `HEAP_LENGTH` zeroed bytes from `START` on for itself, and Rust's
// memory is elsewhere. The free part only shrinks, so no two blocks overlap; each begins at a multiple of its alignment, as
// `START` is one of any alignment below 2^32.
unsafe impl GlobalAlloc for Heap {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let free = with_exposed_provenance_mut::<usize>(FREE);
        // Blocks take whole words, so that most need not be aligned: sizes and alignments are known when this is compiled.
        let size = layout.size().wrapping_add(WORD - 1) & !(WORD - 1);
        // SAFETY: see `FREE`.
        let mut begin = unsafe { *free } | START;
        if layout.align() > WORD {
            let past = layout.align().wrapping_sub(1);
            begin = begin.wrapping_add(past) & !past;
        }
        let end = begin.wrapping_add(size); // 2^34 and 2^63: it does not wrap
        if end >= FREE {
            return null_mut();
        }
        // SAFETY: as above.
        unsafe { *free = end };
        with_exposed_provenance_mut(begin)
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's; nobody has written to these bytes yet.
        unsafe { self.alloc(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
