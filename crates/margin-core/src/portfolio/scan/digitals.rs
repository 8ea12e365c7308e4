//! Digital options in a scan. They are rare: books without them pay one comparison an expiry.

use super::{ExpiryScan, Scratch, subtract};
use crate::{
    DigitalArray, Expiry, Leg, Lots, Price, StaticFactors,
    portfolio::{MarginError, detail::Signing},
};

/// Digital options of the expiry being added. Bytes of zero are `Absent`, and the array of nobody is never written.
#[repr(u8)]
#[allow(clippy::large_enum_variant, reason = "the core does not allocate")]
pub(super) enum Digitals {
    Absent = 0,
    Present(DigitalArray) = 1,
}

impl Scratch {
    /// Adds digital calls and puts of one strike.
    #[inline(never)]
    pub(in crate::portfolio) fn add_digitals(
        &mut self,
        expiry: &Expiry,
        strike: Price,
        leg: &Leg,
        (calls, puts): (Lots, Lots),
    ) -> Result<(), MarginError> {
        if let Digitals::Absent = self.digitals {
            self.digitals = Digitals::Present(DigitalArray::new());
        }
        if let Digitals::Present(array) = &mut self.digitals {
            array.add(expiry, &self.set, strike, leg, calls, puts)?;
        }
        Ok(())
    }

    /// Value of the expiry's digital options at the marks, in lots × 1e-12 USD.
    pub(in crate::portfolio) fn digital_mark(&self) -> Result<i128, MarginError> {
        self.digital_at(self.probes.mark)
    }

    fn digital_at(&self, slot: usize) -> Result<i128, MarginError> {
        match &self.digitals {
            Digitals::Absent => Ok(0),
            Digitals::Present(array) => array.at(slot).ok_or(MarginError::ScenarioCount),
        }
    }

    /// [`Scratch::finish_expiry`] with digital options: gains, debts and changes are those of all options of the expiry.
    #[cold]
    #[inline(never)]
    pub(super) fn finish_mixed_expiry(
        &mut self,
        factors: Option<&StaticFactors>,
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
        let factors = factors.unwrap_or(&StaticFactors::ONE);
        let used = digitals.add_factored(&self.array, factors, mark, given.as_ref(), &mut self.totals)?;
        if let Signing::Found(signs) = signing {
            *signs = used;
        }
        Ok(ExpiryScan { mark, basis })
    }
}
