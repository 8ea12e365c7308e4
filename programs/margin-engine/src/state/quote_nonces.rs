use anchor_lang::prelude::*;

use crate::{error::EngineError, state::assert_layout};

/// Nonces that a window holds.
const WINDOW: u64 = 256;

/// Which of an account's signed quotes have been used: every nonce once, in any order, within a window that moves up.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct QuoteNonces {
    /// Nonces below it are spent.
    pub floor: u64,
    /// One bit for each of the 256 nonces from `floor` up, lowest first: spent or not.
    pub spent: [u64; 4],
}
assert_layout!(QuoteNonces, 40);

impl QuoteNonces {
    /// Spends a nonce. One above the window moves the window up, and the lowest nonces lapse.
    pub fn spend(&mut self, nonce: u64) -> Result<()> {
        require!(nonce >= self.floor, EngineError::QuoteSpent);
        if nonce - self.floor >= WINDOW {
            self.raise(nonce - (WINDOW - 1));
        }
        let at = (nonce - self.floor) as usize;
        let (word, bit) = (&mut self.spent[at / 64], 1u64 << (at % 64));
        require!(*word & bit == 0, EngineError::QuoteSpent);
        *word |= bit;
        Ok(())
    }

    /// Makes every nonce below `floor` lapse; a lower floor than the present one changes nothing.
    pub fn raise(&mut self, floor: u64) {
        let shift = floor.saturating_sub(self.floor);
        self.floor = self.floor.max(floor);
        let (words, bits) = (usize::try_from(shift / 64).unwrap_or(usize::MAX), (shift % 64) as u32);
        let old = self.spent;
        let word = |at: usize| old.get(at).copied().unwrap_or(0);
        for (at, spent) in self.spent.iter_mut().enumerate() {
            let from = at.saturating_add(words);
            let above = word(from.saturating_add(1)).checked_shl(64 - bits).unwrap_or(0);
            *spent = (word(from) >> bits) | above;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_nonce_is_spent_once() {
        let mut nonces = QuoteNonces::default();
        for nonce in [0, 255, 64, 63, 1] {
            nonces.spend(nonce).unwrap();
            assert!(nonces.spend(nonce).is_err());
        }
    }

    #[test]
    fn a_moving_window_agrees_with_a_set() {
        let mut nonces = QuoteNonces::default();
        let (mut spent, mut floor) = (BTreeSet::new(), 0u64);
        let mut state = 7u64;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let random = state >> 33;
            if random.is_multiple_of(97) {
                floor = floor.max(floor + random % 300);
                nonces.raise(floor);
                continue;
            }
            let nonce = (floor + random % 300).saturating_sub(20);
            let fresh = nonce >= floor && spent.insert(nonce);
            floor = if fresh { floor.max(nonce.saturating_sub(255)) } else { floor };
            assert_eq!(nonces.spend(nonce).is_ok(), fresh, "nonce {nonce}, floor {floor}");
            assert_eq!(nonces.floor, floor);
        }
    }

    #[test]
    fn the_highest_nonce_ends_the_window() {
        let mut nonces = QuoteNonces::default();
        nonces.spend(u64::MAX).unwrap();
        assert!(nonces.spend(u64::MAX).is_err());
        nonces.spend(u64::MAX - 1).unwrap();
    }
}
