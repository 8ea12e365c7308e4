//! Working memory.

use margin_core::portfolio::{GridScenario, Scratch};

/// Working memory of an assessment. It lies on the heap, which a program never gets back, so one serves all underlyings, and
/// all accounts that are judged on the same markets.
pub(crate) struct Workspace {
    pub(super) scratch: Box<Scratch>,
    /// Of the underlying looked at, where a prepared grid does not do.
    pub(super) scenarios: Vec<GridScenario>,
}

impl Workspace {
    pub(super) fn new() -> Self {
        Self { scratch: new_scratch(), scenarios: Vec::new() }
    }
}

/// Empty working memory. The VM zeroes the heap when the program starts; to write the zeros again would cost three hundred
/// compute units.
fn new_scratch() -> Box<Scratch> {
    // Inside another program the allocator is not this one's.
    #[cfg(all(target_os = "solana", not(feature = "no-entrypoint")))]
    {
        let layout = std::alloc::Layout::new::<Scratch>();
        // SAFETY: the layout is not empty, and the allocator hands out each byte of the VM's zeroed heap once at most.
        // Zeros are a valid, empty `Scratch`, by its documentation, and a box frees with the same layout.
        unsafe {
            let memory = std::alloc::alloc(layout).cast::<Scratch>();
            if memory.is_null() {
                std::alloc::handle_alloc_error(layout);
            }
            Box::from_raw(memory)
        }
    }
    #[cfg(any(not(target_os = "solana"), feature = "no-entrypoint"))]
    Box::new(Scratch::new())
}
