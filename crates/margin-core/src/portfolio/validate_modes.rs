//! Which parameters of the other modes, of an adaptive range and of the cross-underlying model are sane.

use super::{
    AdaptiveRange, Correlation, FactorExposure, FactorScenario, MAX_GRID, ParameterError, Ratio, SignedRatio,
    StandardParameters,
    validate::{check, times, within},
};
use crate::{Seconds, VolLevel};

const EIGHT: Ratio = times(8);
const MINUTE: Seconds = Seconds(60);
const YEAR: Seconds = Seconds(crate::quantities::SECONDS_PER_YEAR);

impl StandardParameters {
    /// Checks every share, and that initial margin can never be below maintenance margin.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn validate(&self) -> Result<(), ParameterError> {
        use ParameterError as E;
        let shares = [
            self.perpetual_initial,
            self.perpetual_maintenance,
            self.most_spot,
            self.least_spot,
            self.call_maintenance,
            self.put_maintenance,
            self.put_mark_maintenance,
            self.put_initial_over_maintenance,
            self.unpaired_initial,
            self.unpaired_maintenance,
        ];
        check(shares.iter().all(|share| *share <= times(3)), E::StandardShare)?;
        check(self.collateral <= Ratio::ONE && self.collateral_initial <= Ratio::ONE, E::StandardShare)?;
        check(
            self.perpetual_initial >= self.perpetual_maintenance
                && self.least_spot >= self.call_maintenance
                && self.put_initial_over_maintenance >= Ratio::ONE
                && self.unpaired_initial >= self.unpaired_maintenance,
            E::StandardInitialBelowMaintenance,
        )?;
        self.confidence.validate()?;
        self.depeg.validate()
    }
}

impl AdaptiveRange {
    /// Checks a range that is on.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn validate(&self) -> Result<(), ParameterError> {
        use ParameterError as E;
        if self.reference == Ratio::ZERO {
            return Ok(());
        }
        check(
            self.least > Ratio::ZERO && self.least <= Ratio::ONE && self.most >= Ratio::ONE && self.most <= EIGHT,
            E::AdaptiveBounds,
        )?;
        check(
            self.reference <= Ratio::ONE
                && self.floor <= Ratio::ONE
                && self.deviations <= times(20)
                && (MINUTE..=YEAR).contains(&self.horizon),
            E::AdaptiveMove,
        )?;
        check(self.daily_change > Ratio::ZERO && self.daily_change <= EIGHT, E::AdaptiveChange)
    }
}

impl FactorExposure {
    /// Checks an underlying's dependence on the market factor.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn validate(&self) -> Result<(), ParameterError> {
        check(within(self.beta, EIGHT), ParameterError::FactorBeta)?;
        check(self.residual <= Ratio::ONE, ParameterError::FactorResidual)
    }
}

impl Correlation<'_> {
    /// Checks the scenarios of the market factor and the breakdown floor.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn validate(&self) -> Result<(), ParameterError> {
        use ParameterError as E;
        check((1..=MAX_GRID).contains(&self.scenarios.len()), E::FactorCount)?;
        self.scenarios.iter().try_for_each(FactorScenario::validate)?;
        check(self.floor <= Ratio::ONE, E::CorrelationFloor)
    }
}

impl FactorScenario {
    fn validate(&self) -> Result<(), ParameterError> {
        use ParameterError as E;
        const MOVES: core::ops::RangeInclusive<SignedRatio> = SignedRatio(-990_000_000)..=SignedRatio(7_000_000_000);
        check(MOVES.contains(&self.market_move), E::FactorMove)?;
        check(self.weight > Ratio::ZERO && self.weight <= Ratio::ONE, E::FactorWeight)?;
        check(!matches!(self.vol, VolLevel::SkewLinear | VolLevel::SkewAbs), E::FactorSkew)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Price;
    use ParameterError as E;

    fn ratio(value: f64) -> Ratio {
        Ratio((value * 1e9) as u64)
    }

    #[test]
    fn every_rule_of_the_standard_model_has_its_error() {
        let sane = StandardParameters {
            perpetual_initial: ratio(0.065),
            perpetual_maintenance: ratio(0.05),
            most_spot: ratio(0.15),
            least_spot: ratio(0.13),
            call_maintenance: ratio(0.075),
            put_initial_over_maintenance: Ratio::ONE,
            collateral: ratio(0.8),
            collateral_initial: ratio(0.8),
            ..Default::default()
        };
        assert_eq!(sane.validate(), Ok(()));
        type Change = fn(&mut StandardParameters);
        let cases: &[(Change, ParameterError)] = &[
            (|p| p.most_spot = ratio(3.1), E::StandardShare),
            (|p| p.collateral = ratio(1.1), E::StandardShare),
            (|p| p.collateral_initial = ratio(1.1), E::StandardShare),
            (|p| p.perpetual_initial = ratio(0.04), E::StandardInitialBelowMaintenance),
            (|p| p.least_spot = ratio(0.07), E::StandardInitialBelowMaintenance),
            (|p| p.put_initial_over_maintenance = ratio(0.9), E::StandardInitialBelowMaintenance),
            (|p| p.unpaired_maintenance = ratio(0.1), E::StandardInitialBelowMaintenance),
            (|p| p.confidence.threshold = ratio(1.1), E::ConfidenceThreshold),
            (|p| p.confidence.factor = ratio(20.1), E::ConfidenceFactor),
            (|p| p.depeg.threshold = Price(Price::ONE_USD.0 + 1), E::PegThreshold),
            (|p| p.depeg.factor = ratio(10.1), E::PegFactor),
        ];
        for (change, error) in cases {
            let mut broken = sane;
            change(&mut broken);
            assert_eq!(broken.validate(), Err(*error));
        }
    }

    #[test]
    fn every_rule_of_an_adaptive_range_has_its_error() {
        let sane = AdaptiveRange {
            reference: ratio(0.18),
            floor: ratio(0.1),
            deviations: ratio(4.0),
            horizon: Seconds(86_400),
            least: ratio(0.5),
            most: ratio(2.0),
            daily_change: ratio(0.2),
        };
        assert_eq!(sane.validate(), Ok(()));
        assert_eq!(AdaptiveRange { most: Ratio::ZERO, reference: Ratio::ZERO, ..sane }.validate(), Ok(()));
        type Change = fn(&mut AdaptiveRange);
        let cases: &[(Change, ParameterError)] = &[
            (|p| p.least = Ratio::ZERO, E::AdaptiveBounds),
            (|p| p.least = ratio(1.1), E::AdaptiveBounds),
            (|p| p.most = ratio(0.9), E::AdaptiveBounds),
            (|p| p.most = ratio(8.1), E::AdaptiveBounds),
            (|p| p.reference = ratio(1.1), E::AdaptiveMove),
            (|p| p.floor = ratio(1.1), E::AdaptiveMove),
            (|p| p.deviations = ratio(20.1), E::AdaptiveMove),
            (|p| p.horizon = Seconds(59), E::AdaptiveMove),
            (|p| p.daily_change = Ratio::ZERO, E::AdaptiveChange),
            (|p| p.daily_change = ratio(8.1), E::AdaptiveChange),
        ];
        for (change, error) in cases {
            let mut broken = sane;
            change(&mut broken);
            assert_eq!(broken.validate(), Err(*error));
        }
    }

    #[test]
    fn every_rule_of_the_cross_underlying_model_has_its_error() {
        let sane = FactorScenario { market_move: SignedRatio(-200_000_000), vol: VolLevel::Up, weight: Ratio::ONE };
        let of = |scenarios: &[FactorScenario], floor| Correlation { scenarios, floor }.validate();
        assert_eq!(of(&[sane], ratio(0.5)), Ok(()));
        assert_eq!(of(&[], ratio(0.5)), Err(E::FactorCount));
        assert_eq!(of(&[sane; 41], ratio(0.5)), Err(E::FactorCount));
        assert_eq!(of(&[sane], ratio(1.1)), Err(E::CorrelationFloor));
        let with = |change: fn(&mut FactorScenario)| {
            let mut broken = sane;
            change(&mut broken);
            of(&[broken], Ratio::ONE)
        };
        assert_eq!(with(|s| s.market_move.0 = -990_000_001), Err(E::FactorMove));
        assert_eq!(with(|s| s.market_move.0 = 7_000_000_001), Err(E::FactorMove));
        assert_eq!(with(|s| s.weight = Ratio::ZERO), Err(E::FactorWeight));
        assert_eq!(with(|s| s.weight = ratio(1.1)), Err(E::FactorWeight));
        assert_eq!(with(|s| s.vol = VolLevel::SkewAbs), Err(E::FactorSkew));
        let exposure =
            |beta, residual| FactorExposure { beta: SignedRatio(beta), residual: Ratio(residual) }.validate();
        assert_eq!(exposure(-8_000_000_000, 1_000_000_000), Ok(()));
        assert_eq!(exposure(8_000_000_001, 0), Err(E::FactorBeta));
        assert_eq!(exposure(0, 1_000_000_001), Err(E::FactorResidual));
    }
}
