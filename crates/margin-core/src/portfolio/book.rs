//! Running totals of one underlying while its positions are added.

mod digitals;

use super::{
    BookPosition, Detail, ExpiryMarket, GridScenario, MarginError, Market, Measure, NetGreeks, PreparedGrid, Ratio,
    Scenarios, UnderlyingRisk, WorstCase,
    detail::Signing,
    discount::Discounts,
    exposure::{DeltaSum, Exposure, UNIT_DELTA},
    open_expiry::OpenExpiry,
    ratio::{add, lot_price_to_usd, negate, scale_down, subtract},
    scan::{Scratch, usd_to_lot_price},
};
use crate::{Leg, Lots, Multiplier, OptionKind, Price, Seconds, Strike, Totals, Usd};

/// Which losses are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Witness {
    All,
    Only(WorstCase),
}

/// The scenarios that a book is looked at in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cells<'a> {
    /// Those of the market.
    Given(&'a [GridScenario]),
    /// A grid that was prepared before.
    Prepared(&'a PreparedGrid<'a>),
}

impl<'a> Cells<'a> {
    /// The whole grid, where this is a part of the market's `given` one.
    fn whole(&self, given: &'a &'a [GridScenario]) -> &'a dyn Scenarios {
        match self {
            Self::Given(_) => given,
            Self::Prepared(grid) => grid.scenarios,
        }
    }
}

/// Running totals of one underlying.
pub(super) struct Book<'a> {
    market: &'a Market<'a>,
    /// The part of the grid that is looked at, and the number of its first scenario.
    cells: Cells<'a>,
    first: u8,
    basis_counts: bool,
    wants_greeks: bool,
    /// Vanna and volga as well.
    wants_crosses: bool,
    needs_greeks: bool,
    scan: &'a mut Scratch,
    pub(super) signing: Signing,
    /// Value of the options at their marks, in lots × 1e-12 USD.
    option_marks: i128,
    /// Value of the perpetual and of futures at their marks, in lots × 1e-12 USD.
    linear_marks: i128,
    /// The part of it that moves with spot: all but what a settlement window has fixed.
    linear_variable: i128,
    settled_value: Usd,
    /// In lots × 1e-12 USD; not positive.
    basis: i128,
    perpetual_lots: Lots,
    exposure: Exposure,
    greeks: NetGreeks,
}

/// The part of a book's state that its profits are made of.
pub(super) struct Checkpoint {
    totals: Totals,
    option_marks: i128,
    linear_variable: i128,
}

impl<'a> Book<'a> {
    pub(super) fn new(
        market: &'a Market<'a>,
        witness: Witness,
        detail: Detail,
        scan: &'a mut Scratch,
    ) -> Result<Self, MarginError> {
        let (grid, first, basis_counts) = match witness {
            Witness::All => (market.scenarios, 0, true),
            Witness::Only(WorstCase::Scenario(_) | WorstCase::Basis)
                if !matches!(market.parameters.scan.measure, Measure::Worst | Measure::Shortfall(0 | 1)) =>
            {
                return Err(MarginError::WitnessMeasure);
            }
            Witness::Only(WorstCase::None) => (Default::default(), 0, false),
            Witness::Only(WorstCase::Basis) => (Default::default(), 0, true),
            Witness::Only(WorstCase::Scenario(number)) => {
                let index = usize::from(number);
                (market.scenarios.get(index..=index).ok_or(MarginError::UnknownScenario)?, number, false)
            }
        };
        if market.scenarios.is_empty() {
            return Err(MarginError::ScenarioCount);
        }
        let basis_counts = basis_counts && market.parameters.basis.is_active();
        scan.start(grid, market.parameters, basis_counts)?;
        if witness != Witness::All {
            scan.reach(market);
        }
        Ok(Self::started(market, (Cells::Given(grid), first), basis_counts, detail, scan))
    }

    /// A book whose grid is prepared.
    pub(super) fn prepared(
        market: &'a Market<'a>,
        prepared: &'a PreparedGrid<'a>,
        detail: Detail,
        scan: &'a mut Scratch,
    ) -> Result<Self, MarginError> {
        let basis_counts = market.parameters.basis.is_active();
        scan.load(prepared, basis_counts)?;
        Ok(Self::started(market, (Cells::Prepared(prepared), 0), basis_counts, detail, scan))
    }

    #[inline(always)]
    fn started(
        market: &'a Market<'a>,
        (cells, first): (Cells<'a>, u8),
        basis_counts: bool,
        detail: Detail,
        scan: &'a mut Scratch,
    ) -> Self {
        Self {
            market,
            cells,
            first,
            basis_counts,
            wants_greeks: detail != Detail::Margin,
            wants_crosses: detail == Detail::Greeks,
            needs_greeks: market.parameters.needs_greeks(),
            scan,
            signing: Signing::Own,
            option_marks: 0,
            linear_marks: 0,
            linear_variable: 0,
            settled_value: Usd::ZERO,
            basis: 0,
            perpetual_lots: Lots::ZERO,
            exposure: Exposure::default(),
            greeks: NetGreeks::default(),
        }
    }

    /// What closing an expiry adds to.
    #[inline(never)]
    pub(super) fn checkpoint(&mut self) -> Checkpoint {
        let Self { option_marks, linear_variable, .. } = *self;
        Checkpoint { totals: self.scan.totals().clone(), option_marks, linear_variable }
    }

    /// As if no expiry had been closed since; what charges are levied on is not restored.
    #[inline(never)]
    pub(super) fn restore(&mut self, checkpoint: &Checkpoint) {
        *self.scan.totals() = checkpoint.totals.clone();
        (self.option_marks, self.linear_variable) = (checkpoint.option_marks, checkpoint.linear_variable);
    }

    /// Weighted profit in each scenario, once finished.
    pub(super) fn profits(&self) -> impl Iterator<Item = Result<Usd, MarginError>> {
        self.scan.profits(self.market.lot_size)
    }

    fn add_linear(&mut self, position: &BookPosition, price: Price) -> Result<i128, MarginError> {
        let overflow = MarginError::Overflow;
        let marks = position.lots.checked_mul_price(price).ok_or(overflow)?;
        self.linear_marks = self.linear_marks.checked_add(marks).ok_or(overflow)?;
        self.settled_value = add(self.settled_value, position.settled_value)?;
        Ok(marks)
    }

    pub(super) fn add_perpetual(&mut self, position: &BookPosition) -> Result<(), MarginError> {
        let marks = self.add_linear(position, self.market.perpetual)?;
        self.greeks.add_linear(marks)?;
        self.linear_variable = self.linear_variable.checked_add(marks).ok_or(MarginError::Overflow)?;
        self.perpetual_lots = self.perpetual_lots.checked_add(position.lots).ok_or(MarginError::Overflow)?;
        Ok(())
    }

    /// After the last perpetual.
    #[inline(never)]
    pub(super) fn close_perpetuals(&mut self) -> Result<(), MarginError> {
        if self.perpetual_lots == Lots::ZERO {
            return Ok(());
        }
        self.exposure.add_linear(self.perpetual_lots)?;
        if self.needs_greeks {
            let mut delta = DeltaSum::default();
            delta.add(self.perpetual_lots, UNIT_DELTA)?;
            self.exposure.add_delta(self.market, &delta, Seconds::ZERO)?;
        }
        self.exposure.holds_perpetual = true;
        let confidence = self.market.spot_confidence.min(self.market.perpetual_confidence);
        self.exposure.add_confidence(self.market, confidence, self.perpetual_lots.0)
    }

    // Frames of their own, here and below: one stack frame of a program holds 4 KiB.
    #[inline(never)]
    pub(super) fn open_expiry(&mut self, open: &mut OpenExpiry, market: &ExpiryMarket) -> Result<(), MarginError> {
        open.start(self.market.parameters, self.scan.levels(), market)?;
        self.scan.start_expiry(&open.expiry, &self.cells);
        Ok(())
    }

    #[inline(never)]
    pub(super) fn add_future(&mut self, open: &mut OpenExpiry, position: &BookPosition) -> Result<(), MarginError> {
        self.add_linear(position, open.expiry.forward())?;
        let variable = position.lots.checked_mul_price(open.inputs.forward).ok_or(MarginError::Overflow)?;
        // What a settlement average has fixed moves no more.
        self.greeks.add_linear(variable)?;
        open.linear_variable = open.linear_variable.checked_add(variable).ok_or(MarginError::Overflow)?;
        open.future_lots = open.future_lots.checked_add(position.lots).ok_or(MarginError::Overflow)?;
        Ok(())
    }

    /// Net calls and net puts of one strike.
    #[inline(never)]
    pub(super) fn add_strike(
        &mut self,
        open: &mut OpenExpiry,
        strike: Price,
        calls: Lots,
        puts: Lots,
    ) -> Result<(), MarginError> {
        if self.market.parameters.scan.inverse {
            return Err(MarginError::InverseOption);
        }
        open.has_options = true;
        let prepared = Strike::prepare(strike)?;
        let vol = open.vol(&prepared)?;
        if open.has_passed() {
            open.add_intrinsic(strike, OptionKind::Call, calls)?;
            open.add_intrinsic(strike, OptionKind::Put, puts)?;
        }
        let leg = Leg::prepare_at(&open.expiry, &prepared, &open.levels(&prepared, vol))?;
        self.scan.add_leg(&leg, calls, puts)?;
        // The array's limit: 2^40 gross lots in each of at most 2^14 expiries.
        open.exposure.add_bounded_lots(calls, puts);
        self.exposure.add_bounded_naked(calls, puts);
        if self.needs_greeks || self.wants_greeks {
            let delta = open.greeks.add(&open.expiry, &prepared, &leg, vol, (calls, puts), self.wants_crosses)?;
            if self.needs_greeks {
                open.add_deltas(delta, calls, puts)?;
            }
        }
        Ok(())
    }

    /// Adds the expiry to the book.
    #[inline(never)]
    pub(super) fn close_expiry(&mut self, open: &mut OpenExpiry) -> Result<(), MarginError> {
        let overflow = MarginError::Overflow;
        if self.scan.has_digitals() {
            self.close_digitals(open)?;
        }
        let (mut up, mut down) = (0i128, 0i128);
        if open.has_options {
            let factors = Discounts::new(&self.market.parameters.static_discount, &open.expiry);
            let scan = self.scan.finish_expiry(factors.as_ref(), &mut self.signing)?;
            // What has passed is worth its payoff, to the last digit.
            let mark = if open.has_passed() { open.intrinsic } else { scan.mark };
            self.option_marks = self.option_marks.checked_add(mark).ok_or(overflow)?;
            (up, down) = scan.basis.unwrap_or_default();
        }
        if open.future_lots != Lots::ZERO {
            self.linear_variable = self.linear_variable.checked_add(open.linear_variable).ok_or(overflow)?;
            self.exposure.add_linear(open.future_lots)?;
            open.exposure.add_lots(open.future_lots)?;
            open.exposure.delta.add(open.future_lots, UNIT_DELTA)?;
        }
        if self.basis_counts {
            self.add_basis(open, up, down)?;
        }
        if self.needs_greeks || self.wants_greeks {
            let greeks = open.greeks.close(&open.expiry)?;
            self.greeks.add_options(&greeks)?;
            // Of digital options it is there already.
            open.exposure.vega = open.exposure.vega.checked_add(greeks.vega).ok_or(overflow)?;
        }
        if self.needs_greeks {
            self.exposure.add_expiry(self.market, &open.exposure, &open.shock, open.inputs.time)?;
        }
        self.exposure.add_confidence(self.market, self.confidence(open), open.exposure.gross_lots)
    }

    /// How sure the prices of an expiry's positions are.
    #[inline(always)]
    fn confidence(&self, open: &OpenExpiry) -> Ratio {
        let confidence = self.market.spot_confidence.min(open.confidence);
        if self.exposure.holds_perpetual { confidence.min(self.market.perpetual_confidence) } else { confidence }
    }

    /// Forward contingency of an expiry whose options gain `up` and `down`; rounded down.
    #[inline(always)]
    fn add_basis(&mut self, open: &OpenExpiry, up: i128, down: i128) -> Result<(), MarginError> {
        let overflow = MarginError::Overflow;
        let basis = &self.market.parameters.basis;
        let with_futures = |options: i128, forward: Multiplier| -> Result<i128, MarginError> {
            if open.linear_variable == 0 {
                return Ok(options);
            }
            let all = scale_down(open.linear_variable, forward.0)?;
            all.checked_sub(open.linear_variable).and_then(|futures| futures.checked_add(options)).ok_or(overflow)
        };
        let loss = with_futures(up, basis.up)?.min(with_futures(down, basis.down)?).min(0);
        if loss == 0 {
            return Ok(());
        }
        let annual = basis.annual.for_time(open.inputs.time).ok_or(overflow)?;
        let charge = scale_down(loss, basis.add.saturating_add(annual).0)?;
        self.basis = self.basis.checked_add(charge).ok_or(overflow)?;
        Ok(())
    }

    /// Adds up section by section: marks, scan risk times its factor, charges.
    #[inline(never)]
    pub(super) fn finish(&mut self, risk: &mut UnderlyingRisk) -> Result<(), MarginError> {
        let overflow = MarginError::Overflow;
        let Market { lot_size, parameters, hedge, .. } = self.market;
        let (lot_size, hedge) = (*lot_size, *hedge);
        let marks = self.option_marks.checked_add(self.linear_marks).ok_or(overflow)?;
        let mark_to_market = subtract(lot_price_to_usd(marks, lot_size)?, self.settled_value)?;
        let unrealised = subtract(lot_price_to_usd(self.linear_marks, lot_size)?, self.settled_value)?;

        let linear = self.linear_variable.checked_add(usd_to_lot_price(hedge, lot_size)?).ok_or(overflow)?;
        let (mut worst, mut worst_case) = self.scan.finish(self.market, &self.cells, self.option_marks, linear)?;
        if let WorstCase::Scenario(number) = &mut worst_case {
            *number = number.saturating_add(self.first);
        }
        if self.basis < worst {
            (worst, worst_case) = (self.basis, WorstCase::Basis);
        }
        let worst = lot_price_to_usd(worst, lot_size)?;
        let minimum_delta = self.exposure.minimum_delta(self.market)?;
        let scan_risk = Usd(negate(worst.0)?).max(minimum_delta);

        self.exposure.charges(self.market, unrealised, &mut risk.charges)?;
        let charges = &risk.charges;
        let on_greeks = charges.on_greeks()?;
        let scan = &parameters.scan;
        let (scaled, unscaled) = if scan.scales_charges { (on_greeks, Usd::ZERO) } else { (Usd::ZERO, on_greeks) };
        let maintenance_factor = scan.maintenance;
        let initial_factor = scan.initial.saturating_add(parameters.depeg.rise(self.market.stable));
        let loss = add(scan_risk, scaled)?;
        let margin = |factor: Ratio, perpetual: Usd, short_option: Usd| {
            add(add(factor.of_rounded_up(loss)?, unscaled)?, add(perpetual, short_option)?)
        };
        let on_initial = add(charges.confidence, charges.unrealised_profit)?;
        risk.maintenance_margin =
            margin(maintenance_factor, charges.perpetual_maintenance, charges.short_option_maintenance)?;
        risk.initial_margin =
            add(margin(initial_factor, charges.perpetual_initial, charges.short_option_initial)?, on_initial)?;
        risk.mark_to_market = mark_to_market;
        risk.worst = worst;
        risk.worst_case = worst_case;
        risk.basis_contingency = lot_price_to_usd(self.basis, lot_size)?;
        risk.minimum_delta = minimum_delta;
        risk.scan_risk = scan_risk;
        risk.initial_factor = initial_factor;
        risk.maintenance_factor = maintenance_factor;
        risk.greeks = self.greeks;
        Ok(())
    }
}
