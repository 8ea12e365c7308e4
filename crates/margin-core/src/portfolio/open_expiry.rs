//! One expiry while its positions are added.

use super::{
    ExpiryMarket, MarginError, Ratio, RiskParameters,
    exposure::{ExpiryExposure, UNIT_DELTA},
    skew::Skew,
    tenor::TenorShock,
};
use crate::{
    Expiry, ExpiryInputs, Lots, OptionKind, Price, Seconds, Strike, SviSlice, Vol, VolLevels, net_greeks::NetTerms,
    value,
};

/// The vol levels of a grid's scenarios, besides the marked vol.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LevelsUsed {
    pub(super) up: bool,
    pub(super) down: bool,
    pub(super) skew_linear: bool,
    pub(super) skew_abs: bool,
}

impl LevelsUsed {
    /// Whether a level that usually goes with another is there alone: with one scenario instead of a whole grid.
    fn is_partial(self) -> bool {
        !(self.up && self.down) || self.skew_linear != self.skew_abs
    }

    fn has_skew(self) -> bool {
        self.skew_linear || self.skew_abs
    }
}

/// An expiry whose positions are being added.
#[derive(Default)]
pub(super) struct OpenExpiry {
    pub(super) expiry: Expiry,
    pub(super) inputs: ExpiryInputs,
    /// `None` once the expiry has passed: values are intrinsic, whatever the surface says.
    pub(super) slice: Option<SviSlice>,
    pub(super) shock: TenorShock,
    pub(super) skew: Option<Skew>,
    levels: LevelsUsed,
    has_partial_levels: bool,
    pub(super) confidence: Ratio,
    pub(super) exposure: ExpiryExposure,
    pub(super) greeks: NetTerms,
    /// Of futures, in lots × 1e-12 USD.
    pub(super) linear_variable: i128,
    pub(super) future_lots: Lots,
    pub(super) has_options: bool,
    /// Value of the options once the expiry has passed, in lots × 1e-12 USD.
    pub(super) intrinsic: i128,
}

impl OpenExpiry {
    /// Starts an expiry, in place: the whole is too large to hand around.
    #[inline(never)]
    pub(super) fn start(
        &mut self,
        parameters: &RiskParameters,
        levels: LevelsUsed,
        market: &ExpiryMarket,
    ) -> Result<(), MarginError> {
        self.expiry = Expiry::prepare(market.inputs)?;
        self.inputs = market.inputs;
        let time = market.inputs.time;
        self.slice = if time == Seconds::ZERO { None } else { Some(market.surface.prepared()?) };
        (self.levels, self.has_partial_levels) = (levels, levels.is_partial());
        let is_shocked = levels.up || levels.down || parameters.vega.range != Ratio::ZERO;
        self.shock = if is_shocked { TenorShock::new(&parameters.vol, time) } else { TenorShock::default() };
        self.skew = if levels.has_skew() { Some(Skew::new(&parameters.skew, &self.expiry, levels)?) } else { None };
        self.confidence = market.confidence;
        self.exposure = ExpiryExposure::default();
        self.greeks.clear();
        self.linear_variable = 0;
        self.future_lots = Lots::ZERO;
        self.has_options = false;
        self.intrinsic = 0;
        Ok(())
    }

    /// Whether no time is left.
    pub(super) fn has_passed(&self) -> bool {
        self.slice.is_none()
    }

    /// Adds what an option pays now.
    #[inline(never)]
    pub(super) fn add_intrinsic(&mut self, strike: Price, kind: OptionKind, lots: Lots) -> Result<(), MarginError> {
        if lots != Lots::ZERO {
            let payoff = lots.checked_mul_price(value(&self.expiry, strike, Vol::ZERO, kind)?);
            self.intrinsic =
                payoff.and_then(|payoff| self.intrinsic.checked_add(payoff)).ok_or(MarginError::Overflow)?;
        }
        Ok(())
    }

    /// Adds the deltas of calls and puts of a strike whose call has `delta`, in Q40 and without the settlement window's share.
    #[inline(never)]
    pub(super) fn add_deltas(&mut self, delta: i64, calls: Lots, puts: Lots) -> Result<(), MarginError> {
        let share = self.expiry.variable_share(delta);
        let unit = self.expiry.variable_share(UNIT_DELTA);
        self.exposure.delta.add(calls, share)?;
        self.exposure.delta.add(puts, share.saturating_sub(unit))
    }

    /// The surface's vol at a strike.
    #[inline]
    pub(super) fn vol(&self, strike: &Strike) -> Result<Vol, MarginError> {
        match &self.slice {
            Some(slice) => Ok(slice.vol_at(strike)?),
            None => Ok(Vol::ZERO),
        }
    }

    /// Vols of one strike by level; anything where no scenario has the level.
    #[inline]
    #[allow(clippy::arithmetic_side_effects, reason = "the operators are those of Fx, below 2^63: both logarithms are")]
    pub(super) fn levels(&self, strike: &Strike, vol: Vol) -> VolLevels {
        if self.has_partial_levels {
            return self.partial_levels(strike, vol);
        }
        let (skew_linear, skew_abs) = match &self.skew {
            Some(skew) => skew.vols(strike.ln - self.expiry.ln_forward, vol),
            None => (Vol::ZERO, Vol::ZERO),
        };
        VolLevels { up: self.shock.up(vol), none: vol, down: self.shock.down(vol), skew_linear, skew_abs }
    }

    /// The same for a grid that lacks some levels.
    #[inline(never)]
    #[allow(clippy::arithmetic_side_effects, reason = "as in `levels`")]
    fn partial_levels(&self, strike: &Strike, vol: Vol) -> VolLevels {
        let mut vols = VolLevels { none: vol, ..VolLevels::default() };
        if self.levels.up {
            vols.up = self.shock.up(vol);
        }
        if self.levels.down {
            vols.down = self.shock.down(vol);
        }
        if let Some(skew) = &self.skew {
            let k = strike.ln - self.expiry.ln_forward;
            if self.levels.skew_linear {
                vols.skew_linear = skew.vol_linear(k, vol);
            }
            if self.levels.skew_abs {
                vols.skew_abs = skew.vol_abs(k, vol);
            }
        }
        vols
    }
}
