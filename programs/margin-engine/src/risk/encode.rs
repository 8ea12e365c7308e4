//! The bytes of a report.

use anchor_lang::prelude::*;

use super::{MarginReport, ModelReport, PortfolioReport, UnderlyingReport};

impl MarginReport {
    /// The bytes of [`AnchorSerialize`], which asks for room at every number, in half the steps. Anchor calls this one for
    /// return data: a type's own method comes before that of a trait.
    pub fn serialize(&self, bytes: &mut Vec<u8>) -> std::io::Result<()> {
        bytes.extend_from_slice(&[self.mode as u8, u8::from(self.in_liquidation)]);
        put(
            bytes,
            [
                self.cash,
                self.collateral_value,
                self.collateral_maintenance,
                self.collateral_initial,
                self.positions_value,
                self.equity,
                self.initial_margin,
                self.maintenance_margin,
            ],
        );
        self.cross.serialize(bytes)?;
        self.underlying_count.serialize(bytes)?;
        (self.underlyings.len() as u32).serialize(bytes)?; // four at most
        for underlying in &self.underlyings {
            underlying.append(bytes)?;
        }
        Ok(())
    }
}

impl UnderlyingReport {
    fn append(&self, bytes: &mut Vec<u8>) -> std::io::Result<()> {
        self.index.serialize(bytes)?;
        let greeks = &self.greeks;
        put(
            bytes,
            [
                self.positions_value,
                self.initial_margin,
                self.maintenance_margin,
                greeks.delta,
                greeks.gamma,
                greeks.vega,
                greeks.theta,
                greeks.rho,
            ],
        );
        match &self.model {
            ModelReport::Portfolio(parts) => {
                bytes.extend_from_slice(&[0, parts.worst_case]);
                parts.append_amounts(bytes);
                Ok(())
            }
            ModelReport::Standard(_) => self.model.serialize(bytes),
        }
    }
}

impl PortfolioReport {
    fn append_amounts(&self, bytes: &mut Vec<u8>) {
        let charges = &self.charges;
        put(
            bytes,
            [
                self.worst_profit,
                self.basis_contingency,
                self.minimum_delta,
                self.scan_risk,
                self.initial_factor as i64, // the same bytes
                self.maintenance_factor as i64,
                charges.perpetual_maintenance,
                charges.perpetual_initial,
                charges.short_option_maintenance,
                charges.short_option_initial,
                charges.roll,
                charges.vega,
                charges.concentration,
                charges.confidence,
                charges.unrealised_profit,
            ],
        );
    }
}

/// Appends numbers, all at once.
#[inline(always)]
fn put<const COUNT: usize>(bytes: &mut Vec<u8>, numbers: [i64; COUNT]) {
    bytes.extend_from_slice(numbers.map(i64::to_le_bytes).as_flattened());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        risk::{ChargesReport, CrossReport, GreeksReport, StandardReport},
        state::AccountMode,
    };

    #[test]
    fn the_bytes_are_those_of_the_derived_encoding() {
        let standard = StandardReport {
            linear_initial: 41,
            linear_maintenance: 42,
            options_initial: 43,
            options_maintenance: 44,
            collateral_initial: 45,
            collateral_maintenance: 46,
            confidence: 47,
            depeg: 48,
        };
        let portfolio = PortfolioReport {
            worst_case: 11,
            worst_profit: -12,
            basis_contingency: -13,
            minimum_delta: 14,
            scan_risk: 15,
            initial_factor: u64::MAX,
            maintenance_factor: 17,
            charges: ChargesReport {
                perpetual_maintenance: 18,
                perpetual_initial: 19,
                short_option_maintenance: 20,
                short_option_initial: 21,
                roll: 22,
                vega: 23,
                concentration: 24,
                confidence: 25,
                unrealised_profit: 26,
            },
        };
        let underlying = |index, model| UnderlyingReport {
            index,
            positions_value: -1,
            initial_margin: 2,
            maintenance_margin: 3,
            greeks: GreeksReport { delta: 4, gamma: 5, vega: 6, theta: -7, rho: 8 },
            model,
        };
        for cross in [None, Some(CrossReport { systematic: 31, idiosyncratic: 32, stand_alone: 33, scan_risk: 34 })] {
            let report = MarginReport {
                mode: AccountMode::Standard,
                in_liquidation: true,
                cash: -51,
                collateral_value: 52,
                collateral_maintenance: 53,
                collateral_initial: 54,
                positions_value: 55,
                equity: i64::MIN,
                initial_margin: 57,
                maintenance_margin: 58,
                cross,
                underlying_count: 2,
                underlyings: vec![
                    underlying(1, ModelReport::Portfolio(portfolio)),
                    underlying(300, ModelReport::Standard(standard)),
                ],
            };
            let (mut bytes, mut derived) = (Vec::new(), Vec::new());
            report.serialize(&mut bytes).unwrap();
            AnchorSerialize::serialize(&report, &mut derived).unwrap();
            assert_eq!(bytes, derived);
        }
    }
}
