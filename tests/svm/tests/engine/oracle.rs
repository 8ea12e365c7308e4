//! Which prices the program believes: real account dumps as they are, and every way in which one can be unfit.

use margin_client::{
    constants::MAX_FUTURE_SECONDS,
    errors::EngineError as E,
    pyth::{PriceUpdate, RECEIVER_PROGRAM, VerificationLevel, feeds},
    state::{Collateral, CollateralHaircuts, OracleProvider},
};
use margin_core::Price;
use solana_account::Account;
use solana_pubkey::Pubkey;
use tests_svm::{MintOptions, NOW, PriceDump, SOL_TOKEN, Trader, World, usd};

const PUSH_PROGRAM: Pubkey = Pubkey::from_str_const("FsJ3A3u2vn5cTVofAjvy6y5kwABJAqYWpe4975bi2epH");

/// An engine at the time of a dump, with a token priced by it and an account that holds a million of them: its collateral
/// value in quote atoms is the price in 1e-12 USD.
fn priced_by(dump: &PriceDump, owner: Pubkey) -> (World, Trader) {
    let mut world = World::bare();
    world.set_time(dump.publish_time);
    world.svm.set_account(dump.address, Account { owner, ..dump.account.clone() }).expect("an account");
    world.list_quote();
    let token = world.mint(&MintOptions::spl(9));
    let mut add = world.token_listing(token, feeds::SOL_USD, CollateralHaircuts::default());
    let oracle = add.args.oracle.as_mut().expect("an oracle");
    match dump.feed {
        Some(feed) => oracle.feed_id = feed,
        None => (oracle.provider, oracle.feed_id) = (OracleProvider::PythPush, dump.address.to_bytes()),
    }
    let admin = world.admin.insecure_clone();
    world.accept(add.instruction(), &[&admin]);
    world.tokens.push(token);
    let listing = token.collateral(&world.engine).collateral;
    world.directory.insert_collateral(1, listing, dump.address);
    let trader = world.trader();
    world.fund(&trader, 1, 1_000_000_000_000_000);
    (world, trader)
}

fn accept_dump(name: &str) {
    let dump = PriceDump::load(name);
    let (mut world, trader) = priced_by(&dump, dump.account.owner);
    let value = world.report(&trader).collateral_value;
    assert_eq!(value, dump.price_picodollars() as i64, "{name}");
    // The account as it is, a day later.
    world.advance(86_400);
    let check = world.margin_check(&trader);
    world.refuse(check.instruction(), &[], E::OracleStale);
}

fn refuse_dump(name: &str, owner: Option<Pubkey>, error: E) {
    let dump = PriceDump::load(name);
    let (mut world, trader) = priced_by(&dump, owner.unwrap_or(dump.account.owner));
    let check = world.margin_check(&trader);
    world.refuse(check.instruction(), &[], error);
}

#[test]
fn fully_verified_mainnet_updates_are_read_to_the_last_digit() {
    for name in [
        "pu2_sol_usd_20240618_full",
        "pu2_sol_usd_20240625_full",
        "pu2_msol_usd_20240625_full",
        "pu2_sol_usd_20240716_full",
        "pu2_usdc_usd_20250513_full",
    ] {
        accept_dump(name);
    }
}

#[test]
fn updates_written_by_another_program_are_refused() {
    for name in ["pu2_sol_usd_20241220_partial2_foreign_owner", "pu2_wbtc_usd_20241220_partial2_foreign_owner"] {
        refuse_dump(name, None, E::OracleOwner);
    }
}

#[test]
fn partly_verified_mainnet_updates_are_refused() {
    for name in ["pu2_sol_usd_20241220_partial2_foreign_owner", "pu2_wbtc_usd_20241220_partial2_foreign_owner"] {
        refuse_dump(name, Some(RECEIVER_PROGRAM), E::OracleVerification);
    }
}

#[test]
fn legacy_mainnet_accounts_are_read_to_the_last_digit() {
    accept_dump("legacy_usdc_usd_20231207");
    accept_dump("legacy_bonk_usd_20231209T1117");
}

#[test]
fn legacy_accounts_of_another_program_are_refused() {
    refuse_dump("legacy_srm_usd_20221121_devnet", None, E::OracleOwner);
    refuse_dump("legacy_sol_usd_20241102_halted_owner_rec5", None, E::OracleOwner);
}

#[test]
fn a_halted_legacy_price_is_refused() {
    refuse_dump("legacy_sol_usd_20241102_halted_owner_rec5", Some(PUSH_PROGRAM), E::OracleHalted);
}

#[test]
fn a_legacy_account_at_another_address_is_another_feed() {
    let dump = PriceDump::load("legacy_usdc_usd_20231207");
    let (mut world, trader) = priced_by(&dump, dump.account.owner);
    let copy = Pubkey::new_unique();
    world.svm.set_account(copy, dump.account.clone()).expect("an account");
    let mut check = world.margin_check(&trader);
    check.markets[1].pubkey = copy;
    world.refuse(check.instruction(), &[], E::OracleFeed);
    // The address is right but the account is not a price.
    world.svm.set_account(dump.address, Account { data: vec![0; 3_312], ..dump.account }).expect("an account");
    let check = world.margin_check(&trader);
    world.refuse(check.instruction(), &[], E::OracleAccount);
}

/// The default market with an account that holds 10 SOL, its price replaced by a changed one.
fn with_update(change: impl FnOnce(&mut PriceUpdate)) -> (World, Trader) {
    let mut world = World::new();
    let trader = world.trader();
    world.fund(&trader, SOL_TOKEN, 10_000_000_000);
    let mut update = PriceUpdate::new(feeds::SOL_USD, Price(usd(137.0)), Price(usd(0.1)), NOW).with_eight_decimals();
    change(&mut update);
    world.post(&feeds::SOL_USD, &update);
    (world, trader)
}

fn refuse_update(change: impl FnOnce(&mut PriceUpdate), error: E) {
    let (mut world, trader) = with_update(change);
    let check = world.margin_check(&trader);
    world.refuse(check.instruction(), &[], error);
}

#[test]
fn another_feed_is_refused() {
    refuse_update(|update| update.feed = feeds::ETH_USD, E::OracleFeed);
}

#[test]
fn any_number_of_signatures_short_of_all_is_refused() {
    refuse_update(|update| update.level = VerificationLevel::Partial { num_signatures: 12 }, E::OracleVerification);
}

#[test]
fn a_price_from_the_future_is_refused() {
    refuse_update(|update| update.publish_time = NOW + MAX_FUTURE_SECONDS + 1, E::OracleFuture);
    refuse_update(|update| update.publish_time = i64::MAX, E::OracleFuture);
    let (mut world, trader) = with_update(|update| update.publish_time = NOW + MAX_FUTURE_SECONDS);
    assert_eq!(world.report(&trader).collateral_value, 1_370_000_000);
}

#[test]
fn a_price_that_is_no_price_is_refused() {
    refuse_update(|update| update.price = 0, E::OraclePrice);
    refuse_update(|update| update.price = -1, E::OraclePrice);
    refuse_update(|update| update.exponent = -30, E::OraclePrice);
    refuse_update(|update| update.exponent = 9, E::OraclePrice);
    refuse_update(|update| update.exponent = i32::MAX, E::OraclePrice);
    refuse_update(|update| update.exponent = i32::MIN, E::OraclePrice);
}

#[test]
fn a_price_that_nobody_is_sure_of_is_refused() {
    refuse_update(|update| update.confidence = u64::MAX, E::OracleConfidence);
    // 5 % of 137 USD is the limit for liquidation.
    refuse_update(|update| update.confidence = 685_000_001, E::OracleConfidence);
    let (mut world, trader) = with_update(|update| update.confidence = 685_000_000);
    world.report(&trader);
    // To take risk 1 % is the limit.
    let withdraw = world.withdraw(&trader, SOL_TOKEN, 1);
    world.refuse(withdraw.instruction(), &[&trader.key], E::OracleConfidence);
    let (mut world, trader) = with_update(|update| update.confidence = 137_000_000);
    let withdraw = world.withdraw(&trader, SOL_TOKEN, 1);
    world.accept(withdraw.instruction(), &[&trader.key]);
}

#[test]
fn liquidation_accepts_an_older_price_than_trading() {
    let (mut world, trader) = with_update(|_| {});
    world.advance(60);
    let withdraw = world.withdraw(&trader, SOL_TOKEN, 1);
    world.accept(withdraw.instruction(), &[&trader.key]);
    world.advance(1);
    let withdraw = world.withdraw(&trader, SOL_TOKEN, 1);
    world.refuse(withdraw.instruction(), &[&trader.key], E::OracleStale);
    world.advance(239);
    world.report(&trader);
    world.advance(1);
    let check = world.margin_check(&trader);
    world.refuse(check.instruction(), &[], E::OracleStale);
    refuse_update(|update| update.publish_time = i64::MIN, E::OracleStale);
}

#[test]
fn an_account_of_another_type_is_not_a_price() {
    let (mut world, trader) = with_update(|_| {});
    let price = world.price_account(&feeds::SOL_USD);
    let genuine = world.svm.get_account(&price).expect("an account");
    let mut other_type = genuine.clone();
    other_type.data[0] ^= 1;
    let cut = Account { data: genuine.data[..60].to_vec(), ..genuine.clone() };
    let empty = Account { data: Vec::new(), ..genuine };
    for account in [other_type, cut, empty] {
        world.svm.set_account(price, account).expect("an account");
        let check = world.margin_check(&trader);
        world.refuse(check.instruction(), &[], E::OracleAccount);
    }
}

#[test]
fn a_stored_provider_that_does_not_exist_is_refused() {
    let (mut world, trader) = with_update(|_| {});
    let listing = world.tokens[usize::from(SOL_TOKEN)].collateral(&world.engine).collateral;
    world.forge::<Collateral>(listing, |state| state.oracle.provider = 7);
    let check = world.margin_check(&trader);
    world.refuse(check.instruction(), &[], E::OracleProvider);
}
