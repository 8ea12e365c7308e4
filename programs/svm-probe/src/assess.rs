//! Compute units of whole assessments of one underlying: from sorted positions and raw surfaces to the requirement.

use margin_core::portfolio::{
    BookPosition, Detail, ExpiryMarket, GridScenario, InstrumentKind, LegRow, MarginError, Market, Part, Ratio,
    RiskParameters, Scratch, StoredGrid, UnderlyingRisk, WorstCase, assess_prepared, assess_witness, leg_row,
};
use margin_core::{Lots, Price, Usd};

use crate::ProbeError;
use crate::benchmark::{LegInput, MarketInput, measure};
use crate::input::Reader;
use crate::model;

/// What an assessment starts from.
struct Case {
    parameters: RiskParameters,
    grid: Vec<GridScenario>,
    stored: StoredGrid,
    expiries: Vec<ExpiryMarket>,
    book: Vec<BookPosition>,
}

impl Case {
    /// Number of expiries, their markets, then (expiry, leg)s in order.
    #[inline(never)]
    fn read(input: &mut Reader) -> Result<Box<Self>, u32> {
        let count = input.u8()?;
        let mut expiries = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let market = MarketInput::read(input)?;
            expiries.push(ExpiryMarket { inputs: market.inputs, surface: market.svi.into(), confidence: Ratio::ONE });
        }
        let mut book = Vec::with_capacity(128);
        while !input.is_empty() {
            let expiry = i64::from(input.u8()?);
            let leg = LegInput::read(input)?;
            for (kind, lots) in [(InstrumentKind::Call, leg.calls), (InstrumentKind::Put, leg.puts)] {
                if lots != Lots::ZERO {
                    book.push(BookPosition { kind, expiry, strike: leg.strike, lots, settled_value: Usd::ZERO });
                }
            }
        }
        let grid = model::grid().map_err(crate::reference::kernel_error)?;
        let parameters = model::parameters();
        let stored =
            StoredGrid::prepare(&parameters, &grid, &mut new_scratch()).map_err(|_| ProbeError::Margin as u32)?;
        Ok(Box::new(Self { parameters, grid, stored, expiries, book }))
    }

    fn market(&self) -> Result<Market<'_>, u32> {
        let spot = self.expiries.first().ok_or(ProbeError::Input as u32)?.inputs.forward;
        Ok(Market {
            spot,
            perpetual: spot,
            stable: Price::ONE_USD,
            lot_size: 10_000_000,
            spot_confidence: Ratio::ONE,
            perpetual_confidence: Ratio::ONE,
            hedge: Usd::ZERO,
            parameters: &self.parameters,
            scenarios: &self.grid,
        })
    }

    fn surface(&self, expiry: i64) -> Result<ExpiryMarket, MarginError> {
        let index = usize::try_from(expiry).map_err(|_| MarginError::Unsorted)?;
        self.expiries.get(index).copied().ok_or(MarginError::Unsorted)
    }

    fn positions(&self) -> impl Iterator<Item = BookPosition> + Clone {
        self.book.iter().copied()
    }
}

/// Empty working memory, as a program gets it cheapest: the heap is zeroed when the program starts.
fn new_scratch() -> Box<Scratch> {
    #[cfg(target_os = "solana")]
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
    #[cfg(not(target_os = "solana"))]
    Box::new(Scratch::new())
}

/// Units of `assess_prepared` with Greeks, its working memory included; the grid is prepared when parameters are set.
#[inline(never)]
pub(crate) fn assess(input: &mut Reader) -> Result<Vec<u8>, u32> {
    let case = Case::read(input)?;
    let market = case.market()?;
    let result = measure((&market, &case), |(market, case)| {
        let (mut scratch, scenarios) = (new_scratch(), case.grid.as_slice());
        let grid = case.stored.view(&scenarios);
        let (surface, mut risk) = (|expiry| case.surface(expiry), UnderlyingRisk::default());
        assess_prepared(market, &grid, case.positions(), surface, Detail::Greeks, &mut scratch, &mut risk)?;
        Ok(risk)
    });
    answer(result)
}

/// The scenario, then as [`assess`]: units of `assess_witness`, its working memory included.
#[inline(never)]
pub(crate) fn witness(input: &mut Reader) -> Result<Vec<u8>, u32> {
    let scenario = WorstCase::Scenario(input.u8()?);
    let case = Case::read(input)?;
    let market = case.market()?;
    let result = measure((&market, &case), |(market, case)| {
        let mut scratch = new_scratch();
        assess_witness(market, scenario, case.positions(), |expiry| case.surface(expiry), &mut scratch)
    });
    answer(result)
}

/// The leg's number, then as [`assess`]: units of `leg_row`, its working memory included.
#[inline(never)]
pub(crate) fn row(input: &mut Reader) -> Result<Vec<u8>, u32> {
    let part = Part::Position(usize::from(input.u8()?));
    let case = Case::read(input)?;
    let market = case.market()?;
    let result = measure((&market, &case), |(market, case)| {
        let (mut scratch, mut row) = (new_scratch(), Box::new(LegRow::new()));
        let surface = |expiry| case.surface(expiry);
        leg_row(market, case.positions(), surface, part, &mut scratch, &mut row).map(|()| row)
    });
    let row = result.map_err(|_| ProbeError::Margin as u32)?;
    Ok(row.profits().iter().chain([&row.mark_to_market]).flat_map(|figure| figure.0.to_le_bytes()).collect())
}

/// Every figure of the result that a scan makes.
fn answer(result: Result<UnderlyingRisk, MarginError>) -> Result<Vec<u8>, u32> {
    let risk = result.map_err(|_| ProbeError::Margin as u32)?;
    let worst_case = match risk.worst_case {
        WorstCase::None => -1,
        WorstCase::Basis => -2,
        WorstCase::Scenario(number) => i128::from(number),
    };
    let (charges, greeks) = (&risk.charges, &risk.greeks);
    let figures = [
        risk.mark_to_market.0,
        risk.worst.0,
        worst_case,
        risk.basis_contingency.0,
        risk.scan_risk.0,
        charges.short_option_maintenance.0,
        charges.short_option_initial.0,
        charges.confidence.0,
        risk.initial_margin.0,
        risk.maintenance_margin.0,
        greeks.delta,
        greeks.gamma,
        greeks.vega,
        greeks.theta,
        greeks.rho,
        greeks.vanna,
        greeks.volga,
    ];
    Ok(figures.into_iter().flat_map(i128::to_le_bytes).collect())
}
