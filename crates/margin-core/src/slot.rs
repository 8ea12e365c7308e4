//! One scenario of an expiry with its sum, and the two widths of that sum.
#![allow(clippy::arithmetic_side_effects, reason = "operators are those of Fx")]

use crate::fx::Fx;

/// No forward reaches this number of bits in ticks.
pub(crate) const TICK_BITS: u32 = 37;
/// Bits of the lower part of a forward or strike in the loop's products.
pub(crate) const SPLIT: u32 = 19;
pub(crate) const SPLIT_MASK: Fx = Fx((1 << SPLIT) - 1);
/// Lower part of a value in grains.
pub(crate) const GRAIN_MASK: Fx = Fx(0x1f_ffff);

/// One scenario of the expiry, and the sum over strikes of lots x call value: `high * 2^21 + low` grains.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Slot {
    /// ln(shocked F / F), Q32; |.| <= 21 (44.4 inside a settlement window).
    pub(crate) ln_shift: Fx,
    /// Shocked D F: `forward_high * 2^19 + forward_low` ticks, below 2^37.
    pub(crate) forward_high: Fx,
    pub(crate) forward_low: Fx,
    pub(crate) high: Fx,
    pub(crate) low: Fx,
}

impl Slot {
    pub(crate) const EMPTY: Self =
        Self { ln_shift: Fx::ZERO, forward_high: Fx::ZERO, forward_low: Fx::ZERO, high: Fx::ZERO, low: Fx::ZERO };

    /// A shocked forward below 2^37 ticks, and no option.
    #[inline(always)]
    pub(crate) fn start(&mut self, forward: u64, ln_shift: Fx) {
        debug_assert!(forward >> TICK_BITS == 0);
        let forward = Fx::from_bits(forward);
        self.ln_shift = ln_shift;
        (self.forward_high, self.forward_low) = (forward >> SPLIT, forward & SPLIT_MASK);
        (self.high, self.low) = (Fx::ZERO, Fx::ZERO);
    }

    /// In ticks.
    #[inline(always)]
    pub(crate) fn forward(&self) -> Fx {
        (self.forward_high << SPLIT) + self.forward_low
    }
}

/// How lots x value is added to a slot; the value is in 2^-25 ticks and in -2^32..=2^62.
pub(crate) trait Accumulate {
    fn add(slot: &mut Slot, value: Fx, lots: Fx);
}

/// One word.
pub(crate) struct Narrow;

impl Accumulate for Narrow {
    #[inline(always)]
    fn add(slot: &mut Slot, value: Fx, lots: Fx) {
        slot.low += lots * (value >> 21);
    }
}

/// Two words: |lots| sums to at most 2^40 and the parts are below 2^20 and 2^21, so the sums stay below 2^62 with what
/// narrow additions left.
pub(crate) struct Wide;

impl Accumulate for Wide {
    #[inline(always)]
    fn add(slot: &mut Slot, value: Fx, lots: Fx) {
        slot.high += lots * (value >> 42);
        slot.low += lots * ((value >> 21) & GRAIN_MASK);
    }
}
