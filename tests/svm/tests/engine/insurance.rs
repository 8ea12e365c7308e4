//! Insurance funds: gifts, limits, and the way out after a delay.

use margin_client::{
    errors::EngineError as E,
    events::EngineEvent,
    instructions::{Fund, InsuranceLimitArgs},
};
use tests_svm::{BTC, ETH, SOL_TOKEN, USDC, World, token_balance, usdc};

use crate::liquidation::{WHOLE, sink, start, stretched};

const DELAY: i64 = 3 * 86_400;

#[test]
fn anyone_gives_to_either_kind_of_fund() {
    let mut world = World::new();
    let donor = world.trader();
    for (fund, index) in [(Fund::Common, u16::MAX), (Fund::Underlying(ETH), ETH)] {
        for (amount, before) in [(5, 0), (7, 5)] {
            let donation = world.donation(&donor, fund, amount);
            let events = world.accept(donation.instruction(), &[&donor.key]).events();
            let Ok([EngineEvent::InsuranceDeposited(event)]) = <[EngineEvent; 1]>::try_from(events) else {
                panic!("one event")
            };
            assert_eq!((event.underlying, event.donor), (index, donor.owner()));
            assert_eq!((event.amount, event.before, event.after), (amount, before, before + amount));
        }
    }
    assert_eq!(world.underlying(ETH).insurance.amount, 12);
    assert_eq!(world.underlying(BTC).insurance.amount, 0);
    let quote = world.collateral(USDC);
    assert_eq!((quote.insurance.amount, quote.insured), (12, 24));

    let nothing = world.donation(&donor, Fund::Common, 0);
    world.refuse(nothing.instruction(), &[&donor.key], E::AmountZero);
    let mut token = world.donation(&donor, Fund::Common, 5);
    token.quote = world.tokens[usize::from(SOL_TOKEN)].collateral(&world.engine);
    world.refuse(token.instruction(), &[&donor.key], E::NotQuoteCollateral);
}

#[test]
fn the_admin_withdraws_what_everybody_saw_coming() {
    let mut world = World::new();
    let (admin, stranger) = (world.admin.insecure_clone(), world.trader());
    let wallet = stranger.wallets[usize::from(USDC)];
    for fund in [Fund::Common, Fund::Underlying(BTC)] {
        world.insure(fund, 1_000);
        let take = |world: &World| world.insurance_withdrawal(fund, wallet).instruction();
        let early = take(&world);
        world.refuse(early.clone(), &[&admin], E::InsuranceNotRequested);
        let more = world.insurance_request(fund, 1_001).instruction();
        world.refuse(more, &[&admin], E::InsufficientInsurance);
        let mut other = world.insurance_request(fund, 5);
        other.admin = stranger.owner();
        world.refuse(other.instruction(), &[&stranger.key], E::NotAdmin);

        let request = world.insurance_request(fund, 600).instruction();
        let events = world.accept(request, &[&admin]).events();
        let Ok([EngineEvent::InsuranceRequested(event)]) = <[EngineEvent; 1]>::try_from(events) else {
            panic!("one event")
        };
        assert_eq!((event.before, event.amount, event.available_at), (0, 600, world.now() + DELAY));
        world.advance(DELAY - 1);
        world.refuse(early.clone(), &[&admin], E::InsuranceDelay);
        // A second request starts the delay anew, and zero takes it back.
        let again = world.insurance_request(fund, 500).instruction();
        world.accept(again, &[&admin]);
        world.advance(1);
        world.refuse(early.clone(), &[&admin], E::InsuranceDelay);
        world.advance(DELAY);
        let mut thief = world.insurance_withdrawal(fund, wallet);
        thief.admin = stranger.owner();
        world.refuse(thief.instruction(), &[&stranger.key], E::NotAdmin);
        let before = token_balance(&world.svm, &wallet);
        let events = world.accept(early.clone(), &[&admin]).events();
        let Ok([EngineEvent::InsuranceWithdrawn(event)]) = <[EngineEvent; 1]>::try_from(events) else {
            panic!("one event")
        };
        assert_eq!((event.amount, event.before, event.after), (500, 1_000, 500));
        assert_eq!(token_balance(&world.svm, &wallet), before + 500);
        world.refuse(early.clone(), &[&admin], E::InsuranceNotRequested);

        let request = world.insurance_request(fund, 1).instruction();
        world.accept(request, &[&admin]);
        let back = world.insurance_request(fund, 0).instruction();
        world.accept(back, &[&admin]);
        world.advance(DELAY);
        world.refuse(early, &[&admin], E::InsuranceNotRequested);
    }
}

#[test]
fn what_was_requested_covers_losses_until_it_has_left() {
    let (mut world, trader, keeper) = stretched();
    let admin = world.admin.insecure_clone();
    let wallet = trader.wallets[usize::from(USDC)];
    world.insure(Fund::Common, 900);
    let request = world.insurance_request(Fund::Common, 900).instruction();
    world.accept(request, &[&admin]);
    sink(&mut world, &trader, -1_000_000);
    start(&mut world, &keeper, &trader);
    let bid = world.insolvent_bid(&keeper, &trader, WHOLE).instruction();
    world.accept(bid, &[&keeper.key]);
    assert_eq!(world.collateral(USDC).insurance.amount, 0);
    world.advance(DELAY);
    let late = world.insurance_withdrawal(Fund::Common, wallet).instruction();
    world.refuse(late, &[&admin], E::InsufficientInsurance);
    // What came in since is what is left of the request.
    world.insure(Fund::Common, 40);
    let late = world.insurance_withdrawal(Fund::Common, wallet).instruction();
    let events = world.accept(late, &[&admin]).events();
    let Ok([EngineEvent::InsuranceWithdrawn(event)]) = <[EngineEvent; 1]>::try_from(events) else {
        panic!("one event")
    };
    assert_eq!(event.amount, 40);
}

#[test]
fn a_market_gone_wrong_draws_its_limit_and_then_from_the_common_fund() {
    let (mut world, trader, keeper) = stretched();
    let admin = world.admin.insecure_clone();
    world.insure(Fund::Underlying(BTC), usdc(1_000_000.0));
    world.insure(Fund::Common, usdc(1_000_000.0));
    let limit = world.insurance_limit(BTC, 300, 86_400).instruction();
    let events = world.accept(limit, &[&admin]).events();
    let Ok([EngineEvent::InsuranceLimited(event)]) = <[EngineEvent; 1]>::try_from(events) else { panic!("one event") };
    assert_eq!(event.before, InsuranceLimitArgs { limit: u64::MAX, window: 0 });
    assert_eq!(event.after, InsuranceLimitArgs { limit: 300, window: 86_400 });
    sink(&mut world, &trader, -1_000_000);
    start(&mut world, &keeper, &trader);
    let mut drawn = Vec::new();
    for (fraction, wait) in [(WHOLE / 10, 0), (WHOLE / 10, 43_200), (WHOLE / 10, 0)] {
        let report = world.report(&trader);
        let bid = world.insolvent_bid(&keeper, &trader, fraction).instruction();
        let events = world.accept(bid, &[&keeper.key]).events();
        let Ok([EngineEvent::InsolventBid(event)]) = <[EngineEvent; 1]>::try_from(events) else { panic!("one event") };
        // A tenth of what is lacking at the marks, and once the auction has run its hour, of what the margin lacks.
        let lacking = if drawn.len() < 2 { -report.equity } else { report.maintenance_margin - report.equity };
        let paid = event.loss.from_underlying + event.loss.from_common;
        assert!(
            paid.abs_diff(lacking.unsigned_abs() / 10) <= 1 && event.loss.socialised == 0,
            "{event:?} of {lacking}"
        );
        drawn.push(event.loss.from_underlying);
        world.advance(wait);
        world.refresh();
    }
    assert_eq!(drawn, [300, 0, 150], "half of the bucket empties in half of its window");

    for (limit, window) in [(u64::MAX, 1), (5, 0), (5, 30 * 86_400 + 1)] {
        let wrong = world.insurance_limit(BTC, limit, window).instruction();
        world.refuse(wrong, &[&admin], E::OutflowWindow);
    }
    let mut other = world.insurance_limit(BTC, 5, 5);
    other.admin = keeper.owner();
    world.refuse(other.instruction(), &[&keeper.key], E::NotAdmin);
}
