use margin_client::{
    errors::EngineError,
    margin::PriceUse,
    state::{MarginAccount, PriceChallenge, Underlying},
};
use solana_account::Account;

use super::*;
use crate::{
    health::{Health, Scope, sweep},
    store::Version,
    testing::{self, BTC, ETH, EXPIRIES, NOW, SPOTS, USD, call, key, margin_account, stored},
};

const OWN: Own = Own { signer: Pubkey::new_from_array([1; 32]), account: Pubkey::new_from_array([2; 32]) };

struct Scene {
    store: Store,
    settings: Settings,
    busy: Busy,
    slot: u64,
    now: i64,
}

impl Scene {
    /// A market and a keeper with cash.
    fn new(cash: i64) -> Self {
        let mut store = Store::new(testing::engine_address());
        for index in [BTC, ETH] {
            store.markets.choose_price(testing::feed(index), testing::price_address(index));
        }
        let mut scene = Self { store, settings: Settings::default(), busy: Busy::new(), slot: 0, now: NOW };
        for (address, account) in testing::markets() {
            scene.put(address, &account);
        }
        scene.put(OWN.account, &stored(&*margin_account(OWN.signer, cash, &[])));
        scene
    }

    fn put(&mut self, address: Pubkey, account: &Account) {
        self.slot += 1;
        self.store.apply(address, Some(account), Version { slot: self.slot, write: 0 });
    }

    /// Short calls on the index, with so much cash that the account is below maintenance margin but worth something; in
    /// liquidation since the start, if it is flagged.
    fn distressed(&mut self, seed: u8, lots: i64, flagged: bool) -> Pubkey {
        let (address, book) = (key(seed), [(call(BTC, 94_000 * USD), -lots)]);
        let mut account = margin_account(key(seed), 0, &book);
        let risk = self.risk(&account);
        // Halfway between nothing and maintenance margin.
        let cash = (risk.maintenance_margin.0 / 2 - risk.equity.0) / 1_000_000;
        account.cash = (cash << 48).to_le_bytes();
        if flagged {
            account = self.started(&account);
        }
        self.put(address, &stored(&*account));
        address
    }

    fn started(&self, account: &MarginAccount) -> Box<MarginAccount> {
        let started = self.view().with(|judge| crate::program::started(judge, account, None));
        started.expect("markets").expect("a margin")
    }

    fn view(&self) -> View {
        View::new(&self.store, PriceUse::Liquidation, self.now).expect("a market")
    }

    fn risk(&self, account: &MarginAccount) -> margin_core::portfolio::AccountRisk {
        let risk = self.view().with(|judge| judge.assess(account, &mut margin_engine::risk::Workspace::new()));
        risk.expect("markets").expect("a margin")
    }

    fn plan(&mut self) -> Vec<Action> {
        let view = self.view();
        sweep(&mut self.store, &view, Scope::All, 1);
        plan(&self.store, &view, &OWN, &self.settings, &self.busy).expect("a plan")
    }
}

fn bids(actions: &[Action]) -> Vec<(Pubkey, u64, i64, i64)> {
    let bids = actions.iter().filter_map(|action| match action.kind {
        ActionKind::Bid { fraction, price, .. } => Some((action.subject, fraction, price, action.expected_profit)),
        _ => None,
    });
    bids.collect()
}

#[test]
fn the_same_state_gives_the_same_plan_and_the_best_comes_first() {
    let mut scene = Scene::new(10_000_000);
    let small = scene.distressed(20, 100, true);
    let large = scene.distressed(21, 1_000, true);
    let waiting = scene.distressed(22, 500, false);
    let actions = scene.plan();
    let order: Vec<_> = actions.iter().map(|action| (action.kind.name(), action.subject)).collect();
    assert_eq!(order, [("bid", large), ("start", waiting), ("bid", small)]);
    assert!(actions.windows(2).all(|pair| pair[0].expected_profit >= pair[1].expected_profit));
    assert!(actions.iter().all(|action| action.expected_profit > 0 && action.instructions.len() == 1));
    assert_eq!(scene.plan(), actions);
}

#[test]
fn a_start_names_the_worst_scenario_of_each_underlying() {
    let mut scene = Scene::new(1);
    let address = scene.distressed(20, 100, false);
    let actions = scene.plan();
    let [Action { kind: ActionKind::Start { equity, maintenance_margin, witness }, subject, .. }] = &actions[..] else {
        panic!("{actions:?}")
    };
    assert!(*subject == address && 0 < *equity && equity < maintenance_margin);
    let account = scene.store.account(&address).expect("stored");
    let usage = PriceUse::Liquidation;
    let snapshot = margin_client::margin::Snapshot::new(
        scene.store.engine().expect("an engine").clone(),
        scene.store.markets.directory().clone(),
        testing::markets(),
    );
    let report = snapshot.report(&account, usage, NOW).expect("a report");
    let worst = report.underlyings[0].portfolio().expect("the portfolio model").worst_case;
    assert_eq!(witness.as_deref(), Some(&[worst][..]));
}

#[test]
fn a_bid_never_takes_the_own_account_below_its_margin_and_reserve() {
    let mut rich = Scene::new(10_000_000);
    let address = rich.distressed(20, 1_000, true);
    let [(_, whole, ..)] = bids(&rich.plan())[..] else { panic!("a rich keeper bids") };

    let mut modest = Scene::new(40_000);
    assert_eq!(modest.distressed(20, 1_000, true), address);
    let planned = modest.plan();
    let [(_, part, price, profit)] = bids(&planned)[..] else { panic!("a modest keeper bids for less: {planned:?}") };
    assert!(part < whole / 2, "{part} of {whole}");
    // What the program would do leaves the reserve, and a hundredth more would not.
    let (own, account) = (OWN.account, address);
    let evaluate = |fraction| {
        let (own, account) =
            (modest.store.account(&own).expect("own"), modest.store.account(&account).expect("stored"));
        let outcome = modest.view().with(|judge| {
            crate::program::evaluate_bid(judge, &own, &account, fraction, &mut margin_engine::risk::Workspace::new())
        });
        outcome.expect("markets").expect("a bid")
    };
    let spare = |fraction| {
        let risk = evaluate(fraction).bidder_risk;
        risk.equity.0 - risk.initial_margin.0 - risk.initial_margin.0 / 20
    };
    assert!(spare(part) >= 0 && spare(part + whole / 100) < 0, "{} {}", spare(part), spare(part + whole / 100));
    let outcome = evaluate(part);
    assert_eq!(outcome.price, price);
    assert!(profit < outcome.value - price, "unwinding and the transaction cost something");

    let mut poor = Scene::new(0);
    poor.distressed(20, 1_000, true);
    assert!(bids(&poor.plan()).is_empty());
}

#[test]
fn bids_of_one_plan_fit_the_own_account_together() {
    let mut scene = Scene::new(60_000);
    let addresses =
        [scene.distressed(20, 1_000, true), scene.distressed(21, 999, true), scene.distressed(22, 998, true)];
    scene.settings.minimum_profit = 0;
    let actions = scene.plan();
    let planned = bids(&actions);
    assert!(!planned.is_empty() && planned.iter().all(|(subject, ..)| addresses.contains(subject)));
    let mut own = scene.store.account(&OWN.account).expect("own");
    let mut by_plan = planned.clone();
    // In the order of the plan, each on the book that the one before leaves.
    by_plan.sort_by_key(|(.., profit)| std::cmp::Reverse(*profit));
    for (subject, fraction, ..) in by_plan {
        let account = scene.store.account(&subject).expect("stored");
        let outcome = scene.view().with(|judge| {
            crate::program::evaluate_bid(judge, &own, &account, fraction, &mut margin_engine::risk::Workspace::new())
        });
        let outcome = outcome.expect("markets").expect("a bid");
        assert!(outcome.bidder_risk.initially_healthy());
        own = margin_client::Loaded::from_state(OWN.account, outcome.bidder);
    }
}

#[test]
fn unwinding_costs_only_where_the_own_book_grows() {
    let mut scene = Scene::new(1_000_000);
    scene.distressed(20, 500, true);
    let [(_, fraction, price, alone)] = bids(&scene.plan())[..] else { panic!("one bid") };
    // The keeper holds the other side: the slice nets away.
    let own = margin_account(OWN.signer, 1_000_000, &[(call(BTC, 94_000 * USD), 5_000)]);
    scene.put(OWN.account, &stored(&*own));
    let [(_, same, again, netted)] = bids(&scene.plan())[..] else { panic!("one bid") };
    assert_eq!((fraction, price), (same, again));
    assert!(netted > alone, "{netted} {alone}");
}

#[test]
fn too_little_profit_is_no_bid() {
    let mut scene = Scene::new(10_000_000);
    scene.distressed(20, 500, true);
    let [(.., profit)] = bids(&scene.plan())[..] else { panic!("one bid") };
    scene.settings.minimum_profit = profit;
    let limit = |actions: &[Action]| match actions[0].kind {
        ActionKind::Bid { price, price_limit, .. } => price_limit - price,
        _ => panic!("{actions:?}"),
    };
    assert_eq!(limit(&scene.plan()), 0, "not an atom to give away");
    scene.settings.minimum_profit = profit + 1;
    assert!(bids(&scene.plan()).is_empty());
    scene.settings.minimum_profit = 0;
    assert_eq!(limit(&scene.plan()), profit);
    // Where unwinding eats all of it.
    scene.settings.unwind_option = 1_000_000_000;
    assert!(bids(&scene.plan()).is_empty());
}

#[test]
fn what_is_busy_healthy_own_or_of_the_same_owner_is_left_alone() {
    let mut scene = Scene::new(10_000_000);
    let address = scene.distressed(20, 500, true);
    scene.busy.insert(address);
    assert!(scene.plan().is_empty());
    scene.busy.clear();
    assert_eq!(scene.plan().len(), 1);
    let mut account = scene.store.account(&address).expect("stored");
    account.state_mut().owner = OWN.signer;
    scene.put(address, &stored(&*account));
    assert!(bids(&scene.plan()).is_empty());
    scene.put(address, &stored(&*margin_account(key(20), 1_000_000, &[(call(BTC, 94_000 * USD), -1)])));
    assert!(scene.plan().is_empty());
}

#[test]
fn an_account_that_has_recovered_is_released() {
    let mut scene = Scene::new(1_000);
    let account = margin_account(key(20), 1_000_000, &[(call(BTC, 94_000 * USD), -1)]);
    let flagged = scene.started(&account);
    scene.put(key(20), &stored(&*flagged));
    let actions = scene.plan();
    assert!(matches!(&actions[..], [Action { kind: ActionKind::Stop, .. }]), "{actions:?}");
    scene.settings.tasks.stop = false;
    assert!(scene.plan().is_empty());
}

#[test]
fn series_are_sampled_made_final_and_paid() {
    let mut scene = Scene::new(1_000);
    let change = |scene: &mut Scene, change: &dyn Fn(&mut Underlying)| {
        let mut btc = scene.store.markets.underlying(BTC).expect("listed").clone();
        change(btc.state_mut());
        scene.put(btc.address, &stored(&*btc));
    };
    scene.now = EXPIRIES[0] - 600;
    for index in [BTC, ETH] {
        scene.put(testing::price_address(index), &testing::price(index, SPOTS[usize::from(index)], scene.now));
    }
    let kinds = |actions: &[Action]| actions.iter().map(|action| action.kind.clone()).collect::<Vec<_>>();
    let sample = ActionKind::Sample { expiry: EXPIRIES[0] };
    assert_eq!(kinds(&scene.plan()), [sample.clone(), sample], "one of each underlying, within the window");

    scene.now = EXPIRIES[0] + 1;
    change(&mut scene, &|btc| {
        let slot = btc.expiry_mut(EXPIRIES[0]).expect("listed");
        (slot.sample_count, slot.sampled_at, slot.observed_average, slot.open_lots) = (20, NOW, SPOTS[0], 9);
    });
    assert!(kinds(&scene.plan()).contains(&ActionKind::Finalise { expiry: EXPIRIES[0] }));

    change(&mut scene, &|btc| btc.expiry_mut(EXPIRIES[0]).expect("listed").finalised = 1);
    let holders: Vec<Pubkey> = (0..23).map(|number| key(120 + number)).collect();
    for holder in &holders {
        scene.put(*holder, &stored(&*margin_account(*holder, 100, &[(call(BTC, 90_000 * USD), 2)])));
    }
    scene.put(key(200), &stored(&*margin_account(key(200), 100, &[(call(ETH, 3_000 * USD), 2)])));
    let settles: Vec<_> = scene.plan().into_iter().filter(|action| action.kind.name() == "settle").collect();
    let counts: Vec<_> = settles.iter().map(|action| (action.kind.clone(), action.expected_profit)).collect();
    let settle = |accounts| ActionKind::Settle { expiry: EXPIRIES[0], accounts };
    // Five cents an account, less the transaction.
    assert_eq!(counts, [(settle(20), 998_000), (settle(3), 148_000)]);
}

#[test]
fn funding_is_brought_up_to_date_once_an_interval() {
    let mut scene = Scene::new(1_000);
    let mut btc = testing::underlying(BTC);
    (btc.state_mut().perpetual.funding.premium, btc.state_mut().perpetual.funding.accrued_at) = (5, NOW - 3_599);
    scene.put(btc.address, &stored(&*btc));
    assert!(scene.plan().is_empty());
    btc.state_mut().perpetual.funding.accrued_at = NOW - 3_600;
    scene.put(btc.address, &stored(&*btc));
    assert!(matches!(&scene.plan()[..], [Action { kind: ActionKind::Fund, subject, .. }] if *subject == btc.address));
}

#[test]
fn a_price_is_brought_against_the_claim_that_there_is_none() {
    let mut scene = Scene::new(1_000);
    let mut token = testing::token(ETH);
    scene.put(token.address, &stored(&*token));
    assert!(scene.plan().is_empty());
    token.state_mut().challenge = PriceChallenge { since: NOW - 5, bond: 7 };
    scene.put(token.address, &stored(&*token));
    let actions = scene.plan();
    assert!(
        matches!(&actions[..], [Action { kind: ActionKind::Answer { bond: 7 }, subject, .. }] if *subject == token.address)
    );
    let accounts = &actions[0].instructions[0].accounts;
    assert_eq!(
        [accounts[0].pubkey, accounts[1].pubkey, accounts[2].pubkey],
        [OWN.signer, token.address, testing::price_address(ETH)]
    );
    // Not while it has none itself, nor while an answer is under way, nor unless it is asked to.
    scene.now += 301;
    assert!(scene.plan().is_empty());
    scene.now -= 301;
    scene.busy.insert(token.address);
    assert!(scene.plan().is_empty());
    scene.busy.clear();
    scene.settings.tasks.answer = false;
    assert!(scene.plan().is_empty());
}

/// A token for nothing, a day after the claim: its holder's account is judged without it.
#[test]
fn an_account_is_judged_without_the_token_that_has_no_price() {
    let mut scene = Scene::new(10_000_000);
    let mut token = testing::token(ETH);
    token.state_mut().challenge = PriceChallenge { since: NOW, bond: 7 };
    scene.put(token.address, &stored(&*token));
    let address = scene.distressed(20, 500, false);
    let mut account = scene.store.entry(&address).expect("an account").account();
    account.set_balance(1, 1_000_000_000).expect("a free row");
    scene.put(address, &stored(&*account));
    scene.now += 86_399;
    scene.put(testing::price_address(BTC), &testing::price(BTC, SPOTS[0], scene.now));
    assert!(scene.plan().is_empty());
    scene.now += 1;
    let actions = scene.plan();
    assert_eq!(
        actions.iter().map(|action| (action.kind.name(), action.subject)).collect::<Vec<_>>(),
        [("start", address)]
    );
    // Nobody can judge positions in the underlying, whose price is the token's; and a living token that is linked to it keeps
    // nobody else from being judged.
    let exposed = key(30);
    scene.put(exposed, &stored(&*margin_account(exposed, -1_000_000, &[(call(ETH, 3_000 * USD), 1)])));
    let mut living = testing::token(ETH);
    (living.state_mut().index, living.state_mut().oracle) = (2, testing::underlying(BTC).oracle);
    scene.put(key(31), &stored(&*living));
    assert_eq!(scene.plan(), actions);
    let health = |address| scene.store.entry(address).map(|entry| entry.health);
    assert_eq!(health(&exposed), Some(Health::Unpriceable(u32::from(EngineError::OraclePrice))));
}

#[test]
fn an_account_that_cannot_be_priced_is_nobody_s() {
    let mut scene = Scene::new(10_000_000);
    let address = scene.distressed(20, 500, true);
    scene.now += 10_000;
    assert!(scene.plan().iter().all(|action| action.subject != address));
    assert!(matches!(scene.store.entry(&address).map(|entry| entry.health), Some(Health::Unpriceable(_))));
}

impl Scene {
    /// Lets time pass; prices are published again.
    fn advance(&mut self, seconds: i64) {
        self.now += seconds;
        for index in [BTC, ETH] {
            self.put(testing::price_address(index), &testing::price(index, SPOTS[usize::from(index)], self.now));
        }
    }

    /// The only bid of the plan: auction, whether partial, value, price, profit.
    fn only_bid(&mut self) -> Option<(Auction, bool, i64, i64, i64)> {
        let actions = self.plan();
        let mut bids = actions.iter().filter_map(|action| match action.kind {
            ActionKind::Bid { auction, partial, value, price, .. } => {
                Some((auction, partial, value, price, action.expected_profit))
            }
            _ => None,
        });
        let bid = bids.next();
        assert!(bids.next().is_none());
        bid
    }
}

#[test]
fn the_price_falls_with_time_and_the_profit_rises() {
    let mut scene = Scene::new(10_000_000);
    scene.distressed(20, 500, true);
    let mut before = 0;
    // 95 % at first, 70 % after a quarter of an hour, 35 % after six hours more.
    for (seconds, share) in [(0, 0.95), (450, 0.825), (450, 0.70), (1_800, 0.6708)] {
        scene.advance(seconds);
        let (auction, partial, value, price, profit) = scene.only_bid().expect("a bid");
        assert_eq!((auction, partial), (Auction::Solvent, false));
        let paid = price as f64 / value as f64;
        assert!((paid - share).abs() < 1e-3, "{paid} {share}");
        assert!(profit > before, "{profit} {before}");
        before = profit;
    }
}

#[test]
fn an_insolvent_account_is_taken_once_insurance_pays_enough() {
    let mut scene = Scene::new(10_000_000);
    let book = [(call(BTC, 94_000 * USD), -500)];
    let mut account = margin_account(key(20), 0, &book);
    let risk = scene.risk(&account);
    // Below nothing by a thousand dollars.
    account.cash = ((-risk.equity.0 / 1_000_000 - 1_000_000_000) << 48).to_le_bytes();
    let flagged = scene.started(&account);
    assert!(flagged.liquidation.insolvent_at == NOW);
    scene.put(key(20), &stored(&*flagged));
    assert_eq!(scene.only_bid(), None, "at first only the debt itself is paid, and unwinding costs more");
    scene.advance(1_800);
    let (auction, _, value, price, profit) = scene.only_bid().expect("a bid");
    assert!(auction == Auction::Insolvent && value < 0 && price < value && profit > 0, "{value} {price} {profit}");
}

#[test]
fn the_wrong_auction_is_switched_first_and_mere_debt_is_resolved() {
    let mut scene = Scene::new(10_000_000);
    let address = scene.distressed(20, 500, true);
    let mut account = scene.store.account(&address).expect("stored");
    let cash = account.cash_atoms_floor();
    // Half of the maintenance margin is gone, and more.
    account.state_mut().cash = ((cash - 100_000_000_000) << 48).to_le_bytes();
    scene.put(address, &stored(&*account));
    let kinds = |actions: Vec<Action>| actions.into_iter().map(|action| action.kind).collect::<Vec<_>>();
    assert_eq!(kinds(scene.plan()), [ActionKind::Convert]);
    let mut debt = margin_account(key(20), -5, &[]);
    scene.put(address, &stored(&*debt));
    assert_eq!(kinds(scene.plan()), [ActionKind::Resolve]);
    debt.cash = [0; 16];
    scene.put(address, &stored(&*debt));
    assert!(scene.plan().is_empty());
}

#[test]
fn a_witness_that_shows_no_deficit_is_replaced() {
    let mut scene = Scene::new(10_000_000);
    let address = scene.distressed(20, 500, true);
    let mut account = scene.store.account(&address).expect("stored");
    // As somebody would start it to be in nobody's way: no scenario costs anything.
    account.state_mut().liquidation.witness = margin_client::state::LiquidationState::no_witness();
    scene.put(address, &stored(&*account));
    let actions = scene.plan();
    assert!(
        matches!(&actions[..], [Action { kind: ActionKind::ReplaceWitness { witness: Some(_) }, .. }]),
        "{actions:?}"
    );
}

#[test]
fn a_full_table_leaves_room_for_some_legs() {
    let mut scene = Scene::new(0);
    let held: Vec<_> = (0..127).map(|number| (call(BTC, (50_000 + number) * USD), 1)).collect();
    let own = margin_account(OWN.signer, 10_000_000, &held);
    scene.put(OWN.account, &stored(&*own));
    let mut account = margin_account(
        key(20),
        0,
        &[(call(BTC, 50_000 * USD), -3), (call(BTC, 94_000 * USD), -200), (call(BTC, 95_000 * USD), -200)],
    );
    let risk = scene.risk(&account);
    account.cash = (((risk.maintenance_margin.0 / 2 - risk.equity.0) / 1_000_000) << 48).to_le_bytes();
    let legs = crate::program::legs_that_fit(&own, &account).expect("one has no room");
    assert_eq!(legs.positions, [0b011, 0], "the one that is held, and one more");
    let flagged = scene.started(&account);
    scene.put(key(20), &stored(&*flagged));
    let (auction, partial, _, price, profit) = scene.only_bid().expect("a bid for some legs");
    // Debts change hands: their taker is paid.
    assert!(auction == Auction::Solvent && partial && price < 0 && profit > 0, "{price} {profit}");
}
