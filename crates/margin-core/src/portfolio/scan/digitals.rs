//! Digital options in a scan. They are rare: books without them pay one comparison an expiry.

use super::{ExpiryScan, Scratch, subtract};
use crate::{
    DigitalArray, Expiry, Leg, Lots, Price, StaticFactors,
    factored::Factors,
    portfolio::{MarginError, book::Cells, detail::Signing, discount::Discounts, gap::Gap},
    scenario::Shock,
};

/// Digital options of the expiry being added. Bytes of zero are `Absent`, and then the rest is never written.
#[repr(u8)]
#[allow(clippy::large_enum_variant, reason = "the core does not allocate")]
pub(super) enum Digitals {
    Absent = 0,
    Present(DigitalExpiry) = 1,
}

/// Digital options of one expiry.
#[derive(Default)]
pub(in crate::portfolio) struct DigitalExpiry {
    array: DigitalArray,
    pub(in crate::portfolio) gap: Gap,
    /// Contracts, long and short.
    pub(in crate::portfolio) gross_lots: i64,
    /// What the strikes pay out at most, added up.
    pub(in crate::portfolio) naked_lots: i64,
    /// The last strike; its net lots while they are collected, zero once they are added.
    pub(in crate::portfolio) strike: Price,
    pub(in crate::portfolio) calls: Lots,
    pub(in crate::portfolio) puts: Lots,
}

impl Scratch {
    /// The expiry's digital options.
    #[inline(never)]
    pub(in crate::portfolio) fn digitals(&mut self) -> Result<&mut DigitalExpiry, MarginError> {
        if let Digitals::Absent = self.digitals {
            self.digitals = Digitals::Present(DigitalExpiry::default());
        }
        match &mut self.digitals {
            Digitals::Present(digitals) => Ok(digitals),
            Digitals::Absent => Err(MarginError::ScenarioCount), // just filled
        }
    }

    /// Adds net calls and puts of one strike to the scenarios.
    #[inline(never)]
    pub(in crate::portfolio) fn add_digitals(
        &mut self,
        cells: &Cells,
        expiry: &Expiry,
        (strike, leg): (Price, &Leg),
        (calls, puts): (Lots, Lots),
    ) -> Result<&mut DigitalExpiry, MarginError> {
        let Digitals::Present(digitals) = &mut self.digitals else { return Err(MarginError::ScenarioCount) };
        let (set, leg, lots) = (&self.set, (strike, leg), (calls, puts));
        match cells {
            Cells::Given(_) => digitals.array.add_from(expiry, set, set.shocks(), |shock| *shock, leg, lots)?,
            // A prepared grid keeps the shocks of the set to itself.
            Cells::Prepared(grid) => digitals.array.add_from(expiry, set, grid.shocks, Shock::stored, leg, lots)?,
        }
        Ok(digitals)
    }

    /// Whether the expiry has digital options.
    #[inline(always)]
    pub(in crate::portfolio) fn has_digitals(&self) -> bool {
        matches!(self.digitals, Digitals::Present(_))
    }

    /// Value of the expiry's digital options at the marks, in lots × 1e-12 USD.
    pub(in crate::portfolio) fn digital_mark(&self) -> Result<i128, MarginError> {
        self.digital_at(self.probes.mark)
    }

    fn digital_at(&self, slot: usize) -> Result<i128, MarginError> {
        match &self.digitals {
            Digitals::Absent => Ok(0),
            Digitals::Present(digitals) => digitals.array.at(slot).ok_or(MarginError::ScenarioCount),
        }
    }

    /// [`Scratch::finish_expiry`] with digital options: gains, debts and changes are those of all options of the expiry.
    #[cold]
    #[inline(never)]
    pub(super) fn finish_mixed_expiry(
        &mut self,
        factors: Option<&Discounts>,
        signing: &mut Signing,
    ) -> Result<ExpiryScan, MarginError> {
        let value = |slot: usize| {
            let vanilla = self.array.at(slot).ok_or(MarginError::ScenarioCount)?;
            vanilla.checked_add(self.digital_at(slot)?).ok_or(MarginError::Overflow)
        };
        let mark = value(self.probes.mark)?;
        let change = |slot: usize| subtract(value(slot)?, mark);
        let (up, down) = self.probes.basis;
        let basis = if self.probes.has_basis { Some((change(up)?, change(down)?)) } else { None };
        let Digitals::Present(digitals) = &self.digitals else { return Err(MarginError::ScenarioCount) };
        let given = match signing {
            Signing::Given(signs) => Some(*signs),
            Signing::Own | Signing::Found(_) => None,
        };
        let factors = factors.map_or(StaticFactors::ONE, Discounts::both);
        let used = digitals.array.add_factored(&self.array, &factors, mark, given.as_ref(), &mut self.totals)?;
        if let Signing::Found(signs) = signing {
            *signs = used;
        }
        Ok(ExpiryScan { mark, basis })
    }
}
