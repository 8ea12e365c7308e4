//! Compute units of kernel steps, between readings of the meter in the log. Inputs come from the instruction, so nothing
//! can be computed at build time; the results are returned, so nothing can be left out.

use core::hint::black_box;

use fixed::types::I80F48;
use margin_core::{
    Expiry, ExpiryInputs, KernelError, Leg, Lots, Multiplier, OptionKind, Price, Rate, RiskArray, Scenario,
    ScenarioSet, Seconds, Strike, Svi, SviSlice, Totals, VolLevel, VolLevels, greeks_from_spot,
};

use crate::ProbeError;
use crate::input::{Reader, Writer};
use crate::reference::{ReferenceCase, kernel_error, write_greeks};

/// Scenarios of the measured grid.
pub const SCENARIOS: usize = 31;

/// Logs the compute units left in the transaction; nothing on the host.
fn meter() {
    #[cfg(target_os = "solana")]
    // SAFETY: the syscall takes no argument and only reads the meter.
    unsafe {
        solana_define_syscall::definitions::sol_log_compute_units_();
    }
}

/// Runs `step` between the second and third of three readings; the first two are an empty measurement, to be
/// subtracted.
#[inline(always)]
pub(crate) fn measure<I, O>(input: I, step: impl FnOnce(I) -> O) -> O {
    meter();
    meter();
    let result = black_box(step(black_box(input)));
    meter();
    result
}

/// Ten moves at three vol levels and one crash: the shape of a usual set.
#[inline(never)]
fn scenarios() -> Result<Vec<Scenario>, KernelError> {
    let mut set = Vec::with_capacity(SCENARIOS);
    for multiplier in [820, 860, 900, 940, 980, 1_000, 1_040, 1_080, 1_120, 1_180] {
        for level in [VolLevel::Up, VolLevel::None, VolLevel::Down] {
            set.push(Scenario::new(Multiplier(multiplier * 1_000_000), level)?);
        }
    }
    set.push(Scenario::new(Multiplier(600_000_000), VolLevel::Up)?);
    Ok(set)
}

/// One expiry's market data.
#[derive(Clone, Copy, Debug)]
pub struct MarketInput {
    pub inputs: ExpiryInputs,
    pub svi: Svi,
    pub up: Multiplier,
    pub down: Multiplier,
}

impl MarketInput {
    pub fn write(&self, request: &mut Writer) {
        let ExpiryInputs { forward, fixed, time, rate } = self.inputs;
        request.u64(forward.0).u64(fixed.0).u64(time.0).i64(rate.0);
        let Svi { a, b, rho, m, sigma, forward, time } = self.svi;
        request.i64(a).i64(b).i64(rho).i64(m).i64(sigma).u64(forward.0).u64(time.0);
        request.u64(self.up.0).u64(self.down.0);
    }

    pub(crate) fn read(input: &mut Reader) -> Result<Self, u32> {
        Ok(Self {
            inputs: ExpiryInputs {
                forward: Price(input.u64()?),
                fixed: Price(input.u64()?),
                time: Seconds(input.u64()?),
                rate: Rate(input.i64()?),
            },
            svi: Svi {
                a: input.i64()?,
                b: input.i64()?,
                rho: input.i64()?,
                m: input.i64()?,
                sigma: input.i64()?,
                forward: Price(input.u64()?),
                time: Seconds(input.u64()?),
            },
            up: Multiplier(input.u64()?),
            down: Multiplier(input.u64()?),
        })
    }

    #[inline(always)]
    fn leg(&self, expiry: &Expiry, slice: &SviSlice, strike: Price) -> Result<Leg, KernelError> {
        let strike = Strike::prepare(strike)?;
        let none = slice.vol_at(&strike)?;
        let vols = VolLevels {
            up: none.checked_scale(self.up).ok_or(KernelError::Overflow)?,
            none,
            down: none.checked_scale(self.down).ok_or(KernelError::Overflow)?,
            ..VolLevels::default()
        };
        Leg::prepare_at(expiry, &strike, &vols)
    }
}

/// Net position in one strike.
#[derive(Clone, Copy, Debug)]
pub struct LegInput {
    pub strike: Price,
    pub calls: Lots,
    pub puts: Lots,
}

/// A position in one of the book's expiries, in order of expiry.
pub type BookLeg = (u8, LegInput);

impl LegInput {
    pub fn write(&self, request: &mut Writer) {
        request.u64(self.strike.0).i64(self.calls.0).i64(self.puts.0);
    }

    pub(crate) fn read(input: &mut Reader) -> Result<Self, u32> {
        Ok(Self { strike: Price(input.u64()?), calls: Lots(input.i64()?), puts: Lots(input.i64()?) })
    }
}

/// Market, leg: units of one `RiskArray::add` over the scenarios.
#[inline(never)]
pub(crate) fn leg_scenario(input: &mut Reader) -> Result<Vec<u8>, u32> {
    let (market, position) = (MarketInput::read(input)?, LegInput::read(input)?);
    let mut work = Work::boxed().map_err(kernel_error)?;
    let expiry = Expiry::prepare(market.inputs).map_err(kernel_error)?;
    let slice = market.svi.prepare().map_err(kernel_error)?;
    let leg = market.leg(&expiry, &slice, position.strike).map_err(kernel_error)?;
    work.array.start(&expiry, &work.set);
    let result = measure((&mut work, &leg), |(work, leg)| work.array.add(leg, position.calls, position.puts));
    result.map_err(kernel_error)?;
    work.array.add_totals(&mut work.totals).map_err(kernel_error)?;
    Ok(work.answer())
}

/// Market, leg: units of SVI vol, three levels and leg preparation.
#[inline(never)]
pub(crate) fn leg_setup(input: &mut Reader) -> Result<Vec<u8>, u32> {
    let (market, position) = (MarketInput::read(input)?, LegInput::read(input)?);
    let expiry = Expiry::prepare(market.inputs).map_err(kernel_error)?;
    let slice = market.svi.prepare().map_err(kernel_error)?;
    let result =
        measure((&market, &expiry, &slice), |(market, expiry, slice)| market.leg(expiry, slice, position.strike));
    let vol = slice.vol(position.strike).map_err(kernel_error)?;
    result.map_err(kernel_error)?;
    Ok(vol.0.to_le_bytes().to_vec())
}

/// Reference case, 1 for a put: units of value and Greeks with nothing prepared.
#[inline(never)]
pub(crate) fn price_greeks_cold(input: &mut Reader) -> Result<Vec<u8>, u32> {
    let case = ReferenceCase::read(input)?;
    let kind = if input.u8()? == 1 { OptionKind::Put } else { OptionKind::Call };
    let result = measure((&case, kind), |(case, kind)| {
        greeks_from_spot(case.spot, case.strike, case.time, case.rate, case.vol, kind)
    });
    let mut bytes = Vec::new();
    write_greeks(&mut bytes, result.map_err(kernel_error)?);
    Ok(bytes)
}

/// Number of expiries, their markets, then (expiry, leg)s in order: units of the whole risk array from raw inputs,
/// summed over the expiries.
#[inline(never)]
pub(crate) fn risk_array(input: &mut Reader) -> Result<Vec<u8>, u32> {
    let expiries = input.u8()?;
    let markets = (0..expiries).map(|_| MarketInput::read(input)).collect::<Result<Vec<_>, _>>()?;
    let mut book: Vec<Vec<LegInput>> = vec![Vec::with_capacity(16); markets.len()];
    while !input.is_empty() {
        let expiry = usize::from(input.u8()?);
        book.get_mut(expiry).ok_or(ProbeError::Input as u32)?.push(LegInput::read(input)?);
    }
    let scenarios = scenarios().map_err(kernel_error)?;
    let mut work = Work::boxed().map_err(kernel_error)?;
    let result = measure((&markets, &book, &mut work), |(markets, book, work)| {
        work.set.fill(&scenarios)?;
        for (market, legs) in markets.iter().zip(book) {
            work.add_expiry(market, legs)?;
        }
        Ok(())
    });
    result.map_err(kernel_error)?;
    Ok(work.answer())
}

/// Market, leg: units of one leg with the expiry, its smile and its forwards at hand: SVI vol, levels, leg, every
/// scenario, totals.
#[inline(never)]
pub(crate) fn risk_array_leg(input: &mut Reader) -> Result<Vec<u8>, u32> {
    let (market, position) = (MarketInput::read(input)?, LegInput::read(input)?);
    let mut work = Work::boxed().map_err(kernel_error)?;
    let expiry = Expiry::prepare(market.inputs).map_err(kernel_error)?;
    let slice = market.svi.prepare().map_err(kernel_error)?;
    work.array.start(&expiry, &work.set);
    let result = measure((&mut work, &expiry, &slice), |(work, expiry, slice)| {
        work.add_leg(&market, expiry, slice, &position)?;
        work.array.add_totals(&mut work.totals)
    });
    result.map_err(kernel_error)?;
    Ok(work.answer())
}

/// What a margin check keeps on the heap.
struct Work {
    set: ScenarioSet,
    array: RiskArray,
    totals: Totals,
}

impl Work {
    /// On the heap, with the set prepared: together the parts would not leave room in a stack frame.
    #[inline(never)]
    fn boxed() -> Result<Box<Self>, KernelError> {
        let mut work = Box::new(Self { set: ScenarioSet::empty(), array: RiskArray::empty(), totals: Totals::new() });
        work.set.fill(&scenarios()?)?;
        Ok(work)
    }

    fn answer(&self) -> Vec<u8> {
        let total = |index| self.totals.get(&self.set, index);
        (0..SCENARIOS).filter_map(total).flat_map(i128::to_le_bytes).collect()
    }

    fn add_expiry(&mut self, market: &MarketInput, legs: &[LegInput]) -> Result<(), KernelError> {
        let expiry = Expiry::prepare(market.inputs)?;
        let slice = market.svi.prepare()?;
        self.array.start(&expiry, &self.set);
        for leg in legs {
            self.add_leg(market, &expiry, &slice, leg)?;
        }
        self.array.add_totals(&mut self.totals)
    }

    #[inline(never)]
    fn add_leg(
        &mut self,
        market: &MarketInput,
        expiry: &Expiry,
        slice: &SviSlice,
        leg: &LegInput,
    ) -> Result<(), KernelError> {
        let prepared = market.leg(expiry, slice, leg.strike)?;
        self.array.add(&prepared, leg.calls, leg.puts)
    }
}

/// A reference case in solmath's 1e-12 units.
struct Decimal {
    spot: u128,
    strike: u128,
    rate: u128,
    vol: u128,
    years: u128,
}

impl Decimal {
    fn read(input: &mut Reader) -> Result<Self, u32> {
        let case = ReferenceCase::read(input)?;
        Ok(Self {
            spot: u128::from(case.spot.0),
            strike: u128::from(case.strike.0),
            rate: u128::from(case.rate.0.unsigned_abs()) * 100,
            vol: u128::from(case.vol.0) * 10_000,
            years: u128::from(case.time.0) * 1_000_000_000_000 / 31_536_000,
        })
    }
}

#[inline(never)]
pub(crate) fn solmath_price(input: &mut Reader) -> Result<Vec<u8>, u32> {
    let case = Decimal::read(input)?;
    let result = measure(&case, |c| solmath::black_scholes_price(c.spot, c.strike, c.rate, c.vol, c.years));
    let (call, put) = result.map_err(|_| ProbeError::Solmath as u32)?;
    Ok([call.to_le_bytes(), put.to_le_bytes()].concat())
}

#[inline(never)]
pub(crate) fn solmath_price_greeks(input: &mut Reader) -> Result<Vec<u8>, u32> {
    let case = Decimal::read(input)?;
    let result = measure(&case, |c| solmath::bs_full(c.spot, c.strike, c.rate, c.vol, c.years));
    let full = result.map_err(|_| ProbeError::Solmath as u32)?;
    Ok([full.call.to_le_bytes(), full.put.to_le_bytes()].concat())
}

#[inline(never)]
pub(crate) fn i80f48_price(input: &mut Reader) -> Result<Vec<u8>, u32> {
    let case = Decimal::read(input)?;
    // 1e-12 to 2^-48; the inputs are below 2^64, so the shift fits.
    let number = |decimal: u128| I80F48::from_bits(((decimal << 48) / 1_000_000_000_000) as i128);
    let inputs = [case.spot, case.strike, case.rate, case.vol, case.years].map(number);
    let call = measure(&inputs, |&[s, k, r, v, t]| crate::i80f48::call(s, k, r, v, t));
    Ok(call.to_bits().to_le_bytes().to_vec())
}
