//! The document's table of parameter rules: complete, and every bound where it says.

use margin_core::portfolio::{
    BasisContingency, GridScenario, Measure, MinimumDelta, ParameterError as E, Ratio, RiskParameters, ScanFactors,
    SignedRatio, VolShock,
};
use margin_core::{Multiplier, Price, Seconds, Usd, Vol, VolLevel};

use crate::document::text;

/// Every rule, in the order of the codes.
const RULES: [E; 35] = [
    E::VolRange,
    E::TenorPower,
    E::TenorFloor,
    E::MinVolUp,
    E::ScanFactor,
    E::InitialBelowMaintenance,
    E::ShortfallCount,
    E::GainHaircut,
    E::Extended,
    E::LongMarkdown,
    E::ShortMarkup,
    E::DiscountRate,
    E::SkewCap,
    E::SkewWidth,
    E::SkewVol,
    E::BasisShock,
    E::BasisFactor,
    E::PositionCharge,
    E::MinimumDelta,
    E::RollMove,
    E::VegaRange,
    E::VegaOffset,
    E::ConcentrationDepth,
    E::ConcentrationRate,
    E::ConfidenceThreshold,
    E::ConfidenceFactor,
    E::PegThreshold,
    E::PegFactor,
    E::ProfitCap,
    E::GridSize,
    E::GridSpot,
    E::GridWeight,
    E::GridSkewSpot,
    E::GridOneSided,
    E::GridOrder,
];

/// A row of the table.
struct Rule {
    error: E,
    fields: Vec<String>,
    allowed: String,
}

fn table() -> Vec<Rule> {
    let text = text();
    let rows = text.lines().skip_while(|line| !line.contains("| `ParameterError` |")).skip(2);
    let rule = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [code, name, fields, allowed] = cells[..] else { panic!("a row of four cells: {line}") };
        let error = RULES[code.parse::<usize>().unwrap() - 1];
        assert_eq!((error as u8).to_string(), code);
        assert_eq!(format!("`{error:?}`"), name);
        let fields = fields.split(", ").map(|field| field.trim_matches('`').to_owned()).collect();
        Rule { error, fields, allowed: allowed.to_owned() }
    };
    rows.take_while(|line| line.starts_with('|')).map(rule).collect()
}

/// A model that keeps every rule, with every group in use.
#[derive(Clone)]
struct Model {
    parameters: RiskParameters,
    grid: Vec<GridScenario>,
}

impl Model {
    fn sane() -> Self {
        let parameters = RiskParameters {
            vol: VolShock { short_term_power: Ratio(300_000_000), tenor_floor: Seconds(86_400), ..VolShock::default() },
            scan: ScanFactors { initial: Ratio::ONE, maintenance: Ratio(800_000_000), ..ScanFactors::default() },
            basis: BasisContingency {
                up: Multiplier(1_030_000_000),
                down: Multiplier(970_000_000),
                add: Ratio::ONE,
                annual: Ratio::ZERO,
            },
            minimum_delta: MinimumDelta { unhedged: Ratio(50_000_000), hedged: Ratio::ZERO },
            ..RiskParameters::default()
        };
        let mut grid = vec![GridScenario::UNSHOCKED; 4];
        grid[0].shock.spot = Multiplier(820_000_000);
        grid[1].shock.spot = Multiplier(1_090_000_000);
        grid[2].shock.spot = Multiplier(1_180_000_000);
        grid[3].shock.vol = VolLevel::SkewAbs;
        let mut model = Self { parameters, grid };
        model.parameters.skew.min_width = Ratio(100_000_000);
        assert_eq!(model.judge(), Ok(()));
        model
    }

    fn judge(&self) -> Result<(), E> {
        self.parameters.validate(&self.grid)
    }

    /// The model with one parameter set to `value`.
    fn with(&self, field: &str, value: f64) -> Self {
        let mut model = self.clone();
        let signed = (value * 1e9).round() as i64;
        // A negative value of an unsigned type is not asked for.
        let nano = signed.unsigned_abs();
        let (p, ratio, usd) = (&mut model.parameters, Ratio(nano), Usd(i128::from(signed) * 1_000));
        match field {
            "vol.range_up" => p.vol.range_up = ratio,
            "vol.range_down" => p.vol.range_down = ratio,
            "vol.short_term_power" => p.vol.short_term_power = ratio,
            "vol.long_term_power" => p.vol.long_term_power = ratio,
            "vol.tenor_floor" => p.vol.tenor_floor = Seconds((value * 3_600.0).round() as u64),
            "vol.min_vol_up" => p.vol.min_vol_up = Vol(nano / 10),
            "scan.maintenance" => (p.scan.maintenance, p.scan.initial) = (ratio, ratio.min(Ratio(10_000_000_000))),
            "scan.initial" => p.scan.initial = ratio,
            "scan.measure" => p.scan.measure = Measure::Shortfall(value as u8),
            "scan.gain_haircut" => p.scan.gain_haircut = ratio,
            "scan.extended_range" => p.scan.extended_range = ratio,
            "scan.extended_dampener" => p.scan.extended_dampener = usd,
            "static_discount.long_markdown" => p.static_discount.long_markdown = SignedRatio(signed),
            "static_discount.short_markup" => p.static_discount.short_markup = ratio,
            "static_discount.long_rate_scale" => p.static_discount.long_rate_scale = ratio,
            "static_discount.long_rate_add" => p.static_discount.long_rate_add = ratio,
            "static_discount.short_rate_scale" => p.static_discount.short_rate_scale = ratio,
            "static_discount.short_rate_add" => p.static_discount.short_rate_add = ratio,
            "skew.linear.base" => p.skew.linear.base = ratio,
            "skew.abs.base" => p.skew.abs.base = ratio,
            "skew.linear.slope" => p.skew.linear.slope = SignedRatio(signed),
            "skew.abs.slope" => p.skew.abs.slope = SignedRatio(signed),
            "skew.min_width" => p.skew.min_width = ratio,
            "skew.width_scale" => p.skew.width_scale = ratio,
            "skew.vol_static" => p.skew.vol_static = ratio,
            "skew.vol_scale" => p.skew.vol_scale = SignedRatio(signed),
            "basis.up" => p.basis.up = Multiplier(nano),
            "basis.down" => p.basis.down = Multiplier(nano),
            "basis.add" => p.basis.add = ratio,
            "basis.annual" => p.basis.annual = ratio,
            "charges.perpetual_maintenance" => p.charges.perpetual_maintenance = ratio,
            "charges.perpetual_initial" => p.charges.perpetual_initial = ratio,
            "charges.short_option_maintenance" => p.charges.short_option_maintenance = ratio,
            "charges.short_option_initial" => p.charges.short_option_initial = ratio,
            "minimum_delta.unhedged" => p.minimum_delta.unhedged = ratio,
            "minimum_delta.hedged" => p.minimum_delta.hedged = ratio,
            "roll.min_move" => p.roll.min_move = ratio,
            "roll.annual_move" => p.roll.annual_move = ratio,
            "vega.range" => p.vega.range = ratio,
            "vega.offset" => p.vega.offset = ratio,
            "concentration.delta_depth" => p.concentration.delta_depth = usd,
            "concentration.vega_depth" => p.concentration.vega_depth = usd,
            "concentration.delta_rate" => p.concentration.delta_rate = ratio,
            "concentration.vega_rate" => p.concentration.vega_rate = ratio,
            "concentration.max_rate" => p.concentration.max_rate = ratio,
            "confidence.threshold" => p.confidence.threshold = ratio,
            "confidence.factor" => p.confidence.factor = ratio,
            "depeg.threshold" => p.depeg.threshold = Price(nano * 1_000),
            "depeg.factor" => p.depeg.factor = ratio,
            "unrealised_profit_cap" => p.unrealised_profit_cap = Some(usd),
            "grid.spot" => model.grid[2].shock.spot = Multiplier(nano),
            "grid.weight" => model.grid[2].weight = ratio,
            // Cut, or with more of the first two, which move both ways: one alone has one side.
            "grid" => {
                model.grid = (0..value as usize).map(|index| model.grid[index % 2]).collect();
                model.grid.sort_by_key(|scenario| scenario.shock.spot);
            }
            _ => panic!("unknown parameter {field}"),
        }
        model
    }
}

/// Checks a field at its bounds and just beyond, or says that the range is of another form.
fn check_range(rule: &Rule, field: &str) -> bool {
    let sane = Model::sane();
    let allowed = rule.allowed.split(", ").next().unwrap();
    let counts = allowed.ends_with(" scenarios");
    let allowed = ["hours", "scenarios", "USD"].iter().fold(allowed, |text, unit| text.trim_end_matches(unit)).trim();
    let step = if counts { 1.0 } else { 0.001 };
    let number = |text: &str| text.parse::<f64>().ok();
    let holds = |value: f64, expected: Result<(), E>| {
        let mut model = sane.with(field, value);
        model.grid.sort_by_key(|scenario| (scenario.shock.vol as u8, scenario.shock.spot));
        let verdict = model.judge();
        // One scenario cannot move both ways; that is another rule.
        let verdict = if field == "grid" && verdict == Err(E::GridOneSided) { Ok(()) } else { verdict };
        assert_eq!(verdict, expected, "{field} = {value}, allowed {}", rule.allowed);
    };
    let broken = Err(rule.error);
    if let Some(least) = allowed.strip_suffix(" or more").and_then(number) {
        holds(least, Ok(()));
        holds(least - step, broken);
    } else if let Some(most) = allowed.strip_prefix("up to ").and_then(number) {
        holds(most, Ok(()));
        holds(most + step, broken);
    } else if let Some((least, most)) = allowed.split_once(" to ").map(|(least, most)| (least, number(most).unwrap())) {
        holds(most, Ok(()));
        holds(most + step, broken);
        if let Some(least) = least.strip_prefix("above ").and_then(number) {
            holds(least + step, Ok(()));
            holds(least, broken);
        } else {
            let least = number(least).unwrap();
            holds(least, Ok(()));
            let is_signed = least < 0.0 || field.ends_with("long_markdown");
            if least > 0.0 || is_signed {
                holds(least - step, broken);
            }
        }
    } else {
        return false;
    }
    true
}

#[test]
fn the_table_of_rules_is_complete() {
    let mut named: Vec<u8> = table().iter().map(|rule| rule.error as u8).collect();
    assert!(named.is_sorted());
    named.dedup();
    assert!((1..=35).eq(named), "a rule has no row");
    assert!((1..=35).eq(RULES.iter().map(|rule| *rule as u8)));
}

#[test]
fn bounds_are_where_the_table_says() {
    let mut others = Vec::new();
    for rule in table() {
        for field in &rule.fields {
            if !check_range(&rule, field) {
                others.push((rule.error, rule.allowed.clone()));
            }
        }
    }
    let sane = Model::sane();
    let mut one_sided = sane.clone();
    one_sided.grid.remove(0);
    let mut skewed = sane.clone();
    skewed.grid[3].shock.spot = Multiplier(1_010_000_000);
    let mut shuffled = sane.clone();
    shuffled.grid.swap(1, 2);
    let relations = [
        (E::InitialBelowMaintenance, "not below `scan.maintenance`", sane.with("scan.initial", 0.799)),
        (E::BasisShock, "between 0 and 1, with a factor in use", sane.with("basis.down", 1.0)),
        (E::MinimumDelta, "not above `minimum_delta.unhedged`", sane.with("minimum_delta.hedged", 0.051)),
        (E::GridSkewSpot, "1 in a skew scenario", skewed),
        (E::GridOneSided, "above 1 in one scenario, below 1 in another", one_sided),
        (E::GridOrder, "sorted by vol level, then by spot", shuffled),
    ];
    assert_eq!(others.len(), relations.len(), "{others:?}");
    for ((error, allowed), (expected, text, model)) in others.into_iter().zip(relations) {
        assert_eq!((error, allowed.as_str()), (expected, text));
        assert_eq!(model.judge(), Err(expected));
    }
    for (field, value) in
        [("scan.initial", 0.8), ("basis.down", 0.001), ("basis.down", 0.999), ("minimum_delta.hedged", 0.05)]
    {
        assert_eq!(sane.with(field, value).judge(), Ok(()), "{field} = {value}");
    }
    assert_eq!(sane.with("basis.down", 0.0).judge(), Err(E::BasisShock));
}
