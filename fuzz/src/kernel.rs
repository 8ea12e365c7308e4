//! Public entry points of the kernel on arbitrary bytes: no panic, no wrap (overflow checks and the kernel's own range
//! assertions are on), and what every accepted input must satisfy.
//!
//! The libFuzzer target and a seeded test of margin-core run this same function.

use margin_core::{
    DigitalArray, Expiry, ExpiryInputs, Leg, Lots, Multiplier, OptionKind, Price, Rate, RiskArray, Scenario,
    ScenarioSet, Seconds, Svi, Totals, Vol, VolLevel, VolLevels, greeks, greeks_from_spot, value,
};

/// Numbers from bytes; zeros beyond the end.
struct Source<'a>(&'a [u8]);

impl Source<'_> {
    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    fn word(&mut self) -> u64 {
        u64::from_le_bytes(core::array::from_fn(|_| self.byte()))
    }

    /// Any magnitude with the same chance: uniform in the number of bits. A quarter is a power of two or next to one.
    fn magnitude(&mut self) -> u64 {
        let (kind, word) = (self.byte(), self.word());
        let top = 1u64 << (kind & 63);
        match kind >> 6 {
            0 => top.wrapping_sub(1).wrapping_add(word % 3),
            1 => u64::MAX - word % 3,
            _ => top | (word & (top - 1)),
        }
    }

    /// A number near `around`, within a factor of four, or any magnitude.
    fn near(&mut self, around: u64) -> u64 {
        match self.byte() {
            0..32 => self.magnitude(),
            byte => (u128::from(around) * u128::from(byte) / 64).min(u128::from(u64::MAX)) as u64,
        }
    }

    fn signed(&mut self, bits: u32) -> i64 {
        let word = self.word() as i64 >> (64 - bits);
        if self.byte() == 0 { i64::MIN } else { word }
    }

    fn inputs(&mut self) -> ExpiryInputs {
        let forward = self.magnitude();
        ExpiryInputs {
            forward: Price(forward),
            fixed: Price(if self.byte() < 192 { 0 } else { self.near(forward) }),
            time: Seconds(self.magnitude() >> (self.byte() & 63)),
            rate: Rate(self.signed(36)),
        }
    }

    fn vol(&mut self) -> Vol {
        Vol(self.magnitude() >> (self.byte() & 63))
    }

    fn svi(&mut self, forward: Price, time: Seconds) -> Svi {
        let forward = Price(self.near(forward.0));
        let time = if self.byte() < 224 { time } else { Seconds(self.word()) };
        let mut parameter = || self.signed(55);
        Svi { a: parameter(), b: parameter(), rho: parameter(), m: parameter(), sigma: parameter(), forward, time }
    }

    fn scenarios(&mut self) -> Vec<Scenario> {
        let count = usize::from(self.byte() % 43);
        let scenario = |_| {
            let level = [VolLevel::Up, VolLevel::None, VolLevel::Down][usize::from(self.byte() % 3)];
            let spot = Multiplier(if self.byte() < 16 { self.magnitude() } else { self.word() % 8_000_000_001 });
            Scenario::new(spot, level).ok()
        };
        (0..count).filter_map(scenario).collect()
    }
}

/// Runs everything on one input.
pub fn run(data: &[u8]) {
    let mut source = Source(data);
    let inputs = source.inputs();
    let strike = Price(source.near(inputs.forward.0));
    let vol = source.vol();
    single_values(inputs, strike, vol);
    smile(&mut source, inputs, strike);
    risk_array(&mut source, inputs, vol);
}

fn single_values(inputs: ExpiryInputs, strike: Price, vol: Vol) {
    let ExpiryInputs { forward, time, rate, .. } = inputs;
    let kinds = [OptionKind::Call, OptionKind::Put, OptionKind::DigitalCall, OptionKind::DigitalPut];
    for expiry in
        [Expiry::prepare(inputs), Expiry::from_forward(forward, time, rate), Expiry::from_spot(forward, time, rate)]
            .into_iter()
            .flatten()
    {
        for kind in kinds {
            let single = value(&expiry, strike, vol, kind);
            let with_greeks = greeks(&expiry, strike, vol, kind);
            assert_eq!(single, with_greeks.map(|(price, _)| price));
        }
        let (Ok(call), Ok(put)) = (value(&expiry, strike, vol, kinds[0]), value(&expiry, strike, vol, kinds[1])) else {
            continue;
        };
        let forward = expiry.forward();
        if forward == Price::ZERO {
            continue; // from_spot
        }
        // Bounds and parity: D F and D K rounded either way, and products truncated at 2^-56 of F and K.
        let slack = 3 + (u128::from(forward.max(strike).0) >> 55);
        let discounted = |price: Price| (u128::from(price.0) * u128::from(expiry.discount_q60())) >> 60;
        let (spot, strike) = (discounted(forward), discounted(strike));
        assert!(u128::from(call.0) <= spot + slack && u128::from(put.0) <= strike + slack);
        assert!((u128::from(call.0) + strike).abs_diff(u128::from(put.0) + spot) <= 2 * slack);
    }
    let spot = greeks_from_spot(forward, strike, time, rate, vol, OptionKind::Put);
    let prepared = Expiry::from_spot(forward, time, rate).and_then(|e| greeks(&e, strike, vol, OptionKind::Put));
    assert_eq!(spot, prepared);
}

fn smile(source: &mut Source, inputs: ExpiryInputs, strike: Price) {
    let svi = source.svi(inputs.forward, inputs.time);
    let valid = svi.validate().is_ok();
    let Ok(slice) = svi.prepare() else {
        assert!(!valid, "{svi:?} is valid but cannot be prepared");
        return;
    };
    let vol = slice.vol(strike);
    if valid {
        // Its minimum is not negative, so only range errors remain.
        assert!(!matches!(vol, Err(margin_core::KernelError::SviVarianceNegative)), "{svi:?} at {strike:?}");
    }
}

fn risk_array(source: &mut Source, inputs: ExpiryInputs, vol: Vol) {
    let scenarios = source.scenarios();
    let Ok(set) = ScenarioSet::prepare(&scenarios) else {
        return assert!(scenarios.len() > margin_core::MAX_SCENARIOS);
    };
    let Ok(expiry) = Expiry::prepare(inputs) else { return };
    let mut array = RiskArray::empty();
    array.start(&expiry, &set);
    let (mut digital, mut added) = (DigitalArray::new(), Vec::new());
    for _ in 0..source.byte() % 5 {
        let vols = VolLevels { up: source.vol(), none: vol, down: source.vol(), ..VolLevels::default() };
        let strike = Price(source.near(inputs.forward.0));
        let bits = u32::from(source.byte() % 63) + 1;
        let (calls, puts) = (Lots(source.signed(bits)), Lots(source.signed(bits)));
        let Ok(leg) = Leg::prepare(&expiry, strike, &vols) else { continue };
        let digital_added = digital.add(&expiry, &set, strike, &leg, calls, puts);
        let before = array.clone();
        match array.add(&leg, calls, puts) {
            Ok(()) => added.push((leg, calls, puts)),
            Err(_) => assert_eq!(array, before, "an error must leave the array alone"),
        }
        let _ = digital_added;
    }
    let mut totals = Totals::new();
    let summed = array.add_totals(&mut totals);
    for index in 0..scenarios.len() {
        let total = array.total(index);
        assert!(total.is_some() && digital.total(&set, index).is_some());
        if summed.is_ok() {
            assert_eq!(totals.get(&set, index), total);
        }
    }
    assert_eq!((array.total(set.len()), totals.get(&set, set.len())), (None, None));
    // The opposite of everything, in the opposite order, brings every scenario back to zero.
    for (leg, calls, puts) in added.iter().rev() {
        let (Some(calls), Some(puts)) = (calls.checked_neg(), puts.checked_neg()) else { return };
        if array.add(leg, calls, puts).is_err() {
            return; // beyond the gross lots of one array
        }
    }
    assert!((0..set.len()).all(|index| array.total(index) == Some(0)));
}
