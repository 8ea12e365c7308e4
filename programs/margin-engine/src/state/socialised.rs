//! Losses of insolvent accounts that insurance does not cover: every deposit of cash bears the same share.
//!
//! The engine remembers which share of a deposit made at the start has been lost, an account up to where it has borne it.
//! What an account bears is the pool's at their next contact ([`InterestState::unreported`](super::InterestState)), whose
//! reserve paid it in advance: so nothing is created or lost, and nobody has to visit all accounts.

use anchor_lang::prelude::*;
use core::num::NonZero;
use fixed::types::I80F48;

use crate::{
    error::EngineError,
    state::{Engine, MarginAccount, load_cash, store_cash},
};

/// What is left of a deposit made at the start, before any loss: 63 fractional bits.
const WHOLE: u64 = 1 << 63;
/// A loss may not leave less than this of it: a billionth.
const LEAST: u64 = WHOLE / 1_000_000_000;

impl Engine {
    /// Lets deposits of `deposits` atoms in all bear a loss; the share of each is rounded up.
    pub fn socialise(&mut self, loss: u64, deposits: u64) -> Result<()> {
        let left = deposits.checked_sub(loss).ok_or(EngineError::LossExceedsDeposits)?;
        let before = WHOLE.saturating_sub(self.socialised);
        let product = u128::from(before) * u128::from(left);
        let after = product.checked_div(u128::from(deposits)).ok_or(EngineError::LossExceedsDeposits)?;
        let after = u64::try_from(after).map_err(|_| EngineError::Overflow)?;
        require!(after >= LEAST, EngineError::LossExceedsDeposits);
        self.socialised = WHOLE.saturating_sub(after);
        Ok(())
    }
}

impl MarginAccount {
    /// Takes the account's share of losses since its last contact out of its cash.
    pub(super) fn bear_losses(&mut self, engine: &Engine) -> Result<()> {
        if self.interest.socialised == engine.socialised {
            return Ok(());
        }
        let share = self.share_of_losses(engine)?;
        self.interest.socialised = engine.socialised;
        let unreported = load_cash(self.interest.unreported).checked_add(share).ok_or(EngineError::Overflow)?;
        self.interest.unreported = store_cash(unreported);
        self.add_cash(-share)
    }

    /// What of its cash the account loses to what was socialised since its last contact: rounded up to the last bit of cash.
    /// Debts lose nothing.
    #[inline(never)]
    pub(super) fn share_of_losses(&self, engine: &Engine) -> Result<I80F48> {
        let cash = self.cash();
        if cash <= I80F48::ZERO || self.interest.socialised == engine.socialised {
            return Ok(I80F48::ZERO);
        }
        let (then, now) = (WHOLE.saturating_sub(self.interest.socialised), WHOLE.saturating_sub(engine.socialised));
        // At most 2⁶³: what is left only falls.
        let then = NonZero::new(u128::from(then)).ok_or(EngineError::Overflow)?;
        let kept = (u128::from(now.min(WHOLE)) << 63) / then;
        let bits = cash.to_bits().unsigned_abs();
        let (high, low) = (bits >> 64, bits & u128::from(u64::MAX));
        let left = ((high * kept) << 1).checked_add((low * kept) >> 63).ok_or(EngineError::Overflow)?;
        let left = i128::try_from(left).map_err(|_| EngineError::Overflow)?;
        Ok(cash - I80F48::from_bits(left.min(cash.to_bits())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytemuck::Zeroable;

    fn account(cash: i64) -> MarginAccount {
        let mut account = MarginAccount::zeroed();
        account.cash = store_cash(I80F48::from_num(cash));
        account
    }

    #[test]
    fn every_deposit_bears_the_same_share_once() {
        let mut engine = Engine::zeroed();
        let mut early = account(1_000);
        let mut idle = account(4_000);
        engine.socialise(100, 1_000).unwrap();
        early.bear_losses(&engine).unwrap();
        engine.socialise(90, 900).unwrap();
        let mut debtor = account(-500);
        for account in [&mut early, &mut idle, &mut debtor] {
            let seen = account.cash() - account.share_of_losses(&engine).unwrap();
            account.bear_losses(&engine).unwrap();
            assert_eq!(account.cash(), seen);
            account.bear_losses(&engine).unwrap();
            assert_eq!(account.cash(), seen, "a loss is borne once");
        }
        let near = |cash: I80F48, expected: i64| {
            let off = I80F48::from_num(expected) - cash;
            assert!((0..1 << 24).contains(&off.to_bits()), "{cash} for {expected}: rounded against the account");
        };
        near(early.cash(), 810);
        near(idle.cash(), 3_240);
        assert_eq!(debtor.cash(), I80F48::from_num(-500));
        assert_eq!(load_cash(idle.interest.unreported), I80F48::from_num(4_000) - idle.cash());
    }

    #[test]
    fn the_largest_balance_bears_losses() {
        let mut engine = Engine::zeroed();
        engine.socialise(1, 3).unwrap();
        let mut rich = account(i64::MAX);
        rich.bear_losses(&engine).unwrap();
        let left: i128 = rich.cash().to_num();
        assert!((i128::from(i64::MAX) * 2 / 3 - left).abs() <= 1, "{left}");
    }

    #[test]
    fn deposits_cannot_lose_more_than_they_have() {
        let mut engine = Engine::zeroed();
        assert_eq!(engine.socialise(2, 1), Err(EngineError::LossExceedsDeposits.into()));
        assert_eq!(engine.socialise(1, 1), Err(EngineError::LossExceedsDeposits.into()));
        assert_eq!(engine.socialise(0, 0), Err(EngineError::LossExceedsDeposits.into()));
        engine.socialise(999_999_998, 1_000_000_000).unwrap();
        assert_eq!(engine.socialise(9, 10), Err(EngineError::LossExceedsDeposits.into()));
    }
}
