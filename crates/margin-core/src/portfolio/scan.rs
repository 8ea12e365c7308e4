//! Scan risk: the whole book revalued in every scenario.

mod digitals;

use digitals::Digitals;

use super::{
    GridScenario, MAX_GRID, MarginError, Market, PreparedGrid, Ratio, RiskParameters, StoredGrid,
    book::Cells,
    detail::Signing,
    discount::Discounts,
    open_expiry::LevelsUsed,
    prepared,
    ratio::{floor_division, lot_price_to_usd, scale_down},
};
use crate::{
    Expiry, Leg, Lots, MAX_MULTIPLIER, Multiplier, RiskArray, Scenario, ScenarioSet, StaticFactors, Totals, Usd,
    VolLevel, factored::Factors, scenario::Shock,
};

/// Working memory of a scan, about 4 KB: the caller keeps it where it has room (a program's stack frame holds 4 KiB)
/// and may use it again.
///
/// All its fields are integers and booleans, and bytes of zero are an empty one: a program whose allocator hands out the
/// VM's zeroed heap may take it as it is and save the 1 400 compute units of writing zeros.
pub struct Scratch {
    pub(super) set: ScenarioSet,
    /// The expiry being added.
    array: RiskArray,
    digitals: Digitals,
    /// Over the expiries added so far: options by scenario, and losses by skew scenario, in lots × 1e-12 USD.
    pub(super) totals: Totals,
    /// Profit of everything by scenario, once finished, in lots × 1e-12 USD, and the weight that it has yet to be given.
    pub(super) profits: [i128; MAX_GRID],
    pub(super) weights: [Ratio; MAX_GRID],
    /// How many profits there are.
    len: usize,
    /// Only the worst profit is asked for, and no weight is above one.
    pub(super) seeks_worst: bool,
    /// A bit of each scenario whose profit counts as it is; told by a prepared grid alone.
    pub(super) whole: u64,
    has_skew: bool,
    probes: Probes,
}

/// The slots of the marks and the shocked forwards, whether the grid has them or not.
#[derive(Clone, Copy, Debug, Default)]
struct Probes {
    mark: usize,
    has_basis: bool,
    basis: (usize, usize),
}

/// Scenarios that the grid lacks, to follow it.
struct Extra {
    scenarios: [Scenario; 3],
    count: usize,
    /// Number of the first.
    first: usize,
}

impl Extra {
    /// Number of the scenario. At most three are ever added.
    fn add(&mut self, scenario: Scenario) -> usize {
        let index = self.first.wrapping_add(self.count);
        if let Some(slot) = self.scenarios.get_mut(self.count) {
            *slot = scenario;
            self.count = self.count.wrapping_add(1);
        }
        index
    }
}

/// An expiry's options at their marks and what its scenarios say besides.
pub(super) struct ExpiryScan {
    /// Value at the marks, in lots × 1e-12 USD.
    pub(super) mark: i128,
    /// Values at the shocked forwards less the mark.
    pub(super) basis: Option<(i128, i128)>,
}

const ONE: i128 = 1_000_000_000;
/// The marks as a scenario.
const MARK: Scenario = Scenario { spot: Multiplier::ONE, ln_spot: 0, vol: VolLevel::None };

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Scratch {
    /// Empty working memory.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            set: ScenarioSet::empty(),
            array: RiskArray::empty(),
            digitals: Digitals::Absent,
            totals: Totals::new(),
            profits: [0; MAX_GRID],
            weights: [Ratio::ZERO; MAX_GRID],
            len: 0,
            seeks_worst: false,
            whole: 0,
            has_skew: false,
            probes: Probes { mark: 0, has_basis: false, basis: (0, 0) },
        }
    }

    /// Profit of the last book in each scenario of its grid, weighted, in USD rounded down; nothing after an assessment with
    /// a prepared grid.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn profits(&self, lot_size: u64) -> impl Iterator<Item = Result<Usd, MarginError>> {
        let weighted = self.profits.iter().zip(&self.weights).take(self.len);
        weighted.map(move |(profit, weight)| lot_price_to_usd(scale_down(*profit, weight.0)?, lot_size))
    }

    /// Starts a book. Marks and forward shocks become scenarios of their own unless the grid has them.
    #[inline(never)]
    pub(super) fn start(
        &mut self,
        grid: &[GridScenario],
        parameters: &RiskParameters,
        basis: bool,
    ) -> Result<(), MarginError> {
        if grid.len() > MAX_GRID {
            return Err(MarginError::ScenarioCount);
        }
        (self.len, self.seeks_worst) = (grid.len(), false);
        const NOWHERE: usize = usize::MAX;
        let (mut at_mark, mut at_up, mut at_down) = (NOWHERE, NOWHERE, NOWHERE);
        for (index, GridScenario { shock, .. }) in grid.iter().enumerate() {
            if shock.vol != VolLevel::None {
                continue;
            }
            if shock.spot == Multiplier::ONE {
                at_mark = index;
            } else if shock.spot == parameters.basis.up {
                at_up = index;
            } else if shock.spot == parameters.basis.down {
                at_down = index;
            }
        }
        let mut extra = Extra { scenarios: [MARK; 3], count: 0, first: grid.len() };
        if at_mark == NOWHERE {
            at_mark = extra.add(MARK);
        }
        if basis {
            for (at, spot) in [(&mut at_up, parameters.basis.up), (&mut at_down, parameters.basis.down)] {
                if *at == NOWHERE {
                    *at = extra.add(Scenario::new(spot.min(MAX_MULTIPLIER), VolLevel::None)?);
                }
            }
        }
        self.set.clear();
        // A skew scenario moves no spot.
        let shock = |scenario: &GridScenario| {
            if scenario.is_skew() { Ok(Shock::NONE) } else { Shock::new(&scenario.shock) }
        };
        let len = self.set.append(0, grid.iter().map(shock))?;
        let extra = || extra.scenarios.iter().take(extra.count);
        let len = self.set.append(len, extra().map(Shock::new))?;
        self.set.arrange(len, grid.iter().map(|s| s.shock.vol).chain(extra().map(|shock| shock.vol)))?;
        self.totals.start(self.set.len());
        self.has_skew = self.set.spot_moves() < len;
        let slot = |index: usize| self.set.position(index).ok_or(MarginError::ScenarioCount);
        let shocked = if basis { (slot(at_up)?, slot(at_down)?) } else { (0, 0) };
        self.probes = Probes { mark: slot(at_mark)?, has_basis: basis, basis: shocked };
        Ok(())
    }

    /// Starts a book with a prepared grid.
    #[inline(never)]
    pub(super) fn load(&mut self, grid: &PreparedGrid, basis: bool) -> Result<(), MarginError> {
        let len = grid.scenarios.count();
        let at = |index: usize| grid.table.get(index).map_or(0, |number| usize::from(*number));
        let flags = at(prepared::FLAGS) as u8;
        if len == 0 || at(prepared::GRID_LEN) != len || basis != (flags & prepared::HAS_BASIS != 0) {
            return Err(MarginError::ScenarioCount);
        }
        self.set.load(grid.shocks, grid.table, flags & prepared::IS_SORTED != 0)?;
        (self.len, self.seeks_worst) = (0, flags & prepared::NO_WEIGHT_ABOVE_ONE != 0);
        self.whole = grid.table.last_chunk().map_or(0, |bits| u64::from_le_bytes(*bits));
        self.has_skew = self.set.spot_moves() < self.set.len();
        self.totals.start(self.set.len());
        self.probes =
            Probes { mark: at(prepared::MARK), has_basis: basis, basis: (at(prepared::UP), at(prepared::DOWN)) };
        Ok(())
    }

    /// Writes the started `grid` down.
    pub(super) fn store(&self, scenarios: &[GridScenario], grid: &mut StoredGrid) -> Result<(), MarginError> {
        self.set.store(&mut grid.shocks, &mut grid.table);
        let Probes { mark, has_basis, basis: (up, down) } = self.probes;
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        let no_weight_above_one = scenarios.iter().all(|scenario| scenario.weight <= Ratio::ONE);
        let flags = flag(self.set.is_sorted, prepared::IS_SORTED)
            | flag(has_basis, prepared::HAS_BASIS)
            | flag(no_weight_above_one, prepared::NO_WEIGHT_ABOVE_ONE);
        for (at, number) in [
            (prepared::MARK, mark),
            (prepared::UP, up),
            (prepared::DOWN, down),
            (prepared::FLAGS, usize::from(flags)),
            (prepared::GRID_LEN, self.len),
        ] {
            let slot = grid.table.get_mut(at).ok_or(MarginError::ScenarioCount)?;
            *slot = u8::try_from(number).map_err(|_| MarginError::ScenarioCount)?;
        }
        let mut whole = 0u64;
        for (index, scenario) in (0u32..u64::BITS).zip(scenarios) {
            if scenario.weight == Ratio::ONE && !scenario.extended {
                whole |= 1u64.wrapping_shl(index);
            }
        }
        if let Some(bits) = grid.table.get_mut(prepared::WHOLE..) {
            bits.copy_from_slice(&whole.to_le_bytes());
        }
        Ok(())
    }

    /// Values come out as they would beside these scenarios, to the bit.
    pub(super) fn reach(&mut self, market: &Market) {
        let basis = &market.parameters.basis;
        if basis.is_active() {
            self.set.reach(basis.up);
            self.set.reach(basis.down);
        }
        let moves = market.scenarios.iter().filter(|scenario| !scenario.is_skew());
        if let Some(largest) = moves.map(|scenario| scenario.shock.spot).max() {
            self.set.reach(largest);
        }
    }

    /// Sums over the expiries so far.
    pub(super) fn totals(&mut self) -> &mut Totals {
        &mut self.totals
    }

    /// Which vols are looked at.
    pub(super) fn levels(&self) -> LevelsUsed {
        let [up, _, down, skew_linear, skew_abs] = self.set.counts.map(|count| count != 0);
        LevelsUsed { up, down, skew_linear, skew_abs }
    }

    /// Starts an expiry of the book.
    pub(super) fn start_expiry(&mut self, expiry: &Expiry, cells: &Cells) {
        match cells {
            Cells::Given(_) => self.array.start(expiry, &self.set),
            Cells::Prepared(grid) => self.array.start_from(expiry, &self.set, grid.shocks, Shock::stored),
        }
        self.digitals = Digitals::Absent;
    }

    pub(super) fn add_leg(&mut self, leg: &Leg, calls: Lots, puts: Lots) -> Result<(), MarginError> {
        Ok(self.array.add(leg, calls, puts)?)
    }

    /// Adds the expiry to the book. Books that are taken apart need the signs of the whole.
    #[inline(always)]
    pub(super) fn finish_expiry(
        &mut self,
        factors: Option<&Discounts>,
        signing: &mut Signing,
    ) -> Result<ExpiryScan, MarginError> {
        if self.has_digitals() {
            return self.finish_mixed_expiry(factors, signing);
        }
        let value = |slot: usize| self.array.at(slot).ok_or(MarginError::ScenarioCount);
        let mark = value(self.probes.mark)?;
        let change = |slot: usize| subtract(value(slot)?, mark);
        let (up, down) = self.probes.basis;
        let basis = if self.probes.has_basis { Some((change(up)?, change(down)?)) } else { None };
        let given = match signing {
            Signing::Own if factors.is_none() && !self.has_skew => {
                self.array.add_totals(&mut self.totals)?;
                return Ok(ExpiryScan { mark, basis });
            }
            Signing::Own => {
                match factors {
                    Some(factors) => self.array.add_factored(factors, mark, &mut self.totals)?,
                    None => self.array.add_factored(&StaticFactors::ONE, mark, &mut self.totals)?,
                }
                return Ok(ExpiryScan { mark, basis });
            }
            Signing::Found(_) => None,
            Signing::Given(signs) => Some(*signs),
        };
        let factors = factors.map_or(StaticFactors::ONE, Discounts::both);
        let used = self.array.add_factored_wide(&factors, mark, given.as_ref(), &mut self.totals)?;
        if let Signing::Found(signs) = signing {
            *signs = used;
        }
        Ok(ExpiryScan { mark, basis })
    }
}

/// USD in lots × 1e-12 USD, rounded down.
pub(super) fn usd_to_lot_price(amount: Usd, lot_size: u64) -> Result<i128, MarginError> {
    if amount.0 == 0 {
        return Ok(0);
    }
    floor_division(amount.0.checked_mul(ONE).ok_or(MarginError::Overflow)?, i128::from(lot_size.max(1)))
}

fn subtract(a: i128, b: i128) -> Result<i128, MarginError> {
    a.checked_sub(b).ok_or(MarginError::Overflow)
}
