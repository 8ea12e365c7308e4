//! Venues: programs that settle fills for the accounts that approved them.

use margin_client::{
    errors::EngineError as E,
    events::EngineEvent,
    instructions::{TradeLeg, VenueAdd, VenueEnable},
    state::{TradingParameters, VenueLimits},
};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tests_svm::{
    BTC, ETH, NEAR, SOL, Trader, World, buy, call, correlation, free_trading, lots_of, perpetual, put, sell, usdc,
};

/// Three accounts that approved a venue.
fn approved() -> (World, Keypair, [Trader; 3]) {
    let mut world = World::new();
    let venue = world.venue();
    let traders = [1_000_000.0, 100_000.0, 50_000.0].map(|cash| world.funded(cash));
    let limits = world.wide_limits();
    for trader in &traders {
        world.approve(trader, venue.pubkey(), limits);
    }
    (world, venue, traders)
}

#[test]
fn a_batch_of_fills_is_settled_and_checked_once() {
    let (mut world, venue, [a, b, c]) = approved();
    // C sells what it cannot carry naked and buys the cover in the same batch, from another.
    let naked = (2, 0, sell(30, call(BTC, NEAR, 100_000), 2_500.0));
    let cover = (2, 1, buy(30, call(BTC, NEAR, 101_000), 2_200.0));
    let third = (1, 0, buy(4, perpetual(SOL), 137.0));
    let fills = [naked, cover, third];
    let settle = world.settlement(venue.pubkey(), &[&a, &b, &c], &fills);
    let events = world.accept(settle.instruction(), &[&venue]).events();
    let [EngineEvent::FillsSettled(event)] = events.as_slice() else { panic!("one event") };
    assert_eq!(event.legs.len(), 3);
    assert_eq!(
        event.accounts.iter().map(|change| change.account).collect::<Vec<_>>(),
        [a.account, b.account, c.account]
    );
    assert_eq!(event.accounts[2].cash_after - event.accounts[2].cash_before, usdc(0.3 * 300.0) as i64);
    assert_eq!(lots_of(&world.account(&a), call(BTC, NEAR, 100_000)), 30);
    assert_eq!(lots_of(&world.account(&b), call(BTC, NEAR, 101_000)), -30);
    for trader in [&a, &b, &c] {
        assert_eq!(world.account(trader).sequence, 1);
    }

    let naked = [(2, 0, sell(1_000, call(BTC, NEAR, 100_000), 2_500.0))];
    let settle = world.settlement(venue.pubkey(), &[&a, &b, &c], &naked);
    world.refuse(settle.instruction(), &[&venue], E::FillAccount);
    let naked = [(1, 0, naked[0].2.clone())];
    let settle = world.settlement(venue.pubkey(), &[&a, &c], &naked);
    world.refuse(settle.instruction(), &[&venue], E::BelowInitialMargin);
}

#[test]
fn limits_are_the_accounts_own() {
    let (mut world, venue, [a, b, _]) = approved();
    let fills = [(1, 0, buy(10, perpetual(BTC), 94_128.89))];
    let settle = |world: &World| world.settlement(venue.pubkey(), &[&a, &b], &fills).instruction();
    // 0.1 BTC at the index.
    let notional = 9_412_889_000;
    let good = world.wide_limits();
    let cases = [
        (VenueLimits { underlyings: !(1 << BTC), ..good }, E::ApprovalUnderlying),
        (VenueLimits { notional: notional - 1, ..good }, E::ApprovalNotional),
        (VenueLimits { notional: 0, ..good }, E::VenueNotApproved),
    ];
    for (limits, error) in cases {
        for (trader, other) in [(&a, &b), (&b, &a)] {
            world.approve(trader, venue.pubkey(), limits);
            world.approve(other, venue.pubkey(), good);
            let instruction = settle(&world);
            world.refuse(instruction, &[&venue], error);
        }
    }
    // To the atom, and used up by it.
    let exact = VenueLimits { underlyings: 1 << BTC, notional, ..good };
    world.approve(&b, venue.pubkey(), exact);
    world.approve(&a, venue.pubkey(), good);
    let instruction = settle(&world);
    world.accept(instruction, &[&venue]);
    assert_eq!(world.account(&b).venue_limits(&venue.pubkey()).notional, 0);
    let instruction = settle(&world);
    world.refuse(instruction, &[&venue], E::ApprovalNotional);

    // Until the last second.
    world.approve(&b, venue.pubkey(), VenueLimits { expires_at: world.now() + 10, ..good });
    world.advance(9);
    let instruction = settle(&world);
    world.accept(instruction, &[&venue]);
    world.advance(1);
    let instruction = settle(&world);
    world.refuse(instruction, &[&venue], E::ApprovalExpired);
}

#[test]
fn approvals_are_the_owners_and_four_at_most() {
    let (mut world, venue, [a, b, _]) = approved();
    let now = world.now();
    let good = world.wide_limits();
    let mut foreign = world.approval(&a, venue.pubkey(), good);
    foreign.owner = b.owner();
    world.refuse(foreign.instruction(), &[&b.key], E::NotOwner);
    for limits in [VenueLimits { expires_at: now, ..good }, VenueLimits { underlyings: 0, ..good }] {
        let approve = world.approval(&a, venue.pubkey(), limits);
        world.refuse(approve.instruction(), &[&a.key], E::ApprovalLimits);
    }
    let others: Vec<Keypair> = (0..4).map(|_| world.venue()).collect();
    for other in &others[..3] {
        world.approve(&a, other.pubkey(), good);
    }
    let fifth = world.approval(&a, others[3].pubkey(), good);
    world.refuse(fifth.instruction(), &[&a.key], E::ApprovalTableFull);
    // Ending what was never approved is no error; ending another makes room.
    let none = VenueLimits { notional: 0, ..good };
    world.approve(&a, others[3].pubkey(), none);
    let end = world.approval(&a, others[1].pubkey(), none);
    let events = world.accept(end.instruction(), &[&a.key]).events();
    let [EngineEvent::VenueApproved(event)] = events.as_slice() else { panic!("one event") };
    assert_eq!((event.before, event.after), (good, VenueLimits::default()));
    world.approve(&a, others[3].pubkey(), good);
}

#[test]
fn a_venue_settles_while_it_is_registered_and_enabled() {
    let (mut world, venue, [a, b, _]) = approved();
    let admin = world.admin.insecure_clone();
    let fills = [(1, 0, buy(1, perpetual(ETH), 3_240.67))];
    let settle = |world: &World| world.settlement(venue.pubkey(), &[&a, &b], &fills);
    let mut stolen = settle(&world).instruction();
    stolen.accounts[0].pubkey = b.owner();
    world.refuse(stolen, &[&b.key], E::NotVenueAuthority);

    let enable = |admin: Pubkey, engine, enabled| VenueEnable { admin, engine, authority: venue.pubkey(), enabled };
    let engine = world.engine;
    world.refuse(enable(b.owner(), engine, false).instruction(), &[&b.key], E::NotAdmin);
    let events = world.accept(enable(admin.pubkey(), engine, false).instruction(), &[&admin]).events();
    let [EngineEvent::VenueEnabled(event)] = events.as_slice() else { panic!("one event") };
    assert_eq!((event.before, event.after), (true, false));
    let instruction = settle(&world).instruction();
    world.refuse(instruction, &[&venue], E::VenueDisabled);
    world.accept(enable(admin.pubkey(), engine, true).instruction(), &[&admin]);
    let instruction = settle(&world).instruction();
    world.accept(instruction, &[&venue]);

    world.svm.airdrop(&b.owner(), 1_000_000_000).expect("an airdrop");
    let add = |admin: Pubkey, authority| VenueAdd { admin, engine, authority, program: Pubkey::default() };
    world.refuse(add(b.owner(), Pubkey::new_unique()).instruction(), &[&b.key], E::NotAdmin);
    world.refuse(add(admin.pubkey(), Pubkey::default()).instruction(), &[&admin], E::VenueAuthority);
}

#[test]
fn every_fault_of_a_batch_has_its_error() {
    let (mut world, venue, [a, b, c]) = approved();
    let good = world.settlement(venue.pubkey(), &[&a, &b], &[(1, 0, buy(1, perpetual(ETH), 3_240.67))]);
    let mut refuse = |change: &dyn Fn(&mut margin_client::instructions::FillSettle), error| {
        let mut settle = good.clone();
        change(&mut settle);
        world.refuse(settle.instruction(), &[&venue], error);
    };
    refuse(&|settle| settle.args.fills.clear(), E::TradeLegs);
    refuse(&|settle| settle.args.fills = vec![settle.args.fills[0].clone(); 9], E::TradeLegs);
    refuse(&|settle| settle.args.fills[0].taker = 2, E::FillAccount);
    refuse(&|settle| settle.args.fills[0].maker = 1, E::TradeWithSelf);
    refuse(&|settle| settle.args.fills[0].leg.lots = 0, E::LegQuantity);
    refuse(&|settle| settle.margin_accounts.truncate(1), E::FillAccount);
    refuse(&|settle| settle.margin_accounts[1] = settle.margin_accounts[0], E::FillAccountDuplicate);
    refuse(&|settle| settle.args.reduce_only = 1, E::ReduceOnly);
    refuse(&|settle| settle.args.reduce_only = 2, E::ReduceOnly);
    refuse(&|settle| settle.markets[0].is_writable = false, E::UnderlyingReadOnly);

    let mut read_only = good.clone().instruction();
    let at = read_only.accounts.iter().position(|meta| meta.pubkey == b.account).expect("the account");
    read_only.accounts[at].is_writable = false;
    world.refuse(read_only, &[&venue], E::FillAccountReadOnly);

    world.set_trading(ETH, TradingParameters { band_mark: 1, band_index: 0, ..free_trading() });
    let off = world.settlement(venue.pubkey(), &[&a, &b], &[(1, 0, buy(1, perpetual(ETH), 3_241.0))]);
    world.refuse(off.instruction(), &[&venue], E::PriceBand);

    // An account of another engine.
    let other = world.another_engine();
    let stranger = margin_client::addresses::margin_account(&other, &c.owner(), 0);
    let open = margin_client::instructions::AccountOpen {
        owner: c.owner(),
        payer: world.payer.pubkey(),
        engine: other,
        args: margin_client::instructions::AccountOpenArgs {
            index: 0,
            delegate: Pubkey::default(),
            mode: margin_client::state::AccountMode::Portfolio,
        },
    };
    world.accept(open.instruction(), &[&c.key]);
    let mut foreign = world.settlement(venue.pubkey(), &[&a, &b], &[(1, 0, buy(1, perpetual(ETH), 3_240.67))]);
    foreign.margin_accounts[1] = stranger;
    world.refuse(foreign.instruction(), &[&venue], E::ForeignEngine);
}

#[test]
fn a_venue_may_reduce_where_it_may_not_open() {
    let (mut world, venue, [a, b, _]) = approved();
    let open = world.settlement(venue.pubkey(), &[&a, &b], &[(1, 0, sell(400, put(BTC, NEAR, 70_000), 200.0))]);
    world.accept(open.instruction(), &[&venue]);
    while {
        let report = world.report(&b);
        report.equity >= (report.initial_margin + report.maintenance_margin) / 2
    } {
        world.shock(BTC, 0.99);
    }
    let mark = {
        let (x, y) = (world.funded(1_000_000.0), world.funded(1_000_000.0));
        let receipt = world.fill(&x, &y, &[buy(1, put(BTC, NEAR, 70_000), 1.0)]);
        let Some(EngineEvent::TradeExecuted(trade)) = receipt.events().pop() else { panic!("a trade") };
        trade.legs[0].mark
    };
    let leg = margin_client::instructions::TradeLeg { instrument: put(BTC, NEAR, 70_000), lots: 10, price: mark };
    let mut settle = world.settlement(venue.pubkey(), &[&a, &b], &[(1, 0, leg)]);
    world.refuse(settle.clone().instruction(), &[&venue], E::BelowInitialMargin);
    settle.args.reduce_only = 2;
    world.accept(settle.instruction(), &[&venue]);
}

#[test]
fn a_batch_of_eight_accounts_fits_the_heap() {
    let mut world = World::new();
    world.correlate(correlation());
    let venue = world.venue();
    let traders: Vec<Trader> = (0..8).map(|_| world.funded(100_000.0)).collect();
    let limits = world.wide_limits();
    for trader in &traders {
        world.approve(trader, venue.pubkey(), limits);
    }
    let traders: Vec<&Trader> = traders.iter().collect();
    // Everybody trades options on all three with everybody's neighbour, and back again.
    let instruments = [call(BTC, NEAR, 100_000), call(ETH, NEAR, 3_500), put(SOL, NEAR, 120)];
    for lots in [1, -1] {
        let fills: Vec<_> = (0..8u8)
            .map(|taker| {
                let instrument = instruments[usize::from(taker) % 3];
                (taker, (taker + 1) % 8, TradeLeg { instrument, lots, price: tests_svm::usd(2.0) })
            })
            .collect();
        let mut settle = world.settlement(venue.pubkey(), &traders, &fills);
        // What nets to nothing only reduces, and is assessed before as well.
        settle.args.reduce_only = if lots < 0 { u8::MAX } else { 0 };
        let receipt = world.accept(settle.instruction(), &[&venue]);
        println!("compute units of eight fills between eight accounts: {}", receipt.compute_units);
    }
    assert!(traders.iter().all(|trader| world.account(trader).positions().is_empty()));
}
