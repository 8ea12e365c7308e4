//! Trades: who may, what may be traded, and what it does to both books.

use margin_client::{
    constants::MAX_PRICE,
    errors::EngineError as E,
    instructions::TradeExecute,
    state::{Instrument, MarginAccount, Underlying},
};
use solana_keypair::Keypair;
use solana_signer::Signer;
use tests_svm::{
    AnchorError, BTC, FAR, MintOptions, NEAR, NOW, SOL, Trader, USDC, World, buy, call, lots_of, perpetual, put, sell,
    specs, usd, usdc,
};

/// A maker and a taker with plenty of cash.
pub fn pair() -> (World, Trader, Trader) {
    let mut world = World::new();
    let maker = world.funded(1_000_000.0);
    let taker = world.funded(100_000.0);
    (world, maker, taker)
}

fn refuse(change: impl FnOnce(&mut TradeExecute), error: E) {
    let (mut world, maker, taker) = pair();
    let mut trade = world.trade(&maker, &taker, &[buy(1, call(BTC, NEAR, 100_000), 2_500.0)]);
    change(&mut trade);
    world.refuse(trade.instruction(), &[&maker.key, &taker.key], error);
}

fn refuse_instrument(change: impl FnOnce(&mut Instrument), error: E) {
    refuse(|trade| change(&mut trade.args.legs[0].instrument), error);
}

#[test]
fn a_premium_settles_in_cash_at_once() {
    let (mut world, maker, taker) = pair();
    world.fill(&maker, &taker, &[buy(7, put(BTC, NEAR, 90_000), 2_000.5)]);
    // 0.07 BTC at 2 000.5.
    assert_eq!(world.cash(&taker), usdc(100_000.0 - 140.035) as i64);
    assert_eq!(world.cash(&maker), usdc(1_000_000.0 + 140.035) as i64);
    let (long, short) = (world.account(&taker), world.account(&maker));
    assert_eq!(lots_of(&long, put(BTC, NEAR, 90_000)), 7);
    assert_eq!(lots_of(&short, put(BTC, NEAR, 90_000)), -7);
    assert_eq!((long.sequence, short.sequence), (1, 1));
}

#[test]
fn the_payer_pays_the_odd_part_of_an_atom_whichever_side_he_is_on() {
    let (mut world, maker, taker) = pair();
    // 0.01 BTC at 0.000001 USD: a hundredth of an atom.
    world.fill(&maker, &taker, &[buy(1, call(BTC, NEAR, 150_000), 0.000_001)]);
    assert_eq!(world.cash(&taker), usdc(100_000.0) as i64 - 1);
    world.fill(&maker, &taker, &[sell(1, call(BTC, NEAR, 150_000), 0.000_001)]);
    assert_eq!(world.cash(&taker), usdc(100_000.0) as i64);
    assert_eq!(world.cash(&maker), usdc(1_000_000.0) as i64);
}

#[test]
fn a_perpetual_settles_its_profit_at_every_trade() {
    let (mut world, maker, taker) = pair();
    // Bought a dollar above the index: that dollar is lost at once.
    world.fill(&maker, &taker, &[buy(200, perpetual(SOL), 138.0)]);
    assert_eq!(world.cash(&taker), usdc(100_000.0 - 200.0) as i64);
    assert_eq!(world.cash(&maker), usdc(1_000_000.0 + 200.0) as i64);
    let settled = |account: &MarginAccount| account.position(&perpetual(SOL)).expect("a position").settled_value;
    assert_eq!(settled(&world.account(&taker)), usdc(200.0 * 137.0) as i64);

    // The index rises by 13.7: unrealised profit until the next trade.
    world.shock(SOL, 1.1);
    assert_eq!(world.cash(&taker), usdc(99_800.0) as i64);
    assert_eq!(world.report(&taker).positions_value, usdc(200.0 * 13.7) as i64);
    world.fill(&maker, &taker, &[buy(1, perpetual(SOL), 150.7)]);
    assert_eq!(world.cash(&taker), usdc(99_800.0 + 200.0 * 13.7) as i64);
    assert_eq!(settled(&world.account(&taker)), usdc(201.0 * 150.7) as i64);
    assert_eq!(world.report(&taker).positions_value, 0);

    // Through zero to the other side, two dollars above the index.
    world.fill(&maker, &taker, &[sell(301, perpetual(SOL), 152.7)]);
    assert_eq!(world.cash(&taker), usdc(99_800.0 + 200.0 * 13.7 + 301.0 * 2.0) as i64);
    assert_eq!(settled(&world.account(&taker)), -(usdc(100.0 * 150.7) as i64));
}

#[test]
fn each_side_is_checked_once_after_all_legs() {
    let mut world = World::new();
    let maker = world.funded(1_000_000.0);
    let taker = world.funded(500.0);
    let naked = sell(10, call(BTC, NEAR, 100_000), 2_500.0);
    let cover = buy(10, call(BTC, NEAR, 101_000), 2_200.0);
    let trade = world.trade(&maker, &taker, std::slice::from_ref(&naked));
    world.refuse(trade.instruction(), &[&maker.key, &taker.key], E::BelowInitialMargin);
    world.fill(&maker, &taker, &[naked, cover]);
    assert_eq!(world.account(&taker).sequence, 1);
}

#[test]
fn eight_legs_fit_one_trade() {
    let (mut world, maker, taker) = pair();
    let legs: Vec<_> = (0..8).map(|i| buy(1, call(BTC, NEAR, 90_000 + 5_000 * i), 1_000.0)).collect();
    world.fill(&maker, &taker, &legs);
    assert_eq!(world.account(&taker).positions().len(), 8);
}

#[test]
fn neither_side_may_end_below_initial_margin() {
    let mut world = World::new();
    let rich = world.funded(1_000_000.0);
    let poor = world.funded(1_000.0);
    let legs = [sell(10, call(BTC, NEAR, 100_000), 2_500.0)];
    let taking = world.trade(&rich, &poor, &legs);
    world.refuse(taking.instruction(), &[&rich.key, &poor.key], E::BelowInitialMargin);
    let legs = [buy(10, call(BTC, NEAR, 100_000), 2_500.0)];
    let making = world.trade(&poor, &rich, &legs);
    world.refuse(making.instruction(), &[&poor.key, &rich.key], E::BelowInitialMargin);
}

#[test]
fn a_trade_dies_at_its_deadline() {
    refuse(|trade| trade.args.deadline = NOW - 1, E::TradeDeadline);
    refuse(|trade| trade.args.deadline = i64::MIN, E::TradeDeadline);
}

#[test]
fn a_trade_signed_for_a_sequence_number_runs_once() {
    refuse(|trade| trade.args.maker_sequence = Some(1), E::TradeSequence);
    refuse(|trade| trade.args.taker_sequence = Some(u64::MAX), E::TradeSequence);
    let (mut world, maker, taker) = pair();
    let mut trade = world.trade(&maker, &taker, &[buy(1, call(BTC, NEAR, 100_000), 2_500.0)]);
    (trade.args.maker_sequence, trade.args.taker_sequence) = (Some(0), Some(0));
    world.accept(trade.clone().instruction(), &[&maker.key, &taker.key]);
    world.refuse(trade.instruction(), &[&maker.key, &taker.key], E::TradeSequence);
}

#[test]
fn nobody_trades_with_himself() {
    let (mut world, maker, _) = pair();
    let trade = world.trade(&maker, &maker, &[buy(1, call(BTC, NEAR, 100_000), 2_500.0)]);
    world.refuse(trade.instruction(), &[&maker.key], E::TradeWithSelf);
}

#[test]
fn both_sides_sign() {
    let (mut world, maker, taker) = pair();
    let stranger = Keypair::new();
    let legs = [buy(1, call(BTC, NEAR, 100_000), 2_500.0)];
    for side in 0..2 {
        let mut trade = world.trade(&maker, &taker, &legs);
        *[&mut trade.maker, &mut trade.taker][side] = stranger.pubkey();
        let signers = [[&stranger, &taker.key], [&maker.key, &stranger]][side];
        world.refuse(trade.instruction(), &signers, E::NotOwnerOrDelegate);

        let mut unsigned = world.trade(&maker, &taker, &legs).instruction();
        unsigned.accounts[side].is_signer = false;
        let signer = [&taker.key, &maker.key][side];
        world.refuse_anchor(unsigned, &[signer], AnchorError::AccountNotSigner);
    }
}

#[test]
fn a_delegate_may_trade_and_nobody_is_the_default_delegate() {
    let (mut world, maker, _) = pair();
    let delegate = Keypair::new();
    let taker = world.trader_with_delegate(delegate.pubkey());
    world.fund(&taker, USDC, usdc(10_000.0));
    let mut trade = world.trade(&maker, &taker, &[buy(1, call(BTC, NEAR, 100_000), 2_500.0)]);
    trade.taker = delegate.pubkey();
    world.accept(trade.clone().instruction(), &[&maker.key, &delegate]);
    trade.maker = delegate.pubkey();
    world.refuse(trade.instruction(), &[&delegate], E::NotOwnerOrDelegate);
}

#[test]
fn one_to_eight_legs_each_with_a_quantity() {
    refuse(|trade| trade.args.legs.clear(), E::TradeLegs);
    refuse(|trade| trade.args.legs = vec![trade.args.legs[0].clone(); 9], E::TradeLegs);
    refuse(|trade| trade.args.legs[0].lots = 0, E::LegQuantity);
}

#[test]
fn prices_and_strikes_have_their_ranges() {
    refuse(|trade| trade.args.legs[0].price = MAX_PRICE + 1, E::LegPrice);
    let free_perpetual = |trade: &mut TradeExecute| {
        trade.args.legs[0].instrument = perpetual(BTC);
        trade.args.legs[0].price = 0;
    };
    refuse(free_perpetual, E::LegPrice);
    refuse_instrument(|instrument| instrument.strike = 9_999, E::LegStrike);
    refuse_instrument(|instrument| instrument.strike = MAX_PRICE + 1, E::LegStrike);
}

#[test]
fn instruments_have_their_shape() {
    refuse_instrument(|instrument| instrument.strike = 0, E::LegInstrument);
    refuse_instrument(|instrument| instrument.expiry = 0, E::LegInstrument);
    refuse_instrument(|instrument| instrument.expiry = -NEAR, E::LegInstrument);
    refuse_instrument(|instrument| *instrument = Instrument { strike: 1, ..perpetual(BTC) }, E::LegInstrument);
    refuse_instrument(|instrument| *instrument = Instrument { expiry: NEAR, ..perpetual(BTC) }, E::LegInstrument);
}

#[test]
fn an_option_needs_a_listed_living_series_with_a_fresh_surface() {
    refuse_instrument(|instrument| instrument.expiry = NEAR + 1, E::ExpiryUnknown);

    let (mut world, maker, taker) = pair();
    let unpublished = NOW + 86_400;
    let list = world.expiry_listing(BTC, unpublished);
    let admin = world.admin.insecure_clone();
    world.accept(list.instruction(), &[&admin]);
    let trade = world.trade(&maker, &taker, &[buy(1, call(BTC, unpublished, 100_000), 100.0)]);
    world.refuse(trade.instruction(), &[&maker.key, &taker.key], E::SurfaceMissing);

    world.advance(601);
    for spec in specs() {
        world.set_price(&spec.feed, spec.spot);
    }
    let trade = world.trade(&maker, &taker, &[buy(1, call(BTC, NEAR, 100_000), 2_500.0)]);
    world.refuse(trade.instruction(), &[&maker.key, &taker.key], E::SurfaceStale);
    // A perpetual needs no surface.
    world.fill(&maker, &taker, &[buy(1, perpetual(SOL), 137.0)]);

    world.set_time(NEAR);
    world.refresh();
    let trade = world.trade(&maker, &taker, &[buy(1, call(BTC, NEAR, 100_000), 2_500.0)]);
    world.refuse(trade.instruction(), &[&maker.key, &taker.key], E::SeriesExpired);
    world.fill(&maker, &taker, &[buy(1, call(BTC, FAR, 100_000), 5_000.0)]);
}

#[test]
fn accounts_of_two_engines_do_not_trade() {
    let (mut world, maker, taker) = pair();
    let other = world.another_engine();
    let mut trade = world.trade(&maker, &taker, &[buy(1, call(BTC, NEAR, 100_000), 2_500.0)]);
    trade.engine = other;
    world.refuse(trade.instruction(), &[&maker.key, &taker.key], E::ForeignEngine);
}

#[test]
fn a_full_account_takes_no_further_instrument_but_trades_those_it_has() {
    let (mut world, maker, taker) = pair();
    world.forge::<MarginAccount>(taker.account, |state| {
        for i in 0..128 {
            state.add_position(put(BTC, NEAR, 50_000 + 100 * i), 1, 0).expect("a free row");
        }
    });
    let trade = world.trade(&maker, &taker, &[buy(1, call(BTC, NEAR, 100_000), 2_500.0)]);
    world.refuse(trade.instruction(), &[&maker.key, &taker.key], E::PositionTableFull);
    world.fill(&maker, &taker, &[buy(1, put(BTC, NEAR, 50_000), 10.0)]);
    // What leaves makes room.
    let swap = [sell(2, put(BTC, NEAR, 50_000), 10.0), buy(1, call(BTC, NEAR, 100_000), 2_500.0)];
    world.fill(&maker, &taker, &swap);
}

#[test]
fn amounts_beyond_their_types_are_refused() {
    refuse(|trade| (trade.args.legs[0].lots, trade.args.legs[0].price) = (i64::MAX, usd(94_000.0)), E::Overflow);
    refuse(|trade| (trade.args.legs[0].lots, trade.args.legs[0].price) = (i64::MIN, 0), E::Overflow);
    refuse(|trade| (trade.args.legs[0].lots, trade.args.legs[0].price) = (1 << 41, 0), E::Overflow);
    // More lots than an array of scenarios holds, as no trade can open them.
    let (mut world, _, taker) = pair();
    let option = call(BTC, NEAR, 100_000);
    world.forge::<MarginAccount>(taker.account, |account| {
        account.add_position(option, 1 << 41, 0).expect("lots in range");
    });
    let check = world.margin_check(&taker);
    world.refuse(check.instruction(), &[], E::KernelOverflow);
}

#[test]
fn what_the_kernel_cannot_price_cannot_be_traded() {
    // A strike of 1e-8 USD against a forward of 94 000.
    refuse_instrument(|instrument| instrument.strike = 10_000, E::KernelStrike);

    // Total variance 16 over two seconds is a vol of 1.6 million percent.
    let (mut world, maker, taker) = pair();
    let [btc, ..] = specs();
    let mut wild = btc.surfaces[0];
    wild.expiry = NOW + 2;
    wild.svi[0] = 16_000_000_000_000_000;
    let admin = world.admin.insecure_clone();
    let list = world.expiry_listing(BTC, wild.expiry);
    world.accept(list.instruction(), &[&admin]);
    let publish = world.publication(&btc, &wild);
    world.accept(publish.instruction(), &[&admin]);
    let trade = world.trade(&maker, &taker, &[buy(1, call(BTC, wild.expiry, 100_000), 10.0)]);
    world.refuse(trade.instruction(), &[&maker.key, &taker.key], E::KernelVol);
}

#[test]
fn a_market_stored_by_another_layout_is_not_read() {
    let (mut world, maker, taker) = pair();
    let trade = world.trade(&maker, &taker, &[buy(1, call(BTC, NEAR, 100_000), 2_500.0)]);
    world.forge::<Underlying>(trade.markets[0].pubkey, |state| state.version = 2);
    world.refuse(trade.instruction(), &[&maker.key, &taker.key], E::UnknownLayout);
}

#[test]
fn a_trade_in_dollars_works_with_whole_dollars_as_atoms() {
    let mut world = World::with_tokens(&MintOptions::spl(0), &MintOptions::spl(9));
    let maker = world.trader();
    let taker = world.trader();
    world.fund(&maker, USDC, 100_000);
    world.fund(&taker, USDC, 10_000);
    world.fill(&maker, &taker, &[buy(3, call(BTC, NEAR, 100_000), usd(2_501.0) as f64 / 1e12)]);
    // 75.03 dollars, rounded up to the next whole one.
    assert_eq!(world.cash(&taker), 10_000 - 76);
}
