//! What an admin may list, and what nobody may.

use margin_client::{
    Loaded,
    errors::EngineError as E,
    instructions::{CollateralAdd, CollateralAddArgs, UnderlyingAdd},
    pyth::feeds,
    state::{Collateral, CollateralHaircuts, CollateralLink, ConfidenceCharge, Engine, OracleArgs},
};
use tests_svm::{AnchorError, BTC, ETH, MintOptions, NOW, Spec, World, oracle, specs};

const YEAR: i64 = 365 * 86_400;

fn btc() -> Spec {
    let [btc, ..] = specs();
    btc
}

fn haircuts() -> CollateralHaircuts {
    CollateralHaircuts { maintenance: 100_000_000, initial: 50_000_000 }
}

/// An engine with its quote token and a listing of another token, changed by a test.
fn refuse_token(change: impl FnOnce(&mut CollateralAdd), error: E) {
    let mut world = World::bare();
    world.list_quote();
    let token = world.mint(&MintOptions::spl(9));
    let mut add = world.token_listing(token, feeds::SOL_USD, haircuts());
    change(&mut add);
    let admin = world.admin.insecure_clone();
    world.refuse(add.instruction(), &[&admin], error);
}

fn refuse_oracle(change: impl FnOnce(&mut OracleArgs), error: E) {
    refuse_token(|add| change(add.args.oracle.as_mut().expect("an oracle")), error);
}

/// An engine without markets and a listing of BTC, changed by a test.
fn refuse_underlying(change: impl FnOnce(&mut UnderlyingAdd), error: E) {
    let mut world = World::bare();
    let mut add = world.underlying_listing(&btc());
    change(&mut add);
    let admin = world.admin.insecure_clone();
    world.refuse(add.instruction(), &[&admin], error);
}

#[test]
fn the_quote_token_comes_first_and_nothing_else_does() {
    let mut world = World::bare();
    let token = world.mint(&MintOptions::spl(9));
    let early = world.token_listing(token, feeds::SOL_USD, haircuts());
    let admin = world.admin.insecure_clone();
    world.refuse(early.instruction(), &[&admin], E::QuoteCollateralOrder);
    world.list_quote();
    let again = world.quote_listing();
    // Its listing is a PDA of the mint: the system program finds it in use.
    world.refuse_code(again.instruction(), &[&admin], 0, "AccountAlreadyInUse");
}

#[test]
fn the_quote_token_takes_no_haircut_no_charge_and_no_underlying() {
    let mut world = World::bare();
    let admin = world.admin.insecure_clone();
    let changes: [fn(&mut CollateralAddArgs); 5] = [
        |args| args.haircuts.initial = 1,
        |args| args.haircuts.maintenance = 1,
        |args| args.confidence.threshold = 1,
        |args| args.confidence.factor = 1,
        |args| args.link = CollateralLink::Index,
    ];
    for change in changes {
        let mut listing = world.quote_listing();
        change(&mut listing.args);
        world.refuse(listing.instruction(), &[&admin], E::QuoteCollateralParameters);
    }
    // An oracle it may have: checks then take the price of cash from it.
    assert!(!world.engine_state().has_quote_oracle());
    let mut priced = world.quote_listing();
    priced.args.oracle = Some(oracle(feeds::USDC_USD));
    world.accept(priced.instruction(), &[&admin]);
    assert!(world.engine_state().has_quote_oracle());
}

#[test]
fn other_tokens_need_an_oracle_and_sane_haircuts() {
    refuse_token(|add| add.args.oracle = None, E::OracleMissing);
    refuse_token(|add| add.args.haircuts.maintenance = 950_000_001, E::HaircutParameter);
    refuse_token(|add| add.args.haircuts.initial = u32::MAX, E::HaircutParameter);
}

#[test]
fn a_token_with_nineteen_decimals_is_refused() {
    let mut world = World::bare();
    world.list_quote();
    let admin = world.admin.insecure_clone();
    let token = world.mint(&MintOptions::spl(19));
    let add = world.token_listing(token, feeds::SOL_USD, haircuts());
    world.refuse(add.instruction(), &[&admin], E::CollateralDecimals);
    let token = world.mint(&MintOptions::spl(18));
    let add = world.token_listing(token, feeds::SOL_USD, haircuts());
    world.accept(add.instruction(), &[&admin]);
}

#[test]
fn oracle_parameters_have_their_ranges() {
    refuse_oracle(|oracle| oracle.feed_id = [0; 32], E::OracleFeedMissing);
    refuse_oracle(|oracle| oracle.max_age = 0, E::OracleAgeParameter);
    refuse_oracle(|oracle| oracle.max_age = oracle.liquidation_max_age + 1, E::OracleAgeParameter);
    refuse_oracle(|oracle| oracle.liquidation_max_age = 86_401, E::OracleAgeParameter);
    refuse_oracle(|oracle| oracle.max_confidence = 0, E::OracleConfidenceParameter);
    let above = |oracle: &mut OracleArgs| oracle.max_confidence = oracle.liquidation_max_confidence + 1;
    refuse_oracle(above, E::OracleConfidenceParameter);
    refuse_oracle(|oracle| oracle.liquidation_max_confidence = 1_000_000_000, E::OracleConfidenceParameter);
    refuse_oracle(|oracle| oracle.confidence_full_scale = 1_000_000_001, E::OracleConfidenceScale);
}

#[test]
fn a_token_is_linked_to_a_listed_underlying_and_charged_within_range() {
    refuse_token(|add| add.args.link = CollateralLink::Index, E::CollateralLink);
    refuse_token(|add| add.args.underlying = 1, E::CollateralLink);
    refuse_token(|add| add.args.confidence.threshold = 1_000_000_001, E::ParameterConfidenceThreshold);
    refuse_token(|add| add.args.confidence.factor = 20_000_000_001, E::ParameterConfidenceFactor);

    let mut world = World::new();
    let token = world.mint(&MintOptions::spl(9));
    let mut add = world.token_listing(token, feeds::ETH_USD, haircuts());
    (add.args.link, add.args.underlying) = (CollateralLink::CancelsRisk, 3);
    let admin = world.admin.insecure_clone();
    world.refuse(add.clone().instruction(), &[&admin], E::CollateralLink);
    add.args.underlying = ETH;
    add.args.confidence = ConfidenceCharge { threshold: 1_000_000_000, factor: 20_000_000_000 };
    world.accept(add.clone().instruction(), &[&admin]);
    let stored: Loaded<Collateral> = world.load(token.collateral(&world.engine).collateral);
    assert_eq!((stored.linked_underlying(), stored.cancels_risk()), (Some(ETH), true));
    assert_eq!(stored.confidence, add.args.confidence);
}

#[test]
fn only_the_admin_lists() {
    let mut world = World::new();
    let stranger = world.trader();
    let token = world.mint(&MintOptions::spl(9));
    let mut add = world.token_listing(token, feeds::ETH_USD, haircuts());
    add.admin = stranger.owner();
    world.svm.airdrop(&stranger.owner(), 1_000_000_000).expect("an airdrop");
    world.refuse(add.instruction(), &[&stranger.key], E::NotAdmin);
    let mut add = world.underlying_listing(&Spec { index: 3, ..btc() });
    add.admin = stranger.owner();
    world.refuse(add.instruction(), &[&stranger.key], E::NotAdmin);
    let mut list = world.expiry_listing(BTC, NOW + 86_400);
    list.admin = stranger.owner();
    world.refuse(list.instruction(), &[&stranger.key], E::NotAdmin);
}

#[test]
fn an_underlying_takes_the_next_index_only() {
    let mut world = World::bare();
    let add = world.underlying_listing(&Spec { index: 1, ..btc() });
    let admin = world.admin.insecure_clone();
    world.refuse_anchor(add.instruction(), &[&admin], AnchorError::ConstraintSeeds);
}

#[test]
fn a_listed_underlying_is_stored_as_it_was_given() {
    let mut world = World::bare();
    let spec = btc();
    world.list_underlying(&spec);
    let stored = world.underlying(BTC);
    assert_eq!(stored.symbol(), "BTC");
    assert_eq!(stored.lot_size, spec.lot_size);
    assert_eq!(stored.risk, spec.model.parameters.risk);
    assert_eq!(stored.standard, spec.model.parameters.standard);
    assert_eq!(stored.exposure, spec.model.parameters.exposure);
    assert_eq!((stored.adaptive.reference, stored.adaptive.scale), (0, 1_000_000_000));
    assert_eq!(stored.oracle.feed_id, spec.feed);
    assert_eq!(usize::from(stored.scenario_count), spec.model.scenarios.len());
    for (stored, args) in stored.scenarios.iter().zip(&spec.model.scenarios) {
        assert_eq!((stored.spot, stored.weight, stored.vol), (args.spot, args.weight, args.vol as u8));
        assert_eq!((stored.design_spot, stored.extended), (args.spot, u8::from(args.extended)));
        // ln in Q56, checked against floating point.
        let ln = stored.ln_spot as f64 / 2f64.powi(56);
        assert!((ln - (args.spot as f64 * 1e-9).ln()).abs() < 1e-12);
    }
    let expiries: Vec<i64> = stored.listed_expiries().iter().map(|slot| slot.expiry).collect();
    assert_eq!(expiries, spec.surfaces.map(|surface| surface.expiry));
}

#[test]
fn symbols_are_letters_and_digits() {
    refuse_underlying(|add| add.args.symbol = [0; 16], E::SymbolParameter);
    refuse_underlying(|add| add.args.symbol[0] = b'$', E::SymbolParameter);
    refuse_underlying(|add| add.args.symbol[15] = b'X', E::SymbolParameter);
    refuse_underlying(|add| add.args.symbol[1] = 0xc3, E::SymbolParameter);
}

#[test]
fn lots_and_surface_ages_have_their_ranges() {
    refuse_underlying(|add| add.args.lot_size = 0, E::LotSizeParameter);
    refuse_underlying(|add| add.args.lot_size = 1_000_000_000_000_000_001, E::LotSizeParameter);
    refuse_underlying(|add| add.args.max_surface_age = 0, E::SurfaceAgeParameter);
    refuse_underlying(|add| add.args.max_surface_age = 3_601, E::SurfaceAgeParameter);
    refuse_underlying(|add| add.args.liquidation_max_mark_age = 86_401, E::SurfaceAgeParameter);
    refuse_underlying(|add| add.args.settlement_window = 86_401, E::SettlementWindow);
}

#[test]
fn expiries_are_in_the_future_within_three_years_and_once() {
    let mut world = World::new();
    let admin = world.admin.insecure_clone();
    for expiry in [0, NOW, NOW + 3 * YEAR + 1, i64::MAX, i64::MIN] {
        let list = world.expiry_listing(BTC, expiry);
        world.refuse(list.instruction(), &[&admin], E::ExpiryTime);
    }
    let list = world.expiry_listing(BTC, NOW + 3 * YEAR);
    world.accept(list.clone().instruction(), &[&admin]);
    world.refuse(list.instruction(), &[&admin], E::ExpiryListed);
}

#[test]
fn the_thirteenth_expiry_finds_no_slot() {
    let mut world = World::bare();
    world.list_underlying(&btc());
    let admin = world.admin.insecure_clone();
    for day in 0..10 {
        let list = world.expiry_listing(BTC, NOW + 86_400 * (1 + day));
        world.accept(list.instruction(), &[&admin]);
    }
    let list = world.expiry_listing(BTC, NOW + 86_400 * 20);
    world.refuse(list.instruction(), &[&admin], E::ExpiryTableFull);
}

#[test]
fn an_expiry_is_listed_on_an_underlying_of_the_same_engine() {
    let mut world = World::new();
    let mut list = world.expiry_listing(ETH, NOW + 86_400);
    world.forge::<margin_client::state::Underlying>(list.underlying, |state| state.engine = Default::default());
    let admin = world.admin.insecure_clone();
    world.refuse(list.clone().instruction(), &[&admin], E::ForeignEngine);
    list.underlying = list.engine;
    world.refuse_anchor(list.instruction(), &[&admin], AnchorError::AccountDiscriminatorMismatch);
}

#[test]
fn sixty_four_collaterals_and_underlyings_are_the_most() {
    let mut world = World::bare();
    world.list_quote();
    let engine = world.engine;
    world.forge::<Engine>(engine, |state| (state.collateral_count, state.underlying_count) = (64, 64));
    let token = world.mint(&MintOptions::spl(9));
    let add = world.token_listing(token, feeds::SOL_USD, haircuts());
    let admin = world.admin.insecure_clone();
    world.refuse(add.instruction(), &[&admin], E::CollateralLimit);
    let add = world.underlying_listing(&Spec { index: 64, ..btc() });
    world.refuse(add.instruction(), &[&admin], E::UnderlyingLimit);
}
