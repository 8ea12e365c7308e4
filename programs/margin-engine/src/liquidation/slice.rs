//! Moving a slice of one account into another.

use anchor_lang::prelude::*;
use fixed::types::I80F48;

use crate::{
    constants::{MAX_BALANCES, MAX_POSITIONS, RATIO_ONE},
    error::EngineError,
    risk_accounts::RiskAccounts,
    state::MarginAccount,
};

/// A set of positions and token balances, by their numbers in the account.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct BidLegs {
    /// The account's sequence number when they were chosen: numbers of positions change with it.
    pub sequence: u64,
    /// One bit for each position: 0 to 63 in the first word, 64 to 127 in the second.
    pub positions: [u64; 2],
    /// One bit for each token balance.
    pub balances: u16,
}

impl BidLegs {
    /// At least one leg, all of them held, in the account as it was when they were chosen.
    pub fn validate(&self, account: &MarginAccount) -> Result<()> {
        require!(self.sequence == account.sequence, EngineError::BidSequence);
        let held = |bits: u32, count: usize| usize::try_from(bits).is_ok_and(|bits| bits <= count);
        let last = u128::BITS - self.position_bits().leading_zeros();
        require!(held(last, account.positions().len()), EngineError::BidLegs);
        require!(held(u16::BITS - self.balances.leading_zeros(), account.balances().len()), EngineError::BidLegs);
        require!(last != 0 || self.balances != 0, EngineError::BidLegs);
        Ok(())
    }

    fn position_bits(&self) -> u128 {
        let [low, high] = self.positions;
        u128::from(low) | u128::from(high) << 64
    }

    fn names_position(&self, number: usize) -> bool {
        number < MAX_POSITIONS && self.position_bits() >> number & 1 != 0
    }

    fn names_balance(&self, number: usize) -> bool {
        number < MAX_BALANCES && self.balances >> number & 1 != 0
    }
}

/// Moves `fraction` (1e-9) of every position and token balance, or of those that `legs` names; without `legs` also of the cash
/// that does not come from earlier bids.
///
/// Lots round away from zero, so that a slice always makes progress on every position; what a perpetual still has to
/// settle moves in proportion to its lots; token balances and cash round down. Everything that leaves one account
/// enters the other, so nothing is created or lost. The funding of perpetuals must be settled. Returns whether anything
/// moved.
pub fn transfer_slice(
    from: &mut MarginAccount,
    to: &mut MarginAccount,
    fraction: u64,
    cash_from_bids: I80F48,
    legs: Option<&BidLegs>,
) -> Result<bool> {
    if fraction == 0 {
        return Ok(false);
    }
    let mut moved = false;
    let mut end = to.positions().len();
    // A position taken whole leaves the table, so the walk goes backwards.
    for at in (0..from.positions().len()).rev() {
        let position = &from.positions()[at];
        // What an earlier liquidation netted away here; only its series still counts it.
        if position.lots == 0 || legs.is_some_and(|legs| !legs.names_position(at)) {
            continue;
        }
        let lots = share_away_from_zero(position.lots, fraction)?;
        let settled_value = proportional(position.settled_value, lots, position.lots)?;
        end = from.move_position(at, to, end, lots, settled_value)?;
        moved = true;
    }
    for at in (0..from.balances().len()).rev() {
        if legs.is_some_and(|legs| !legs.names_balance(at)) {
            continue;
        }
        let balance = from.balances()[at];
        let amount = u128::from(balance.amount) * u128::from(fraction) / u128::from(RATIO_ONE);
        let amount = u64::try_from(amount).map_err(|_| EngineError::Overflow)?;
        if amount > 0 {
            transfer_token(from, to, balance.collateral, amount)?;
            moved = true;
        }
    }
    if legs.is_some() {
        return Ok(moved);
    }
    // Whole atoms, rounded towards −∞.
    let own_cash = from.cash().checked_sub(cash_from_bids).ok_or(EngineError::Overflow)?;
    let whole: i128 = own_cash.checked_floor().ok_or(EngineError::Overflow)?.to_num();
    let share = whole.checked_mul(i128::from(fraction)).ok_or(EngineError::Overflow)?.div_euclid(i128::from(RATIO_ONE));
    let share = I80F48::checked_from_num(share).ok_or(EngineError::Overflow)?;
    if share != I80F48::ZERO {
        from.add_cash(-share)?;
        to.add_cash(share)?;
        moved = true;
    }
    Ok(moved)
}

/// Moves an amount of one token.
pub fn transfer_token(from: &mut MarginAccount, to: &mut MarginAccount, collateral: u16, amount: u64) -> Result<()> {
    let rest = from.balance_of(collateral).checked_sub(amount).ok_or(EngineError::InsufficientBalance)?;
    let sum = to.balance_of(collateral).checked_add(amount).ok_or(EngineError::Overflow)?;
    from.set_balance(collateral, rest)?;
    to.set_balance(collateral, sum)
}

/// Settles the funding of every perpetual that the account holds, so that they can move. Returns what it paid, in quote atoms.
pub fn settle_funding(account: &mut MarginAccount, markets: &RiskAccounts, decimals: u8) -> Result<i64> {
    let mut paid = 0i64;
    for view in markets.underlyings() {
        let state = &view.state;
        let funding = account.settle_funding(state.index, state.perpetual.funding.index, state.lot_size, decimals)?;
        paid = paid.checked_add(funding).ok_or(EngineError::Overflow)?;
    }
    Ok(paid)
}

/// `lots · fraction`, rounded away from zero.
fn share_away_from_zero(lots: i64, fraction: u64) -> Result<i64> {
    let magnitude = lots.unsigned_abs();
    // A 128-bit division costs as much as a scenario of a leg, and lots seldom need one.
    let share = match magnitude.checked_mul(fraction) {
        Some(product) => product.div_ceil(RATIO_ONE),
        None => {
            let share = (u128::from(magnitude) * u128::from(fraction)).div_ceil(u128::from(RATIO_ONE));
            u64::try_from(share).map_err(|_| EngineError::Overflow)?
        }
    };
    let share = i64::try_from(share).map_err(|_| EngineError::Overflow)?;
    Ok(if lots < 0 { -share } else { share })
}

/// `value · part / whole`, rounded towards zero; the whole value for the whole.
fn proportional(value: i64, part: i64, whole: i64) -> Result<i64> {
    // Options settle in full: theirs is always zero.
    if value == 0 {
        return Ok(0);
    }
    let share = i128::from(value) * i128::from(part) / i128::from(whole);
    Ok(i64::try_from(share).map_err(|_| EngineError::Overflow)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Instrument, InstrumentKind};

    #[test]
    fn slices_round_away_from_zero_and_never_exceed_the_whole() {
        assert_eq!(share_away_from_zero(10, 1).unwrap(), 1);
        assert_eq!(share_away_from_zero(-10, 1).unwrap(), -1);
        assert_eq!(share_away_from_zero(10, 500_000_000).unwrap(), 5);
        assert_eq!(share_away_from_zero(-11, 500_000_000).unwrap(), -6);
        assert_eq!(share_away_from_zero(i64::MAX, RATIO_ONE).unwrap(), i64::MAX);
        // On both sides of where a 64-bit product ends.
        assert_eq!(share_away_from_zero(36_893_488_147, 500_000_000).unwrap(), 18_446_744_074);
        assert_eq!(share_away_from_zero(-36_893_488_149, 500_000_000).unwrap(), -18_446_744_075);
        assert_eq!(proportional(-7, 3, 3).unwrap(), -7);
        assert_eq!(proportional(-7, -1, -2).unwrap(), -3);
    }

    /// An account with these positions: strike and lots of a call.
    fn holder(calls: &[(u64, i64)]) -> Box<MarginAccount> {
        let mut account: Box<MarginAccount> = bytemuck::zeroed_box();
        for &(strike, lots) in calls {
            account.add_position(call(strike), lots, 0).unwrap();
        }
        account
    }

    fn call(strike: u64) -> Instrument {
        Instrument { underlying: 0, expiry: 1, strike, kind: InstrumentKind::Call }
    }

    fn lots(account: &MarginAccount) -> Vec<(u64, i64)> {
        account.positions().iter().map(|position| (position.strike, position.lots)).collect()
    }

    #[test]
    fn a_slice_lands_where_the_order_wants_it() {
        let cases: [(&[_], &[_], &[_], &[_]); 5] = [
            (&[(2, 4), (5, -4)], &[], &[(2, 2), (5, -2)], &[(2, 2), (5, -2)]),
            (
                &[(2, 4), (5, -4)],
                &[(1, 9), (3, 9), (6, 9)],
                &[(2, 2), (5, -2)],
                &[(1, 9), (2, 2), (3, 9), (5, -2), (6, 9)],
            ),
            // Netted in part, and away.
            (&[(2, 4), (3, 4), (5, -4)], &[(2, -3), (3, -2), (5, 2)], &[(2, 2), (3, 2), (5, -2)], &[(2, -1)]),
            // Taken whole.
            (&[(2, 1), (3, 2)], &[(2, 1)], &[(3, 1)], &[(2, 2), (3, 1)]),
            (&[(7, 2)], &[(1, 1), (2, 1)], &[(7, 1)], &[(1, 1), (2, 1), (7, 1)]),
        ];
        for (from, to, left, merged) in cases {
            let (mut from, mut to) = (holder(from), holder(to));
            // No series is written, so all that it counts must stay.
            let counted = |account: &MarginAccount| account.positions().iter().map(|p| p.counted_lots).sum::<u64>();
            let before = counted(&from) + counted(&to);
            assert!(transfer_slice(&mut from, &mut to, RATIO_ONE / 2, I80F48::ZERO, None).unwrap());
            // What netting leaves without lots is kept while its series counts it.
            let held = |account| lots(account).into_iter().filter(|(_, lots)| *lots != 0).collect::<Vec<_>>();
            assert_eq!((held(&from), held(&to)), (left.to_vec(), merged.to_vec()));
            assert!(to.positions().is_sorted_by_key(|position| position.instrument()));
            assert_eq!(counted(&from) + counted(&to), before);
        }
    }
}
