//! Interest on cash: who earns, who pays, when, and that it never changes what is there.

use margin_client::{
    errors::EngineError as E,
    events::EngineEvent,
    presets,
    state::{MarginAccount, RateParameters},
    text::fixed,
};
use tests_svm::{BTC, NEAR, Receipt, SOL_TOKEN, Trader, USDC, World, buy, call, perpetual, sell, usdc};

const DOCUMENT: &str = include_str!("../../../../docs/cash.md");
const DAY: i64 = 86_400;
const YEAR: i64 = 365 * DAY;
const PERCENT: u64 = 10_000_000;

/// A lender with `lent` quote tokens, and a borrower with 10 000 SOL who has borrowed `borrowed` of them; the first rate is
/// published.
fn pool(lent: f64, borrowed: f64) -> (World, Trader, Trader) {
    let mut world = World::new();
    world.set_interest(RateParameters { maximum_utilisation: 100 * PERCENT, ..presets::interest() });
    let lender = world.funded(lent);
    let borrower = world.trader();
    world.fund(&borrower, SOL_TOKEN, 10_000_000_000_000);
    if borrowed > 0.0 {
        let borrow = world.borrowing(&borrower, usdc(borrowed));
        world.accept(borrow.instruction(), &[&borrower.key]);
    }
    // The average is over the time since the engine began: all of it at this utilisation but no time at all before.
    world.advance(60);
    world.accrue();
    (world, lender, borrower)
}

/// Lets a year pass with a publication each day; no deposit moves meanwhile.
fn a_year(world: &mut World) {
    for _ in 0..365 {
        world.advance(DAY);
        world.accrue();
    }
    world.refresh_prices();
}

fn accrued(receipt: &Receipt) -> (u64, u64, u64) {
    let [EngineEvent::InterestAccrued(event)] = &receipt.events()[..] else { panic!("one event") };
    (event.utilisation, event.borrow_rate_after, event.borrow_index_after)
}

fn withdraw_all(world: &mut World, trader: &Trader) -> u64 {
    world.meet_pool(trader);
    let cash = world.cash(trader).unsigned_abs();
    let withdraw = world.withdraw(trader, USDC, cash);
    world.accept(withdraw.instruction(), &[&trader.key]);
    cash
}

/// The worked example of docs/cash.md.
#[test]
fn a_year_at_eighty_percent_utilisation() {
    let (mut world, lender, borrower) = pool(1_000_000.0, 800_000.0);
    a_year(&mut world);
    // Without contact interest is simple: 8 % of 800 000.
    world.meet_pool(&borrower);
    world.meet_pool(&lender);
    let (owed, has) = (-world.cash(&borrower), world.cash(&lender));
    let reserve = i128::from_le_bytes(world.collateral(USDC).pool.reserve) >> 48;
    // Rates and indices round against the borrower, by less than a thousandth of a cent.
    assert!((usdc(864_000.0) as i64..usdc(864_000.0) as i64 + 10).contains(&owed), "{owed}");
    // What was not paid to the lender was kept.
    assert!((i128::from(owed - has) + i128::from(usdc(200_000.0)) - reserve).abs() <= 2);
    for (what, atoms) in [("borrower owes", i128::from(owed)), ("lender has", has.into()), ("reserve has", reserve)] {
        let row = format!("| the {what} | {} |", fixed(atoms, 6, 2));
        assert!(DOCUMENT.contains(&row), "docs/cash.md lacks {row}");
    }
}

#[test]
fn the_documents_rates_are_those_of_the_preset() {
    let rates = presets::interest();
    for percent in [0, 40, 80, 90, 100] {
        let borrow = rates.borrow_rate(percent * PERCENT);
        let deposit = borrow * percent / 100 * (100 * PERCENT - rates.reserve_share) / (100 * PERCENT);
        let show = |rate: u64| fixed(i128::from(rate), 7, 2);
        let row = format!("| {percent} % | {} % | {} % |", show(borrow), show(deposit));
        assert!(DOCUMENT.contains(&row), "docs/cash.md lacks {row}");
    }
}

#[test]
fn the_rate_follows_the_average_utilisation() {
    for (borrowed, percent) in [(0.0, 0.0), (400_000.0, 4.0), (800_000.0, 8.0), (900_000.0, 34.0), (1_000_000.0, 60.0)]
    {
        let (world, ..) = pool(1_000_000.0, borrowed);
        let rate = world.engine_state().borrow.rate as f64 / 2f64.powi(64) * YEAR as f64 * 100.0;
        assert!((rate - percent).abs() < 1e-6, "{borrowed}: {rate}");
    }
    // Half of the time at 80 %, half at nothing: 40 % on average, so 4 %.
    let (mut world, _, borrower) = pool(1_000_000.0, 800_000.0);
    world.advance(1_800);
    world.refresh_prices();
    let debt = world.cash(&borrower).unsigned_abs() + usdc(100.0);
    world.fund(&borrower, USDC, debt);
    world.advance(1_800);
    let (utilisation, rate, index) = accrued(&world.accrue());
    assert!((399_000_000..=401_000_000).contains(&utilisation), "{utilisation}");
    let yearly = rate as f64 / 2f64.powi(64) * YEAR as f64;
    assert!((yearly - 0.04).abs() < 0.0002, "{yearly}");
    // A year's 8 % for an hour and the minute before.
    let owed = index as f64 / 2f64.powi(48);
    assert!((owed / (0.08 * 3_600.0 / YEAR as f64) - 1.0).abs() < 1e-6, "{owed}");
}

#[test]
fn a_deposit_comes_out_to_the_atom() {
    let (mut world, _, _) = pool(1_000_000.0, 800_000.0);
    let saver = world.funded(12_345.678901);
    assert_eq!(withdraw_all(&mut world, &saver), 12_345_678_901, "no publication, no time");
    // An account that was there for no time earns nothing, whatever is published around it.
    for _ in 0..5 {
        world.advance(3_600);
        world.fund(&saver, USDC, 777_777_777);
        world.accrue();
        assert_eq!(withdraw_all(&mut world, &saver), 777_777_777);
    }
    // Over time it earns, and never loses an atom.
    world.fund(&saver, USDC, 777_777_777);
    for _ in 0..5 {
        world.advance(3_600);
        world.accrue();
    }
    assert!(withdraw_all(&mut world, &saver) > 777_777_777);
    assert_eq!(world.cash(&saver), 0);
    let close = world.closing(&saver);
    let receipt = world.accept(close.instruction(), &[&saver.key]);
    let [EngineEvent::AccountClosed(event)] = &receipt.events()[..] else { panic!("one event") };
    assert!(event.dust > 0, "a fraction of an atom stays with the reserve");
}

#[test]
fn what_is_idle_for_a_year_earns_all_of_it() {
    let (mut world, lender, borrower) = pool(500_000.0, 0.0);
    // Deposited in the middle of an interval and never touched.
    world.advance(1_234);
    let idle = world.funded(500_000.0);
    let borrow = world.borrowing(&borrower, usdc(800_000.0));
    world.refresh_prices();
    world.accept(borrow.instruction(), &[&borrower.key]);
    world.advance(60);
    world.accrue();
    a_year(&mut world);
    world.meet_pool(&idle);
    world.meet_pool(&lender);
    assert!((world.cash(&idle) - world.cash(&lender)).abs() <= 1, "the same for the same time");
    assert!(world.cash(&idle) > usdc(528_000.0) as i64);
}

#[test]
fn cash_that_went_to_another_account_in_between_earns_in_neither() {
    let (mut world, lender, _) = pool(1_000_000.0, 800_000.0);
    let second = world.second_account(&lender);
    let there = world.transfer(&lender, second, USDC, usdc(1_000_000.0));
    world.accept(there.instruction(), &[&lender.key]);
    world.advance(DAY);
    world.accrue();
    let back = world.load::<MarginAccount>(second);
    assert_eq!(back.cash_atoms_floor(), i128::from(usdc(1_000_000.0)));
    let mut back = world.transfer(&lender, lender.account, USDC, usdc(1_000_000.0));
    back.source = second;
    world.accept(back.instruction(), &[&lender.key]);
    world.advance(1);
    world.meet_pool(&lender);
    // Interest up to the first transfer only would have been fair; this is less, never more.
    assert_eq!(world.cash(&lender), usdc(1_000_000.0) as i64);
    let reserve = i128::from_le_bytes(world.collateral(USDC).pool.reserve) >> 48;
    assert!(reserve > i128::from(usdc(150.0)), "{reserve}: it went to the reserve");
    // After the contact it earns again.
    world.advance(DAY);
    world.meet_pool(&lender);
    assert!(world.cash(&lender) > usdc(1_000_100.0) as i64);
}

#[test]
fn a_debt_from_trading_bears_interest_from_its_first_second() {
    let (mut world, lender, _) = pool(1_000_000.0, 800_000.0);
    let debtor = world.trader();
    world.fund(&debtor, SOL_TOKEN, 1_000_000_000_000);
    world.advance(10);
    world.refresh();
    // Premium of 25 000 out of nothing.
    world.fill(&lender, &debtor, &[buy(1_000, call(BTC, NEAR, 100_000), 2_500.0)]);
    let debt = usdc(25_000.0) as i64;
    assert_eq!((world.cash(&debtor), world.account(&debtor).interest.recorded_borrow), (-debt, 0));
    let lowest = world.account(&debtor).interest.earning;
    assert_eq!(lowest, 0);
    for _ in 0..10 {
        world.advance(DAY);
        world.accrue();
    }
    world.refresh();
    // The report counts it before anybody has written it.
    let expected = 25_000.0e6 * 0.08 * 10.0 / 365.0;
    let reported = world.report(&debtor).cash + debt;
    assert!((reported as f64 + expected).abs() < 2.0, "{reported} against {expected}");
    let snapshot = world.snapshot();
    let client = snapshot
        .report(&world.account(&debtor), margin_client::margin::PriceUse::RaiseRisk, world.now())
        .expect("a report");
    assert_eq!(client, world.report(&debtor));
    assert_eq!(world.cash(&debtor), -debt);
    let before = i128::from_le_bytes(world.collateral(USDC).pool.reserve) >> 48;
    world.meet_pool(&debtor);
    assert_eq!(world.cash(&debtor), reported - debt);
    // The pool had not lent it: it is kept.
    let after = i128::from_le_bytes(world.collateral(USDC).pool.reserve) >> 48;
    assert!((after - before) as f64 > expected - 2.0);
    assert_eq!(world.account(&debtor).interest.recorded_borrow, world.cash(&debtor).unsigned_abs() - 1);
}

#[test]
fn what_a_trade_repays_is_owed_on_until_the_pool_knows() {
    let (mut world, lender, borrower) = pool(1_000_000.0, 500_000.0);
    world.refresh();
    // 600 000 of premium.
    world.fund(&borrower, SOL_TOKEN, 90_000_000_000_000);
    world.fill(&lender, &borrower, &[sell(20_000, call(BTC, NEAR, 100_000), 3_000.0)]);
    let cash = world.cash(&borrower);
    assert!(cash > 0);
    world.advance(DAY);
    world.accrue();
    world.meet_pool(&borrower);
    let paid = cash - world.cash(&borrower);
    let fair = 500_000.0e6 * 0.05 / 365.0;
    assert!((paid as f64 - fair).abs() < 0.001 * fair, "{paid}");
    world.advance(DAY);
    let before = world.cash(&borrower);
    world.meet_pool(&borrower);
    assert!(world.cash(&borrower) >= before);
}

#[test]
fn interest_stands_still_when_nobody_publishes_for_a_month() {
    let (mut world, lender, borrower) = pool(1_000_000.0, 800_000.0);
    world.advance(YEAR);
    world.meet_pool(&borrower);
    world.meet_pool(&lender);
    let owed = -world.cash(&borrower) as f64 - 800_000.0e6;
    let month = 64_000.0e6 * 30.0 / 365.0;
    assert!((owed - month).abs() < 1e6, "{owed}");
}

#[test]
fn publications_come_a_minute_apart() {
    let mut world = World::new();
    world.advance(59);
    let accrual = world.accrual();
    world.refuse(accrual.instruction(), &[], E::InterestTooSoon);
    world.advance(1);
    let receipt = world.accrue();
    assert_eq!(accrued(&receipt), (0, 0, 0));
    world.refuse(accrual.instruction(), &[], E::InterestTooSoon);
    // Only the quote token has a pool.
    world.advance(60);
    let mut accrual = world.accrual();
    accrual.collateral = world.collateral_address(SOL_TOKEN);
    world.refuse(accrual.instruction(), &[], E::NotQuoteCollateral);
    let trader = world.trader();
    let mut sync = world.sync(&trader);
    sync.collateral = accrual.collateral;
    world.refuse(sync.instruction(), &[], E::NotQuoteCollateral);
    let mut close = world.closing(&trader);
    close.collateral = accrual.collateral;
    world.refuse(close.instruction(), &[&trader.key], E::NotQuoteCollateral);
}

#[test]
fn rates_are_set_within_their_rules() {
    let mut world = World::new();
    let admin = world.admin.insecure_clone();
    let good = presets::interest();
    let one = 100 * PERCENT;
    for (rates, error) in [
        (RateParameters { maximum: 1_000 * PERCENT + 1, ..good }, E::RateMaximum),
        (RateParameters { base: good.at_kink + 1, ..good }, E::RateOrder),
        (RateParameters { maximum: good.at_kink - 1, ..good }, E::RateOrder),
        (RateParameters { kink: one + 1, ..good }, E::RateKink),
        (RateParameters { reserve_share: one + 1, ..good }, E::RateReserveShare),
        (RateParameters { maximum_utilisation: one + 1, ..good }, E::RateUtilisation),
    ] {
        let set = world.interest_setting(rates);
        world.refuse(set.instruction(), &[&admin], error);
    }
    let mut set = world.interest_setting(good);
    set.collateral = world.collateral_address(SOL_TOKEN);
    world.refuse(set.instruction(), &[&admin], E::NotQuoteCollateral);
    let stranger = world.trader();
    set = world.interest_setting(good);
    set.admin = stranger.owner();
    world.refuse(set.instruction(), &[&stranger.key], E::NotAdmin);
    let extreme = RateParameters {
        base: one,
        at_kink: one,
        maximum: 1_000 * PERCENT,
        kink: one,
        reserve_share: one,
        maximum_utilisation: one,
    };
    for rates in [extreme, good] {
        let receipt = world.set_interest(rates);
        let [EngineEvent::InterestSet(event)] = &receipt.events()[..] else { panic!("one event") };
        assert_eq!(event.after, rates);
        assert_eq!(world.collateral(USDC).pool.rates, rates);
    }
}

#[test]
fn borrowing_is_asked_for_and_limited() {
    let mut world = World::new();
    let lender = world.funded(1_000.0);
    let borrower = world.trader();
    world.fund(&borrower, SOL_TOKEN, 10_000_000_000_000);
    // Nothing is lent before the admin has set up to which utilisation.
    let borrow = world.borrowing(&borrower, 1);
    world.refuse(borrow.instruction(), &[&borrower.key], E::BorrowLimit);
    world.set_interest(presets::interest());
    let unasked = world.withdraw(&borrower, USDC, 1);
    world.refuse(unasked.instruction(), &[&borrower.key], E::InsufficientBalance);
    // 90 % of a pool of 1 000, to the atom.
    let too_much = world.borrowing(&borrower, usdc(900.0) + 1);
    world.refuse(too_much.instruction(), &[&borrower.key], E::BorrowLimit);
    let borrow = world.borrowing(&borrower, usdc(900.0));
    let receipt = world.accept(borrow.instruction(), &[&borrower.key]);
    let [EngineEvent::Withdrawn(event)] = &receipt.events()[..] else { panic!("one event") };
    assert_eq!((event.balance_before, event.balance_after), (0, -(usdc(900.0) as i64)));
    // A lender gets what is there.
    let withdraw = world.withdraw(&lender, USDC, usdc(100.0) + 1);
    world.refuse(withdraw.instruction(), &[&lender.key], E::VaultLiquidity);
    let withdraw = world.withdraw(&lender, USDC, usdc(100.0));
    world.accept(withdraw.instruction(), &[&lender.key]);
    // Tokens are not lent, whatever is asked for.
    let mut token = world.withdraw(&borrower, SOL_TOKEN, 10_000_000_000_001);
    token.args.allow_borrow = true;
    world.refuse(token.instruction(), &[&borrower.key], E::InsufficientBalance);
    // Initial margin holds: 85 % of 137 USD.
    let small = world.trader();
    world.fund(&lender, USDC, usdc(10_000.0));
    world.fund(&small, SOL_TOKEN, 1_000_000_000);
    let borrow = world.borrowing(&small, usdc(116.46));
    world.refuse(borrow.instruction(), &[&small.key], E::BelowInitialMargin);
    let borrow = world.borrowing(&small, usdc(116.40));
    world.accept(borrow.instruction(), &[&small.key]);
}

#[test]
fn a_repaid_account_with_interest_closes_and_everything_adds_up() {
    let (mut world, lender, borrower) = pool(1_000_000.0, 700_000.0);
    a_year(&mut world);
    world.meet_pool(&borrower);
    let debt = world.cash(&borrower).unsigned_abs();
    let close = world.closing(&borrower);
    world.refuse(close.instruction(), &[&borrower.key], E::AccountHasBalances);
    world.fund(&borrower, USDC, debt);
    for (trader, token) in [(&borrower, SOL_TOKEN), (&lender, USDC)] {
        let amount = if token == USDC {
            world.meet_pool(trader);
            world.cash(trader) as u64
        } else {
            10_000_000_000_000
        };
        let withdraw = world.withdraw(trader, token, amount);
        world.accept(withdraw.instruction(), &[&trader.key]);
        let close = world.closing(trader);
        world.accept(close.instruction(), &[&trader.key]);
    }
    let listing = world.collateral(USDC);
    assert_eq!((listing.pool.borrowed, listing.pool.deposited), (0, 0));
    // What is left is the reserve's, with less than an atom in the pot.
    let kept = i128::from_le_bytes(listing.pool.reserve) + i128::from_le_bytes(listing.pool.pot);
    assert_eq!(kept, i128::from(listing.total_deposits) << 48);
    assert!(i128::from_le_bytes(listing.pool.pot) >> 48 <= 1);
}

#[test]
fn liquidated_accounts_pay_first() {
    let (mut world, lender, _) = pool(1_000_000.0, 800_000.0);
    let trader = world.trader();
    world.fund(&trader, SOL_TOKEN, 100_000_000_000);
    let borrow = world.borrowing(&trader, usdc(11_000.0));
    world.accept(borrow.instruction(), &[&trader.key]);
    // 100 SOL of 137 USD, 90 % for maintenance: 12 330. Interest alone brings it below.
    for _ in 0..365 {
        world.advance(DAY);
        world.accrue();
    }
    world.advance(365 * DAY - 1);
    world.refresh_prices();
    let keeper = world.funded(1_000_000.0);
    let start = world.start(&keeper, &trader);
    world.refuse(start.clone().instruction(), &[&keeper.key], E::AccountHealthy);
    for _ in 0..365 {
        world.advance(DAY);
        world.accrue();
    }
    world.refresh_prices();
    world.accept(start.instruction(), &[&keeper.key]);
    let debt = -world.report(&trader).cash;
    assert_eq!(world.cash(&trader), -(usdc(11_000.0) as i64));
    let bid = world.bid(&keeper, &trader, 100_000_000);
    world.accept(bid.instruction(), &[&keeper.key]);
    let account = world.account(&trader);
    assert_eq!(account.interest.borrow_index, world.borrow_index());
    assert!(-world.cash(&trader) < debt && -world.cash(&trader) > (debt * 8) / 10 - usdc(1_000.0) as i64);
    let _ = lender;
}

#[test]
fn perpetual_profits_that_nobody_has_paid_in_yet_earn_only_what_there_is() {
    let (mut world, lender, _) = pool(1_000_000.0, 800_000.0);
    let [winner, loser] = [world.funded(500_000.0), world.funded(500_000.0)];
    world.fill(&loser, &winner, &[buy(1_000, perpetual(BTC), 97_000.0)]);
    world.shock(BTC, 1.2);
    world.fill(&lender, &winner, &[sell(1_000, perpetual(BTC), 116_400.0)]);
    for trader in [&winner, &loser, &lender] {
        world.meet_pool(trader);
    }
    // More cash is claimed than vault and borrows hold; conservation is asserted after every transaction.
    world.advance(DAY);
    world.accrue();
    for trader in [&winner, &loser, &lender] {
        world.meet_pool(trader);
    }
    let listing = world.collateral(USDC);
    assert!(listing.pool.deposited > listing.total_deposits + listing.pool.borrowed);
}
