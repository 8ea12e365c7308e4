use super::{
    ConfidenceCharge, MarginError, Ratio, UnderlyingRisk,
    ratio::{add, floor_division, subtract},
};
use crate::{Price, Usd};

/// What a token counts as collateral.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CollateralTerms {
    /// Share of the value that counts as a requirement in both margins.
    pub maintenance_haircut: Ratio,
    /// The share on top in initial margin.
    pub initial_haircut: Ratio,
    /// Charge where its oracle or the index is unsure.
    pub confidence: ConfidenceCharge,
}

/// An account's equity and requirements, summed over what it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountRisk {
    /// Cash, collateral in full and positions at their marks.
    pub equity: Usd,
    /// Equity below this: anyone may liquidate.
    pub maintenance_margin: Usd,
    /// Equity below this: no new risk, no withdrawal.
    pub initial_margin: Usd,
}

impl AccountRisk {
    /// An account with nothing but cash.
    pub fn new(cash: Usd) -> Self {
        Self { equity: cash, ..Self::default() }
    }

    /// Adds the stand-alone figures of one underlying; requirements of different underlyings add up.
    pub fn add_underlying(&mut self, risk: &UnderlyingRisk) -> Result<(), MarginError> {
        self.add(risk.mark_to_market, risk.maintenance_margin, risk.initial_margin)
    }

    /// Adds a token balance of a value (amount × price / price of the quote token): it counts in full as equity, its
    /// haircuts as requirements, and in initial margin a charge where `confidence`, the lower one of the token's price
    /// and of the index, is below the threshold.
    pub fn add_collateral(
        &mut self,
        value: Usd,
        confidence: Ratio,
        terms: &CollateralTerms,
    ) -> Result<(), MarginError> {
        let maintenance = terms.maintenance_haircut.of_rounded_up(value)?;
        let mut initial = add(maintenance, terms.initial_haircut.of_rounded_up(value)?)?;
        if confidence < terms.confidence.threshold {
            let share = confidence.complement().times(terms.confidence.factor);
            initial = add(initial, share.of_rounded_up(value)?)?;
        }
        self.add(value, maintenance, initial)
    }

    pub(super) fn add(&mut self, value: Usd, maintenance: Usd, initial: Usd) -> Result<(), MarginError> {
        self.equity = add(self.equity, value)?;
        self.maintenance_margin = add(self.maintenance_margin, maintenance)?;
        self.initial_margin = add(self.initial_margin, initial)?;
        Ok(())
    }

    /// May take risk or withdraw.
    pub fn initially_healthy(&self) -> bool {
        self.equity >= self.initial_margin
    }

    /// May not be liquidated.
    pub fn safe(&self) -> bool {
        self.equity >= self.maintenance_margin
    }

    /// `Margin(IM)`: equity less initial margin.
    pub fn initial_surplus(&self) -> Result<Usd, MarginError> {
        subtract(self.equity, self.initial_margin)
    }

    /// `Margin(MM)`: equity less maintenance margin.
    pub fn maintenance_surplus(&self) -> Result<Usd, MarginError> {
        subtract(self.equity, self.maintenance_margin)
    }

    /// Buffer margin `B = Margin(MM) + b·(Margin(MM) − equity)`; a liquidation is done when it is not negative.
    /// Since `Margin(MM) − equity` is minus the requirement, B = surplus − b·requirement; rounded down.
    pub fn buffer_margin(&self, buffer: Ratio) -> Result<Usd, MarginError> {
        let charge = buffer.of_rounded_up(self.maintenance_margin)?;
        self.maintenance_surplus()?.0.checked_sub(charge.0).map(Usd).ok_or(MarginError::Overflow)
    }
}

/// Value of `amount` atoms of a token with `decimals` at `price` for a whole token, rounded down.
pub fn token_value(amount: u64, decimals: u8, price: Price) -> Result<Usd, MarginError> {
    let unit = 10i128.checked_pow(u32::from(decimals)).ok_or(MarginError::Overflow)?;
    let product = i128::from(amount).checked_mul(i128::from(price.0)).ok_or(MarginError::Overflow)?;
    floor_division(product, unit).map(Usd)
}

/// Partial liquidation by steps: the first share of the positions after which the margin ratio is low enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiquidationSteps {
    /// Penalty on the requirement of what is closed.
    pub fee: Ratio,
    /// Shares are multiples of this.
    pub step: Ratio,
    /// Ratio of requirement to account value at which liquidation may stop.
    pub target: Ratio,
}

/// An account after a share of it was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AfterShare {
    /// Share closed, at most one.
    pub share: Ratio,
    /// Requirement of the rest, rounded up.
    pub requirement: Usd,
    /// Account value less the penalty, rounded down.
    pub value: Usd,
}

impl LiquidationSteps {
    /// `requirement·(1 − share)` and `value − share·fee·requirement`.
    pub fn after(&self, share: Ratio, requirement: Usd, value: Usd) -> Result<AfterShare, MarginError> {
        let penalty = share.of_rounded_up(self.fee.of_rounded_up(requirement)?)?;
        Ok(AfterShare {
            share,
            requirement: share.complement().of_rounded_up(requirement)?,
            value: subtract(value, penalty)?,
        })
    }

    /// The first step with requirement / value ≤ target; all of it when no smaller share is enough.
    pub fn first_sufficient(&self, requirement: Usd, value: Usd) -> Result<AfterShare, MarginError> {
        let mut share = self.step.max(Ratio(1));
        loop {
            let share_now = share.min(Ratio::ONE);
            let after = self.after(share_now, requirement, value)?;
            let is_enough = after.value.0 > 0 && after.requirement <= self.target.of_rounded_down(after.value)?;
            if is_enough || share_now == Ratio::ONE {
                return Ok(after);
            }
            share = share.saturating_add(self.step.max(Ratio(1)));
        }
    }
}
