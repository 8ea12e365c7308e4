//! What accounts are paid at an expiry: the worked example of `docs/settlement.md`, and who is touched and who is not.

use margin_client::{
    addresses,
    errors::EngineError as E,
    events::{EngineEvent, PositionsSettled},
    instructions::{AccountOpen, AccountOpenArgs, Fund, PositionSettle},
    state::{AccountMode, TradingParameters},
};
use solana_instruction::AccountMeta;
use solana_signer::Signer;
use tests_svm::{
    AnchorError as A, BTC, ETH, FAR, NEAR, SOL, SOL_TOKEN, Trader, USDC, World, buy, call, free_trading, future,
    perpetual, put, sell, token_balance, usd, usdc,
};

use crate::liquidation::{WHOLE, sink, start};

/// 0.02 % of the notional, of options at most a tenth of their value; 0.1 USDC for the settler.
fn terms() -> TradingParameters {
    TradingParameters {
        settlement_fee: 200_000,
        option_fee_cap: 100_000_000,
        settler_reward: usdc(0.1),
        ..free_trading()
    }
}

/// Maker, taker and settler on a BTC market with those terms.
fn parties() -> (World, [Trader; 3]) {
    let mut world = World::new();
    world.set_trading(BTC, terms());
    let parties = [world.funded(200_000.0), world.funded(100_000.0), world.funded(1_000.0)];
    (world, parties)
}

#[track_caller]
fn settle(world: &mut World, expiry: i64, settler: &Trader, traders: &[&Trader]) -> PositionsSettled {
    let settle = world.settle(BTC, expiry, settler, traders);
    let events = world.accept(settle.instruction(), &[]).events();
    let Some(EngineEvent::PositionsSettled(event)) = events.into_iter().next() else { panic!("a settlement") };
    event
}

/// A call of 1 BTC, a put of 0.5 BTC and a future of 2 BTC, settled on thirty samples.
#[test]
fn the_worked_example() {
    let (mut world, [maker, taker, settler]) = parties();
    let legs = [
        buy(100, call(BTC, NEAR, 90_000), 5_000.0),
        buy(50, put(BTC, NEAR, 100_000), 7_000.0),
        buy(200, future(BTC, NEAR), 94_500.0),
    ];
    world.fill(&maker, &taker, &legs);
    assert_eq!(world.slot(BTC, NEAR).expect("listed").open_lots, 700);
    // 95 000, 95 010, … 95 290: 95 145 on average.
    world.sample_window(BTC, NEAR, (0..30).map(|minute| usd(95_000.0 + 10.0 * f64::from(minute))));
    let finalise = world.finalise(BTC, NEAR);
    world.accept(finalise.instruction(), &[]);
    assert_eq!(world.slot(BTC, NEAR).expect("listed").observed_average, usd(95_145.0));

    let equity = |world: &mut World| [&maker, &taker].map(|trader| world.report(trader).equity);
    let before = equity(&mut world);
    let event = settle(&mut world, NEAR, &settler, &[&maker, &taker]);

    // 0.02 % of 95 145, of half of it, and of twice it; none of the caps binds.
    let (call_fee, put_fee, future_fee) = (19.029, 9.514_5, 38.058);
    let fee = usdc(call_fee + put_fee + future_fee);
    for account in &event.accounts {
        assert_eq!((account.positions, account.fee, account.reward), (3, fee, 100_000));
    }
    // The call is worth 5 145, the put half of 4 855, the future twice 645 more than it cost.
    let profit = -5_000.0 - 3_500.0 + 5_145.0 + 2_427.5 + 1_290.0;
    let costs = usdc(0.1) as i64 + fee as i64;
    assert_eq!(world.cash(&taker), usdc(100_000.0) as i64 + usdc(profit) as i64 - costs);
    assert_eq!(world.cash(&maker), usdc(200_000.0) as i64 - usdc(profit) as i64 - costs);
    assert_eq!((world.cash(&taker), world.cash(&maker)), (100_295_798_500, 199_570_798_500));
    assert_eq!(world.cash(&settler), usdc(1_000.2) as i64);
    assert_eq!((event.settler_cash_before, event.settler_cash_after), (1_000_000_000, 1_000_200_000));
    assert_eq!((event.price, event.open_lots), (usd(95_145.0), 0));
    for (account, trader) in event.accounts.iter().zip([&maker, &taker]) {
        assert_eq!((account.account, account.cash_after), (trader.account, world.cash(trader)));
        let state = world.account(trader);
        assert_eq!((state.fees, state.sequence, state.positions().len()), (fee, 2, 0));
    }
    // Equity goes on where it was, less fee and reward.
    assert_eq!(equity(&mut world), before.map(|equity| equity - costs));
    assert_eq!(world.slot(BTC, NEAR), None);
    let document = include_str!("../../../../docs/settlement.md");
    for figure in ["100 295.7985", "199 570.7985", "19.029", "9.5145", "38.058", "66.6015", "362.50", "95 145"] {
        assert!(document.contains(figure), "{figure} is not in the document");
    }
}

#[test]
fn worthless_options_pay_no_fee_and_cheap_ones_a_share_of_their_value() {
    let (mut world, [maker, taker, settler]) = parties();
    let legs = [buy(100, call(BTC, NEAR, 100_000), 900.0), buy(100, put(BTC, NEAR, 95_010), 900.0)];
    world.fill(&maker, &taker, &legs);
    world.finalise_at(BTC, NEAR, usd(95_000.0));
    let event = settle(&mut world, NEAR, &settler, &[&maker, &taker]);
    // The put is worth 10 USD: a tenth of that is less than the 19 USD of the notional.
    assert!(event.accounts.iter().all(|account| (account.fee, account.positions) == (usdc(1.0), 2)));
}

#[test]
fn an_account_is_settled_once() {
    let (mut world, [maker, taker, settler]) = parties();
    world.fill(&maker, &taker, &[buy(100, call(BTC, NEAR, 90_000), 5_000.0), buy(3, call(BTC, FAR, 90_000), 7_000.0)]);
    world.finalise_at(BTC, NEAR, usd(95_000.0));
    // Twice in one instruction; an account without positions beside it.
    let bystander = world.funded(10.0);
    let stored = world.svm.get_account(&bystander.account);
    let event = settle(&mut world, NEAR, &settler, &[&taker, &bystander, &taker]);
    assert_eq!(event.accounts.len(), 1);
    assert_eq!(world.svm.get_account(&bystander.account), stored);
    assert_eq!(world.cash(&settler), usdc(1_000.1) as i64);
    // And again: nothing is left of it but the other series.
    let stored = world.svm.get_account(&taker.account);
    let again = settle(&mut world, NEAR, &settler, &[&taker]);
    assert!(again.accounts.is_empty());
    assert_eq!(again.settler_cash_before, again.settler_cash_after);
    assert_eq!(world.svm.get_account(&taker.account), stored);
    assert_eq!(world.account(&taker).positions().len(), 1);
    assert_eq!(world.slot(BTC, NEAR).expect("half of it is open").open_lots, 100);
    // An empty call is one as well.
    assert!(settle(&mut world, NEAR, &settler, &[]).accounts.is_empty());
}

#[test]
fn nobody_rewards_himself() {
    let (mut world, [maker, taker, _]) = parties();
    world.fill(&maker, &taker, &[buy(100, call(BTC, NEAR, 90_000), 5_000.0)]);
    world.finalise_at(BTC, NEAR, usd(95_000.0));
    let before = world.cash(&taker);
    let event = settle(&mut world, NEAR, &taker, &[&taker, &maker]);
    assert_eq!(event.accounts[0].reward, 0);
    assert_eq!(event.accounts[1].reward, usdc(0.1));
    assert_eq!(world.cash(&taker) - before, usdc(5_000.0 - 19.0 + 0.1) as i64);
}

#[test]
fn other_series_and_other_underlyings_stay() {
    let (mut world, [maker, taker, settler]) = parties();
    let kept = [
        buy(2, call(BTC, FAR, 95_000), 7_000.0),
        buy(4, future(BTC, FAR), 95_000.0),
        buy(5, call(ETH, NEAR, 3_000), 300.0),
        sell(6, perpetual(BTC), 94_128.89),
    ];
    world.fill(&maker, &taker, &kept);
    let stays: Vec<_> = [&maker, &taker].map(|trader| world.account(trader).positions().to_vec()).into();
    world.fill(&maker, &taker, &[sell(2, call(BTC, NEAR, 95_000), 3_000.0), buy(1, future(BTC, NEAR), 95_000.0)]);
    world.finalise_at(BTC, NEAR, usd(94_128.89));
    settle(&mut world, NEAR, &settler, &[&maker, &taker]);
    let left: Vec<_> = [&maker, &taker].map(|trader| world.account(trader).positions().to_vec()).into();
    assert_eq!(left, stays);
    assert_eq!(world.slot(BTC, FAR).expect("listed").open_lots, 12);
    assert_eq!(world.slot(ETH, NEAR).expect("listed").open_lots, 10);
}

#[test]
fn what_does_not_belong_here_is_refused() {
    let (mut world, [maker, taker, settler]) = parties();
    let legs = [buy(100, call(BTC, NEAR, 90_000), 5_000.0), buy(100, call(ETH, NEAR, 3_000), 300.0)];
    world.fill(&maker, &taker, &legs);
    let other = world.another_engine();
    let valid = |world: &World| world.settle(BTC, NEAR, &settler, &[&taker]);
    let early = valid(&world);
    world.refuse(early.instruction(), &[], E::SettlementNotFinal);
    world.finalise_at(BTC, NEAR, usd(95_000.0));
    let refuse = |world: &mut World, change: &dyn Fn(&mut PositionSettle), error: E| {
        let mut settle = valid(world);
        change(&mut settle);
        world.refuse(settle.instruction(), &[], error);
    };
    refuse(&mut world, &|settle| settle.expiry = FAR, E::SettlementNotFinal);
    refuse(&mut world, &|settle| settle.expiry = NEAR + 1, E::ExpiryUnknown);
    refuse(&mut world, &|settle| settle.expiry = 0, E::ExpiryUnknown);
    let eth = addresses::underlying(&world.engine, ETH);
    refuse(&mut world, &|settle| settle.underlying = eth, E::SettlementNotFinal);

    let open = AccountOpen {
        owner: taker.owner(),
        payer: world.payer.pubkey(),
        engine: other,
        args: AccountOpenArgs { index: 0, delegate: taker.owner(), mode: AccountMode::Portfolio },
    };
    world.accept(open.instruction(), &[&taker.key]);
    let foreign = addresses::margin_account(&other, &taker.owner(), 0);
    refuse(&mut world, &|settle| settle.margin_accounts.push(foreign), E::ForeignEngine);
    refuse(&mut world, &|settle| settle.settler_account = foreign, E::ForeignEngine);
    let underlying = addresses::underlying(&other, BTC);
    refuse(&mut world, &|settle| settle.underlying = underlying, E::ForeignEngine);

    let payer = world.payer.pubkey();
    for (account, error) in [(eth, A::AccountDiscriminatorMismatch), (payer, A::AccountOwnedByWrongProgram)] {
        let mut settle = valid(&world);
        settle.margin_accounts.push(account);
        world.refuse_anchor(settle.instruction(), &[], error);
    }
    let mut read_only = valid(&world).instruction();
    *read_only.accounts.last_mut().expect("the taker's") = AccountMeta::new_readonly(taker.account, false);
    world.refuse_anchor(read_only, &[], A::AccountNotMutable);
}

#[test]
fn a_loser_without_cash_owes_it_and_pays_no_reward() {
    let mut world = World::new();
    world.set_trading(BTC, terms());
    let (maker, taker, settler) = (world.funded(200_000.0), world.trader(), world.funded(1.0));
    world.fund(&taker, SOL_TOKEN, 1_000_000_000_000);
    world.fill(&maker, &taker, &[buy(10, future(BTC, NEAR), 94_000.0)]);
    world.finalise_at(BTC, NEAR, usd(90_000.0));
    let event = settle(&mut world, NEAR, &settler, &[&taker, &maker]);
    // A tenth of 4 000, and 0.02 % of 9 000.
    assert_eq!(world.cash(&taker), -(usdc(400.0 + 1.8) as i64));
    assert_eq!((event.accounts[0].reward, event.accounts[1].reward), (0, usdc(0.1)));
    // Of a cash of 0.05 the settler gets that.
    let (maker, taker) = (world.funded(200_000.0), world.trader());
    world.fund(&taker, SOL_TOKEN, 1_000_000_000_000);
    world.refresh();
    world.fill(&maker, &taker, &[buy(10, call(BTC, FAR, 100_000), 3_000.0)]);
    world.fund(&taker, USDC, usdc(300.05));
    world.finalise_at(BTC, FAR, usd(90_000.0));
    let event = settle(&mut world, FAR, &settler, &[&taker]);
    assert_eq!((event.accounts[0].reward, event.accounts[0].cash_after), (usdc(0.05), 0));
    assert_eq!(world.cash(&settler), usdc(1.15) as i64);
}

#[test]
fn rounding_stays_in_the_vault() {
    let mut world = World::new();
    let (maker, taker) = (world.funded(10_000.0), world.funded(10_000.0));
    world.fill(&maker, &taker, &[buy(1, future(SOL, NEAR), 137.0), buy(3, call(SOL, NEAR, 100), 37.0)]);
    // Half an atom beyond 137 USD.
    world.finalise_at(SOL, NEAR, 137_000_000_500_000);
    let settle = world.settle(SOL, NEAR, &maker, &[&maker, &taker]);
    world.accept(settle.instruction(), &[]);
    // Long: 0.0 of the half atom, and 1 of one and a half; short: 1 and 2.
    let vault = world.quote.collateral(&world.engine).collateral;
    let vault = token_balance(&world.svm, &addresses::vault(&vault)) as i64;
    assert_eq!(vault - world.cash(&maker) - world.cash(&taker), 2);
    assert_eq!(world.cash(&taker), usdc(10_000.0) as i64 + 1);
    assert_eq!(world.cash(&maker), usdc(10_000.0) as i64 - 3);
}

#[test]
fn every_mode_is_settled() {
    for mode in [AccountMode::Portfolio, AccountMode::Isolated, AccountMode::Standard] {
        let mut world = World::rich();
        world.set_trading(BTC, terms());
        let (maker, taker, settler) = (world.funded(200_000.0), world.funded(100_000.0), world.funded(1.0));
        world.set_mode(&taker, mode);
        world.fill(&maker, &taker, &[buy(10, call(BTC, NEAR, 90_000), 5_000.0)]);
        world.finalise_at(BTC, NEAR, usd(95_000.0));
        settle(&mut world, NEAR, &settler, &[&taker, &maker]);
        assert_eq!(world.cash(&taker), usdc(100_000.0 - 500.0 + 500.0 - 1.9 - 0.1) as i64, "{mode:?}");
    }
}

/// Liquidation and settlement do not disturb each other, and what a liquidation netted away is not counted any longer.
#[test]
fn an_account_in_liquidation_is_settled_and_pays_no_reward() {
    let mut world = World::new();
    world.set_trading(BTC, terms());
    let [maker, keeper, settler] = [(); 3].map(|()| world.funded(1_000_000.0));
    let trader = world.funded(30_000.0);
    let near = buy(13, put(BTC, NEAR, 85_000), 900.0);
    let risk = [sell(201, call(BTC, FAR, 100_000), 4_500.0), buy(77, call(BTC, FAR, 110_000), 2_200.0), near.clone()];
    world.fill(&maker, &trader, &risk);
    world.fill(&keeper, &maker, &[near]);
    sink(&mut world, &trader, 0);
    start(&mut world, &keeper, &trader);
    let bid = world.bid(&keeper, &trader, WHOLE / 10);
    world.accept(bid.instruction(), &[&keeper.key]);
    let liquidation = world.account(&trader).liquidation;
    assert_eq!(liquidation.active, 1);

    world.finalise_at(BTC, NEAR, usd(80_000.0));
    let cash = world.cash(&trader);
    let event = settle(&mut world, NEAR, &settler, &[&trader, &maker, &keeper]);
    let lots = i64::from(event.accounts[0].positions) * 11;
    let fee = event.accounts[0].fee as i64;
    // The bidder took two of the thirteen lots; eleven are worth 0.11 of 5 000.
    assert_eq!((lots, event.accounts[0].reward), (11, 0));
    assert_eq!(world.cash(&trader), cash + usdc(550.0) as i64 - fee);
    assert_eq!(world.account(&trader).liquidation, liquidation);
    assert_eq!(world.slot(BTC, NEAR), None, "everything is counted down");
    // The fall has restored the account: it is released as ever.
    world.refresh();
    let stop = world.stop(&trader);
    world.accept(stop.instruction(), &[]);
}

#[test]
fn a_row_that_a_liquidation_emptied_is_cleared_without_cost() {
    let mut world = World::new();
    world.set_trading(BTC, terms());
    let [maker, keeper, settler] = [(); 3].map(|()| world.funded(1_000_000.0));
    let trader = world.funded(30_000.0);
    let near = buy(13, put(BTC, NEAR, 85_000), 900.0);
    let risk = [sell(201, call(BTC, FAR, 100_000), 4_500.0), buy(77, call(BTC, FAR, 110_000), 2_200.0), near.clone()];
    world.fill(&maker, &trader, &risk);
    world.fill(&keeper, &maker, &[near]);
    world.insure(Fund::Underlying(BTC), usdc(100_000.0));
    sink(&mut world, &trader, -1);
    start(&mut world, &keeper, &trader);
    let bid = world.insolvent_bid(&keeper, &trader, WHOLE);
    world.accept(bid.instruction(), &[&keeper.key]);
    let emptied = *world.account(&keeper).position(&put(BTC, NEAR, 85_000)).expect("a row");
    assert_eq!(emptied.lots, 0);
    assert!(emptied.counted_lots > 0);

    // The maker had closed his side: nothing is open, but the series cannot know it.
    assert_eq!(world.slot(BTC, NEAR).expect("listed").open_lots, emptied.counted_lots);
    world.finalise_at(BTC, NEAR, usd(80_000.0));
    let cash = world.cash(&keeper);
    let event = settle(&mut world, NEAR, &settler, &[&keeper]);
    assert_eq!((event.accounts[0].positions, event.accounts[0].fee, event.accounts[0].reward), (1, 0, 0));
    assert_eq!(world.cash(&keeper), cash);
    assert_eq!(world.slot(BTC, NEAR), None);
}

/// Expired positions neither block an account nor give it anything before they are settled.
#[test]
fn before_it_is_settled_an_account_trades_deposits_and_is_liquidated() {
    let mut world = World::new();
    let [maker, keeper] = [(); 2].map(|()| world.funded(1_000_000.0));
    let trader = world.funded(40_000.0);
    world.fill(&maker, &trader, &[buy(10, call(BTC, NEAR, 90_000), 5_000.0), sell(5, future(BTC, NEAR), 94_500.0)]);
    for finalised in [false, true] {
        if finalised {
            world.finalise_at(BTC, NEAR, usd(95_000.0));
        } else {
            world.set_time(NEAR);
        }
        world.refresh();
        world.fill(&maker, &trader, &[sell(30, call(BTC, FAR, 100_000), 4_500.0)]);
        world.fund(&trader, USDC, usdc(10.0));
        let withdraw = world.withdraw(&trader, USDC, usdc(10.0));
        world.accept(withdraw.instruction(), &[&trader.key]);
        assert!(world.report(&trader).equity > 0);
    }
    sink(&mut world, &trader, 0);
    start(&mut world, &keeper, &trader);
    let bid = world.bid(&keeper, &trader, WHOLE);
    world.accept(bid.instruction(), &[&keeper.key]);
    // The bidder took expired positions as well, which are paid to him.
    let settle = world.settle(BTC, NEAR, &maker, &[&keeper, &trader, &maker]);
    world.accept(settle.instruction(), &[]);
    assert_eq!(world.slot(BTC, NEAR), None);
}
