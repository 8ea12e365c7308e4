//! Attacks on socialised losses: escaping them, or making others bear them.

use fixed::types::I80F48;
use margin_client::errors::EngineError as E;
use tests_svm::{BTC, Trader, USDC, buy, perpetual, sell, specs, usdc};

use crate::scene::{Scene, WHOLE, atoms, copy, refuse_all};

/// Two depositors with nothing but cash, an insolvent account, and no insurance at all.
fn uninsured() -> (Scene, Trader, Trader) {
    let mut scene = Scene::stretched();
    let (rich, idle) = (scene.world.funded(200_000.0), scene.world.funded(50_000.0));
    scene.sink(-5_000_000_000);
    scene.start();
    (scene, rich, idle)
}

/// Share of every deposit that the loss took.
fn socialise(scene: &mut Scene) -> f64 {
    let event = scene.take_insolvent(WHOLE);
    assert_eq!((event.loss.from_underlying, event.loss.from_common), (0, 0));
    assert_eq!(event.loss.socialised as i64, event.payout);
    let left = |socialised: u64| 1.0 - socialised as f64 / 2f64.powi(63);
    1.0 - left(event.socialised_after) / left(event.socialised_before)
}

#[track_caller]
fn assert_bore(scene: &mut Scene, trader: &Trader, deposit: f64, share: f64) {
    let (cash, want) = (scene.world.report(trader).cash as f64, atoms(deposit) as f64 * (1.0 - share));
    assert!((cash - want).abs() <= 1.0, "{cash} is not {want}");
}

/// **Withdrawing first**: from the moment a loss is socialised every deposit has borne it, whoever is touched first. Only who left before
/// the loss was there has no part in it: then it was not known who would lose.
#[test]
fn a_withdrawal_bears_the_loss_before_it_pays() {
    let (mut scene, rich, idle) = uninsured();
    let early = scene.world.funded(10_000.0);
    let leave = scene.world.withdraw(&early, USDC, usdc(10_000.0));
    scene.world.accept(leave.instruction(), &[&early.key]);
    let share = socialise(&mut scene);
    assert!(share > 1e-4, "{share}");
    for (trader, deposit) in [(&rich, 200_000.0), (&idle, 50_000.0)] {
        let all = scene.world.withdraw(trader, USDC, usdc(deposit)).instruction();
        refuse_all(&mut scene.world, &[all], &[&trader.key], E::InsufficientBalance);
        assert_bore(&mut scene, trader, deposit, share);
        let left = scene.world.report(trader).cash.unsigned_abs();
        let rest = scene.world.withdraw(trader, USDC, left).instruction();
        scene.world.accept(rest, &[&trader.key]);
    }
    assert_eq!(scene.wealth(&[&early]), atoms(10_000.0));
}

/// **Opening a new account, or moving cash between own accounts**: cash bears the loss where it lies before it moves, and once.
#[test]
fn moving_cash_escapes_no_loss_and_bears_it_once() {
    let (mut scene, rich, idle) = uninsured();
    let before = scene.world.second_account(&idle);
    let share = socialise(&mut scene);
    let after = scene.world.second_account(&rich);
    for (trader, second, deposit) in [(&rich, after, 200_000.0), (&idle, before, 50_000.0)] {
        let whole = scene.world.transfer(trader, second, USDC, usdc(deposit)).instruction();
        refuse_all(&mut scene.world, &[whole], &[&trader.key], E::InsufficientBalance);
        let half = scene.world.transfer(trader, second, USDC, usdc(deposit / 2.0)).instruction();
        scene.world.accept(half, &[&trader.key]);
        let alias = Trader { account: second, ..copy(trader) };
        let back = scene.world.transfer(&alias, trader.account, USDC, usdc(deposit / 2.0)).instruction();
        scene.world.accept(back, &[&trader.key]);
        // To and fro costs nothing more: the second account has not borne it again.
        assert_bore(&mut scene, trader, deposit, share);
        assert_eq!(scene.world.report(&alias).cash, 0);
        // Contact with the pool changes nothing either.
        for account in [trader, &alias] {
            scene.world.meet_pool(account);
        }
        assert_bore(&mut scene, trader, deposit, share);
    }
}

/// **Making newcomers pay**: who deposits after a loss does not bear it; who tops up bears it on what he had.
#[test]
fn a_deposit_after_the_loss_does_not_bear_it() {
    let (mut scene, rich, _) = uninsured();
    let waiting = scene.world.trader();
    let share = socialise(&mut scene);
    let fresh = scene.world.funded(70_000.0);
    scene.world.fund(&waiting, USDC, usdc(30_000.0));
    assert_bore(&mut scene, &fresh, 70_000.0, 0.0);
    assert_bore(&mut scene, &waiting, 30_000.0, 0.0);
    scene.world.fund(&rich, USDC, usdc(100_000.0));
    let cash = scene.world.report(&rich).cash as f64;
    let want = atoms(200_000.0) as f64 * (1.0 - share) + atoms(100_000.0) as f64;
    assert!((cash - want).abs() <= 1.0, "{cash} is not {want}");
    let all = scene.world.withdraw(&fresh, USDC, usdc(70_000.0)).instruction();
    scene.world.accept(all, &[&fresh.key]);
}

/// **Keeping a profit unrealised until the loss is socialised**: what is not cash yet bears nothing. What the index does not collect because the
/// losing side has realised its part is the profit's share and no more; the pool's reserve carries it.
#[test]
fn profit_that_is_not_cash_yet_costs_the_reserve_its_share() {
    let mut scene = Scene::stretched();
    let (long, short, third) =
        (scene.world.funded(200_000.0), scene.world.funded(50_000.0), scene.world.funded(200_000.0));
    scene.world.fill(&long, &short, &[sell(20, perpetual(BTC), 94_128.89)]);
    scene.sink(-5_000_000_000);
    scene.start();
    let spot = scene.world.spot(&specs()[0].feed) as f64 * 1e-12;
    scene.world.fill(&third, &short, &[buy(20, perpetual(BTC), spot)]);
    let unrealised = (spot - 94_128.89) * 0.2 * 1e6;
    let share = socialise(&mut scene);
    assert_bore(&mut scene, &long, 200_000.0, share);
    let (maker, trader, keeper) = (copy(&scene.maker), copy(&scene.trader), copy(&scene.keeper));
    for account in [&long, &short, &third, &maker, &trader, &keeper] {
        scene.world.meet_pool(account);
    }
    let reserve = I80F48::from_le_bytes(scene.world.collateral(USDC).pool.reserve).to_num::<f64>();
    assert!(unrealised > 1e9 && reserve < -1.0, "{unrealised}, {reserve}");
    assert!((reserve + share * unrealised).abs() <= 10.0, "{reserve} is not a share of {unrealised}");
}
