//! Accounts that lack more than they have: who takes them, and who pays.

use fixed::types::I80F48;
use margin_client::{
    errors::EngineError as E,
    events::{EngineEvent, InsolventBid, LossPayment},
    instructions::Fund,
    state::MarginAccount,
};
use tests_svm::{BTC, ETH, SOL_TOKEN, Trader, USDC, World, buy, perpetual, usdc};

use crate::{
    bid_laws::Books,
    liquidation::{WHOLE, sink, start, stretched},
};

/// An account whose equity is at most −1 USDC, in liquidation.
pub fn insolvent() -> (World, Trader, Trader) {
    let (mut world, trader, keeper) = stretched();
    sink(&mut world, &trader, -1_000_000);
    start(&mut world, &keeper, &trader);
    (world, trader, keeper)
}

#[track_caller]
fn take_over(world: &mut World, keeper: &Trader, trader: &Trader, fraction: u64) -> InsolventBid {
    let bid = world.insolvent_bid(keeper, trader, fraction);
    let events = world.accept(bid.instruction(), &[&keeper.key]).events();
    let Ok([EngineEvent::InsolventBid(event)]) = <[EngineEvent; 1]>::try_from(events) else { panic!("one event") };
    event
}

fn wait(world: &mut World, seconds: i64) {
    world.advance(seconds);
    world.refresh();
}

#[test]
fn the_funds_pay_in_their_order_and_the_bidder_loses_nothing_at_the_marks() {
    let (mut world, trader, keeper) = insolvent();
    let state = world.account(&trader).liquidation;
    assert_eq!((state.insolvent_at, state.insured_underlying), (world.now(), BTC), "the clock runs from the start");
    let lacking = -world.report(&trader).equity;
    // The underlying's fund holds a third of it, the common one all.
    let third = lacking.unsigned_abs() / 3;
    world.insure(Fund::Underlying(BTC), third);
    world.insure(Fund::Underlying(ETH), 5_000);
    world.insure(Fund::Common, lacking.unsigned_abs());

    let solvent = world.bid(&keeper, &trader, WHOLE).instruction();
    world.refuse(solvent, &[&keeper.key], E::AuctionInsolvent);
    let keeper_before = world.report(&keeper).equity;
    let before = Books::of(&world, &trader, &keeper);
    let event = take_over(&mut world, &keeper, &trader, WHOLE);
    let after = Books::of(&world, &trader, &keeper);

    assert!((event.payout - lacking).abs() <= 1, "{event:?} for {lacking}");
    let common = event.payout.unsigned_abs() - third;
    assert_eq!(event.loss, LossPayment { from_underlying: third, from_common: common, socialised: 0 });
    assert_eq!((event.fraction, event.insured_underlying, event.released), (WHOLE, BTC, true));
    assert_eq!((event.socialised_before, event.socialised_after), (0, 0));
    assert_eq!(world.underlying(BTC).insurance.amount, 0);
    assert_eq!(world.underlying(ETH).insurance.amount, 5_000, "another market's fund is not touched");
    assert_eq!(world.collateral(USDC).insurance.amount, lacking.unsigned_abs() - common);
    // Everything went over; what the bidder got for it is what it lacked.
    assert!(after.account.positions().is_empty() && after.account.balances().is_empty());
    assert!(after.account.cash() >= I80F48::ZERO && after.account.cash() < 1);
    assert_eq!(after.bidder.positions().len(), before.account.positions().len());
    assert_eq!(after.balance(), before.balance());
    assert!((world.report(&keeper).equity - keeper_before).abs() <= 2);
    let close = world.closing(&trader);
    world.accept(close.instruction(), &[&trader.key]);
}

#[test]
fn the_payout_grows_to_the_margin_that_is_missing() {
    // Half an hour of the preset's hour, and long after it.
    for (elapsed, share) in [(0, 0.0), (1_800, 0.5), (3_600, 1.0), (50_000, 1.0)] {
        let (mut world, trader, keeper) = insolvent();
        world.insure(Fund::Common, usdc(1_000_000.0));
        wait(&mut world, elapsed);
        let report = world.report(&trader);
        let (low, high) = (-report.equity, report.maintenance_margin - report.equity);
        let expected = low as f64 + (high - low) as f64 * share;
        let event = take_over(&mut world, &keeper, &trader, WHOLE / 4);
        // The slice is a little more than a quarter, as lots round up; that much the payout is corrected by.
        let excess = event.slice_value - report.equity / 4;
        let payout = expected / 4.0 - excess as f64;
        assert!((event.payout as f64 - payout).abs() < 4.0, "{} is not {payout} after {elapsed} s", event.payout);
        assert!(!event.released);
    }
}

#[test]
fn what_no_fund_holds_is_borne_by_every_deposit_alike() {
    let (mut world, trader, keeper) = insolvent();
    let rich = world.funded(400_000.0);
    let poor = world.funded(3.0);
    let before: Vec<i64> = [&keeper, &rich, &poor].map(|trader| world.cash(trader)).to_vec();
    let taken = world.cash(&trader);
    let event = take_over(&mut world, &keeper, &trader, WHOLE);
    let loss = event.loss;
    assert_eq!((loss.from_underlying, loss.from_common, loss.socialised), (0, 0, event.payout.unsigned_abs()));
    assert!(event.socialised_after > event.socialised_before);
    // Reports show it before anything is touched; what is touched is what was shown.
    let share = event.socialised_after as f64 / 2f64.powi(63);
    for (trader, before) in [(&rich, before[1]), (&poor, before[2])] {
        let shown = world.report(trader).cash;
        assert!((shown as f64 - before as f64 * (1.0 - share)).abs() <= 1.0, "{shown} of {before}");
        world.meet_pool(trader);
        assert_eq!(world.cash(trader), shown);
    }
    // Nobody bears it twice, and who comes after the loss does not bear it.
    let newcomer = world.funded(1_000.0);
    for trader in [&rich, &newcomer] {
        let cash = world.cash(trader);
        world.meet_pool(trader);
        assert_eq!(world.cash(trader), cash);
    }
    assert_eq!(world.cash(&newcomer), usdc(1_000.0) as i64);
    // The bidder's cash and what he took over bore their share, his payout did not.
    let kept = (before[0] + taken) as f64 * (1.0 - share);
    assert!((event.bidder_cash_before as f64 - kept).abs() < 3.0, "{event:?} for {kept}");
    assert_eq!(event.bidder_cash_after - event.bidder_cash_before, event.payout);
}

/// The bidder's perpetual closes the account's: neither holds the market afterwards, and the bid passes it all the same.
#[test]
fn a_bidder_whose_perpetual_nets_out_may_take_the_account() {
    let (mut world, trader, keeper) = stretched();
    let maker = world.funded(1_000_000.0);
    world.fill(&maker, &keeper, &[buy(19, perpetual(ETH), 3_250.0)]);
    world.insure(Fund::Common, usdc(1_000_000.0));
    sink(&mut world, &trader, -1_000_000);
    start(&mut world, &keeper, &trader);
    let event = take_over(&mut world, &keeper, &trader, WHOLE);
    assert!(event.released, "{event:?}");
    assert!(world.account(&keeper).positions().iter().all(|position| position.underlying != ETH));
}

#[test]
fn a_payout_has_a_floor_and_a_bidder_his_margin() {
    let (mut world, trader, keeper) = insolvent();
    world.insure(Fund::Common, usdc(1_000_000.0));
    let payout = {
        let bid = world.insolvent_bid(&keeper, &trader, WHOLE).instruction();
        let simulated = world.svm.simulate_transaction(world.transaction(&[bid], &[&keeper.key]));
        assert!(simulated.is_ok());
        -world.report(&trader).equity
    };
    let mut greedy = world.insolvent_bid(&keeper, &trader, WHOLE);
    greedy.args.minimum_payout = payout + 2;
    world.refuse(greedy.instruction(), &[&keeper.key], E::BidPriceLimit);
    let poor = world.funded(10.0);
    let bid = world.insolvent_bid(&poor, &trader, WHOLE).instruction();
    world.refuse(bid, &[&poor.key], E::BelowInitialMargin);
    for fraction in [0, WHOLE + 1] {
        let bid = world.insolvent_bid(&keeper, &trader, fraction).instruction();
        world.refuse(bid, &[&keeper.key], E::BidFraction);
    }
    let own = world.insolvent_bid(&trader, &trader, WHOLE);
    let mut own_bid = own;
    own_bid.bidder_account = keeper.account;
    own_bid.bidder = trader.owner();
    world.refuse(own_bid.instruction(), &[&trader.key], E::NotOwnerOrDelegate);
}

#[test]
fn the_named_fund_is_the_one_that_pays() {
    let (mut world, trader, keeper) = insolvent();
    world.insure(Fund::Common, usdc(1_000_000.0));
    let mut without = world.insolvent_bid(&keeper, &trader, WHOLE);
    without.insured_underlying = None;
    world.refuse(without.instruction(), &[&keeper.key], E::InsuranceUnderlying);
    let mut other = world.insolvent_bid(&keeper, &trader, WHOLE);
    other.insured_underlying = Some(margin_client::addresses::underlying(&world.engine, ETH));
    world.refuse(other.instruction(), &[&keeper.key], E::InsuranceUnderlying);
    let mut token = world.insolvent_bid(&keeper, &trader, WHOLE);
    token.quote = world.collateral_address(SOL_TOKEN);
    world.refuse(token.instruction(), &[&keeper.key], E::NotQuoteCollateral);
}

#[test]
fn an_account_that_recovers_goes_back_to_its_solvent_auction() {
    let (mut world, trader, keeper) = insolvent();
    for _ in 0..100 {
        if world.report(&trader).equity > 0 {
            break;
        }
        world.shock(BTC, 0.995);
    }
    let report = world.report(&trader);
    assert!(report.equity > 0 && report.equity < report.maintenance_margin);
    let bid = world.insolvent_bid(&keeper, &trader, WHOLE).instruction();
    world.refuse(bid, &[&keeper.key], E::AuctionSolvent);
    let convert = world.conversion(&trader).instruction();
    let Ok([EngineEvent::LiquidationConverted(event)]) =
        <[EngineEvent; 1]>::try_from(world.accept(convert, &[]).events())
    else {
        panic!("one event")
    };
    assert!(!event.insolvent);
    assert_eq!(world.account(&trader).liquidation.insolvent_at, 0);
    let bid = world.bid(&keeper, &trader, WHOLE).instruction();
    world.accept(bid, &[&keeper.key]);
}

#[test]
fn a_debt_without_anything_else_is_resolved() {
    let mut world = World::new();
    let trader = world.funded(1_000.0);
    world.funded(1_000_000.0);
    let healthy = world.resolution(&trader).instruction();
    world.refuse(healthy, &[], E::NotBankrupt);
    // What remained of a book that was settled: it owes 250.5 atoms.
    world.forge::<MarginAccount>(trader.account, |account| account.cash = (-(501i128 << 47)).to_le_bytes());
    world.insure(Fund::Common, 100);
    let resolve = world.resolution(&trader).instruction();
    let Ok([EngineEvent::BankruptcyResolved(event)]) =
        <[EngineEvent; 1]>::try_from(world.accept(resolve, &[]).events())
    else {
        panic!("one event")
    };
    assert_eq!(event.loss, LossPayment { from_underlying: 0, from_common: 100, socialised: 151 });
    assert_eq!((event.cash_before, event.cash_after), (-251, 0));
    assert_eq!(world.account(&trader).cash(), I80F48::from_num(0.5), "the odd half of an atom");
    let again = world.resolution(&trader).instruction();
    world.refuse(again, &[], E::NotBankrupt);
}

#[test]
fn an_account_with_anything_left_is_not_bankrupt() {
    let (mut world, trader, _) = insolvent();
    let resolve = world.resolution(&trader).instruction();
    world.refuse(resolve, &[], E::NotBankrupt);
    let mut without = world.resolution(&trader);
    without.insured_underlying = None;
    world.refuse(without.instruction(), &[], E::InsuranceUnderlying);
    let mut token = world.resolution(&trader);
    token.quote = world.collateral_address(SOL_TOKEN);
    world.refuse(token.instruction(), &[], E::NotQuoteCollateral);
}

#[test]
fn deposits_cannot_bear_more_than_they_are() {
    let mut world = World::new();
    let trader = world.trader();
    world.funded(0.001);
    world.forge::<MarginAccount>(trader.account, |account| account.cash = (-(2_000i128 << 48)).to_le_bytes());
    let resolve = world.resolution(&trader).instruction();
    world.refuse(resolve, &[], E::LossExceedsDeposits);
}
