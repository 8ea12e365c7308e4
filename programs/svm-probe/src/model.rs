//! The model that whole checks are measured with: a portfolio-margin model of the class of Derive's PMRM-2, with everything
//! it has: skew scenarios, static discounts, forward contingency, charges on notionals, confidence and depeg.

use margin_core::portfolio::{
    BasisContingency, ConfidenceCharge, Depeg, GridScenario, PositionCharges, Ratio, RiskParameters, ScanFactors,
    SignedRatio, SkewCap, SkewShock, StaticDiscount, VolShock,
};
use margin_core::{KernelError, Multiplier, Price, Scenario, Seconds, Vol, VolLevel};

/// Most of the figures are shares.
const fn thousandths(number: u64) -> Ratio {
    Ratio(number * 1_000_000)
}

/// The parameters.
pub(crate) fn parameters() -> RiskParameters {
    let cap = SkewCap { base: thousandths(150), slope: SignedRatio(-50_000_000) };
    RiskParameters {
        vol: VolShock {
            range_up: thousandths(500),
            range_down: thousandths(275),
            short_term_power: thousandths(300),
            long_term_power: thousandths(130),
            tenor_floor: Seconds(86_400),
            min_vol_up: Vol(45_000_000),
        },
        scan: ScanFactors { initial: Ratio::ONE, maintenance: thousandths(800), ..Default::default() },
        static_discount: StaticDiscount {
            long_markdown: SignedRatio(50_000_000),
            long_rate_scale: Ratio::ONE,
            long_rate_add: thousandths(80),
            short_markup: thousandths(40),
            short_rate_scale: thousandths(500),
            short_rate_add: thousandths(80),
        },
        skew: SkewShock {
            linear: cap,
            abs: cap,
            min_width: thousandths(10),
            width_scale: thousandths(4_000),
            vol_static: thousandths(600),
            vol_scale: SignedRatio(-100_000_000),
        },
        basis: BasisContingency {
            up: Multiplier(1_045_000_000),
            down: Multiplier(955_000_000),
            add: thousandths(500),
            annual: thousandths(2_000),
        },
        charges: PositionCharges {
            perpetual_maintenance: thousandths(15),
            perpetual_initial: thousandths(5),
            short_option_maintenance: thousandths(3),
            short_option_initial: thousandths(2),
        },
        confidence: ConfidenceCharge { threshold: thousandths(550), factor: Ratio::ONE },
        depeg: Depeg { threshold: Price(980_000_000_000), factor: thousandths(2_000) },
        ..Default::default()
    }
}

/// Spot moves of one vol level in thousandths, ascending.
const UP: [u64; 15] = [340, 670, 820, 865, 910, 955, 1_000, 1_045, 1_090, 1_135, 1_180, 1_500, 2_000, 3_000, 4_000];
const INNER: [u64; 7] = [865, 910, 955, 1_000, 1_045, 1_090, 1_135];

/// The 31 scenarios in the kernel's order; far moves count in inverse proportion to their size.
pub(crate) fn grid() -> Result<Vec<GridScenario>, KernelError> {
    let mut grid = Vec::with_capacity(UP.len() + 2 * INNER.len() + 2);
    for move_ in UP {
        let weight = match move_ {
            340 => 54_545_455,
            670 => 109_090_909,
            1_500 => 72_000_000,
            2_000 => 36_000_000,
            3_000 => 18_000_000,
            4_000 => 12_000_000,
            _ => Ratio::ONE.0,
        };
        grid.push(cell(move_, VolLevel::Up, Ratio(weight))?);
    }
    for level in [VolLevel::None, VolLevel::Down] {
        for move_ in INNER {
            grid.push(cell(move_, level, Ratio::ONE)?);
        }
    }
    for level in [VolLevel::SkewLinear, VolLevel::SkewAbs] {
        grid.push(cell(1_000, level, Ratio::ONE)?);
    }
    Ok(grid)
}

fn cell(thousandths: u64, level: VolLevel, weight: Ratio) -> Result<GridScenario, KernelError> {
    Ok(GridScenario { shock: Scenario::new(Multiplier(thousandths * 1_000_000), level)?, weight, extended: false })
}
