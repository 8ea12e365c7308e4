//! Collateral, requirements, several underlyings, modes, witnesses, rounding.

use margin_core::portfolio::*;
use margin_core::{Lots, Multiplier, Rate, Usd, VolLevel};

use crate::document::{Computation, Example};
use crate::lab::Lab;
use crate::marks::undiscounted;
use crate::reader::Black;
use crate::scan::worst_of;

pub const ALL: &[Computation] = &[
    ("collateral.haircut", haircut),
    ("collateral.hedge", hedge),
    ("requirement", requirement),
    ("requirement.fraction", fraction),
    ("cross", cross),
    ("modes.spread", spread),
    ("modes.short-put", short_put),
    ("witness", witness),
    ("rounding", rounding),
];

fn haircut(example: &Example) {
    let value = example.given("amount") * example.given("price") / example.given("stable");
    let atoms = (example.given("amount") * 1e9).round() as u64;
    let in_usd = token_value(atoms, 9, example.price("price")).unwrap();
    // Over the price of the quote token, as the caller does.
    let core = Usd(in_usd.0 * 1_000_000_000_000 / i128::from(example.price("stable").0));
    let terms = CollateralTerms {
        maintenance_haircut: example.ratio("maintenance_haircut"),
        initial_haircut: example.ratio("initial_haircut"),
        confidence: ConfidenceCharge { threshold: example.ratio("threshold"), factor: example.ratio("factor") },
    };
    let mut account = AccountRisk::new(Usd(0));
    account.add_collateral(core, example.ratio("confidence"), &terms).unwrap();
    assert!(example.given("confidence") < example.given("threshold"));
    let doubt = (1.0 - example.given("confidence")) * example.given("factor");
    let haircuts = example.given("maintenance_haircut") + example.given("initial_haircut");
    example.figure("equity", account.equity, value);
    let maintenance = value * example.given("maintenance_haircut");
    example.figure("maintenance_margin", account.maintenance_margin, maintenance);
    example.figure("initial_margin", account.initial_margin, value * (haircuts + doubt));
}

fn hedge(example: &Example) {
    let mut lab = Lab::new(example.price("spot"));
    lab.perpetual(example.lots("perpetual"));
    for shift in ["edge_up", "edge_down"] {
        lab.scenario(example.spot(shift), VolLevel::None);
    }
    let spot = example.given("spot");
    let loss = |delta: f64| {
        ["edge_up", "edge_down"].map(|edge| -delta * spot * example.given(edge)).into_iter().fold(0.0, f64::max)
    };
    example.figure("scan_risk_alone", lab.assess().scan_risk, loss(example.given("perpetual")));
    let tokens = example.given("tokens");
    lab.hedge = Usd((tokens * spot * 1e6).round() as i128 * 1_000_000);
    example.figure("scan_risk_hedged", lab.assess().scan_risk, loss(example.given("perpetual") + tokens));
}

const MOVES: [f64; 9] = [-0.18, -0.135, -0.09, -0.045, 0.0, 0.045, 0.09, 0.135, 0.18];

/// A call under a grid of nine spot moves with vol up and as it is.
fn short_call(example: &Example) -> Lab {
    let mut lab = Lab::new(example.price("forward"));
    let expiry = lab.expiry(example.seconds("time"), example.price("forward"), example.vol("vol"), Rate(0));
    lab.hold(InstrumentKind::Call, expiry, example.price("strike"), example.lots("position"));
    lab.parameters.vol.range_up = example.ratio("range_up");
    lab.grid.clear();
    for shift in MOVES {
        for vol in [VolLevel::Up, VolLevel::None] {
            lab.scenario(Multiplier(((1.0 + shift) * 1e9).round() as u64), vol);
        }
    }
    lab
}

fn requirement(example: &Example) {
    let mut lab = short_call(example);
    lab.parameters.scan.maintenance = example.ratio("maintenance_factor");
    lab.parameters.charges.short_option_maintenance = example.ratio("short_option_maintenance");
    lab.parameters.charges.short_option_initial = example.ratio("short_option_initial");
    let risk = lab.assess();
    let mut account = AccountRisk::new(example.usd("cash"));
    account.add_underlying(&risk).unwrap();

    let (mark, position) = (undiscounted(example), example.given("position"));
    let scan = -worst_of(&mark, position, &MOVES, &[1.0 + example.given("range_up"), 1.0]);
    let notional = -position * mark.forward;
    let on_top = example.given("short_option_initial");
    let both = example.given("short_option_maintenance");
    let maintenance = example.given("maintenance_factor") * scan + both * notional;
    let initial = scan + (both + on_top) * notional;
    let equity = example.given("cash") + position * mark.call();
    example.figure("mark", risk.mark_to_market, position * mark.call());
    example.figure("equity", account.equity, equity);
    example.figure("scan_risk", risk.scan_risk, scan);
    example.figure("maintenance_margin", account.maintenance_margin, maintenance);
    example.figure("initial_margin", account.initial_margin, initial);
    example.figure("surplus_im", account.initial_surplus().unwrap(), equity - initial);
    example.figure("surplus_mm", account.maintenance_surplus().unwrap(), equity - maintenance);
    assert!(account.safe() && !account.initially_healthy(), "the text says so");
    let buffer = example.given("buffer");
    let margin = account.buffer_margin(example.ratio("buffer")).unwrap();
    example.figure("buffer_margin", margin, equity - maintenance - buffer * maintenance);
}

fn fraction(example: &Example) {
    let [margin, equity, share] = ["buffer_margin", "equity", "share_paid"].map(|name| example.given(name));
    let sale = OnSale {
        buffer_margin: example.usd("buffer_margin"),
        equity: example.usd("equity"),
        cash_from_bids: Usd(0),
        share_paid: example.ratio("share_paid"),
    };
    let core = sale.maximum_fraction();
    let reader = margin / (margin - equity * share);
    example.figure("fraction", Ratio(core.unwrap()), reader);
    // What is left of B and what the bid paid cancel.
    assert!(((1.0 - reader) * margin + reader * share * equity).abs() < 1e-9);
}

fn cross(example: &Example) {
    let moves = [example.given("factor_move"), -example.given("factor_move")];
    let factor = |shift: f64| FactorScenario {
        market_move: SignedRatio((shift * 1e9).round() as i64),
        vol: VolLevel::None,
        weight: Ratio::ONE,
    };
    let factors = moves.map(factor);
    let mut cross = CrossScan::new(Correlation { scenarios: &factors, floor: example.ratio("floor") });
    let mut systematic = [0.0; 2];
    let (mut squares, mut stand_alone) = (0f64, 0f64);
    for name in ["btc", "eth"] {
        let key = |what: &str| format!("{what}_{name}");
        let mut lab = Lab::new(example.price(&key("spot")));
        lab.perpetual(example.lots(&key("perpetual")));
        let range = example.ratio("range").0;
        for spot in [Multiplier::ONE.0 + range, Multiplier::ONE.0 - range] {
            lab.scenario(Multiplier(spot), VolLevel::None);
        }
        let beta = example.given(&key("beta"));
        let exposure =
            FactorExposure { beta: SignedRatio((beta * 1e9).round() as i64), residual: example.ratio("residual") };
        let (market, mut scratch) = (lab.market(), Scratch::new());
        cross.assess(&market, &exposure, lab.book(), lab.surface(), Detail::Margin, &mut scratch).unwrap();
        let notional = example.given(&key("perpetual")) * example.given(&key("spot"));
        systematic.iter_mut().zip(moves).for_each(|(sum, shift)| *sum += notional * beta * shift);
        let alone = notional.abs() * example.given("range");
        stand_alone += alone;
        squares += (alone * example.given("residual")).powi(2);
    }
    let risk = cross.finish().unwrap();
    let systematic = -systematic[0].min(systematic[1]).min(0.0);
    let sum = systematic + squares.sqrt();
    example.figure("stand_alone", risk.stand_alone, stand_alone);
    example.figure("systematic", risk.systematic, systematic);
    example.figure("idiosyncratic", risk.idiosyncratic, squares.sqrt());
    example.step("floor_amount", example.given("floor") * stand_alone);
    example.figure("scan_risk", risk.scan_risk, sum.max(example.given("floor") * stand_alone));
}

fn standard_parameters(example: &Example) -> StandardParameters {
    StandardParameters {
        most_spot: example.ratio("most_spot"),
        least_spot: example.ratio("least_spot"),
        call_maintenance: example.ratio("short_maintenance"),
        put_maintenance: example.ratio("short_maintenance"),
        put_initial_over_maintenance: Ratio::ONE,
        ..StandardParameters::default()
    }
}

/// A sold call under a bought one, in the three modes.
fn spread(example: &Example) {
    let mut lab = short_call(example);
    let mark = undiscounted(example);
    let bought = Black { strike: example.given("strike_bought"), ..mark };
    let position = example.given("position");
    let expiry = lab.positions[0].expiry;
    lab.hold(
        InstrumentKind::Call,
        expiry,
        example.price("strike_bought"),
        lab.positions[0].lots.checked_neg().unwrap(),
    );
    let risk = lab.assess();

    let ranges = [1.0 + example.given("range_up"), 1.0];
    let cell = |shift: f64, factor: f64| {
        let change = |option: &Black| option.moved(1.0 + shift).with_vol(mark.vol * factor).call() - option.call();
        position * (change(&mark) - change(&bought))
    };
    let cells = MOVES.iter().flat_map(|shift| ranges.map(|factor| cell(*shift, factor)));
    let netted = -cells.fold(0.0, f64::min);
    let alone = -worst_of(&mark, position, &MOVES, &ranges) - worst_of(&bought, -position, &MOVES, &ranges);
    example.figure("value", risk.mark_to_market, position * (mark.call() - bought.call()));
    example.figure("portfolio", risk.initial_margin, netted);
    let market = lab.market();
    let isolated = assess_isolated(&market, lab.book(), lab.surface(), Detail::Margin, &mut Scratch::new()).unwrap();
    example.figure("isolated", isolated.initial_margin, alone);

    let spot = mark.forward;
    let out_of_the_money = ((mark.strike - spot) / spot).max(0.0);
    let share = (example.given("most_spot") - out_of_the_money).max(example.given("least_spot"));
    let short = position * mark.call() + position * share * spot;
    let loss = position * (bought.strike - mark.strike);
    let standard = assess_standard(&market, &standard_parameters(example), lab.book(), lab.surface()).unwrap();
    example.step("standard_short", short);
    example.step("standard_max_loss", loss);
    example.figure("standard", standard.margins().unwrap().initial, short.max(loss));
}

fn short_put(example: &Example) {
    let mut lab = Lab::new(example.price("forward"));
    let expiry = lab.expiry(example.seconds("time"), example.price("forward"), example.vol("vol"), Rate(0));
    lab.hold(InstrumentKind::Put, expiry, example.price("strike"), example.lots("position"));
    let standard = assess_standard(&lab.market(), &standard_parameters(example), lab.book(), lab.surface()).unwrap();
    let margins = standard.margins().unwrap();
    let (mark, position) = (undiscounted(example), example.given("position"));
    let spot = mark.forward;
    let out_of_the_money = ((spot - mark.strike) / spot).max(0.0);
    let share = (example.given("most_spot") - out_of_the_money).max(example.given("least_spot"));
    let value = position * mark.put();
    let maintenance = value + position * example.given("short_maintenance") * spot;
    let initial = (value + position * share * spot).min(maintenance);
    let loss = position * mark.strike;
    assert!(loss < initial, "the isolated margin counts");
    example.step("otm", out_of_the_money);
    example.figure("mark", standard.mark_to_market, value);
    example.figure("initial", margins.initial, initial.max(loss));
    example.figure("maintenance", margins.maintenance, maintenance.max(loss));
}

fn witness(example: &Example) {
    let lab = short_call(example);
    let whole = lab.assess();
    let (mark, position) = (undiscounted(example), example.given("position"));
    let ranges = [1.0 + example.given("range_up"), 1.0];
    example.figure("whole", whole.maintenance_margin, -worst_of(&mark, position, &MOVES, &ranges));
    let bound = |number: f64| {
        let (market, case) = (lab.market(), WorstCase::Scenario(number as u8));
        let risk = assess_witness(&market, case, lab.book(), lab.surface(), &mut Scratch::new()).unwrap();
        // The grid lists each move with vol up, then with vol as it is.
        let (shift, vol) = (MOVES[number as usize / 2], ranges[number as usize % 2]);
        (risk.maintenance_margin, -worst_of(&mark, position, &[shift], &[vol]))
    };
    for name in ["worst", "other"] {
        let number = example.given(&format!("scenario_{name}"));
        let (core, reader) = bound(number);
        example.figure(&format!("bound_{name}"), core, reader);
    }
    assert_eq!(whole.worst_case, WorstCase::Scenario(example.given("scenario_worst") as u8));
}

fn rounding(example: &Example) {
    // A lot of 1e-8 units.
    const LOT: u64 = 10;
    let lots = Lots(example.given("lots") as i64);
    let value = |lots| lots_value(lots, example.price("price"), LOT).unwrap();
    let (held, owed) = (value(lots), value(lots.checked_neg().unwrap()));
    let units = example.given("lots") * 1e-8 * example.given("price") * 1e12;
    assert!(units.fract() > 0.1, "something is rounded");
    example.step("exact", units / 1e12);
    example.figure("held", held, units.floor() / 1e12);
    example.figure("owed", owed, -units.ceil() / 1e12);
    let charge = example.ratio("share").of_rounded_up(held).unwrap();
    example.figure("charge", charge, (units.floor() * example.given("share")).ceil() / 1e12);
}
