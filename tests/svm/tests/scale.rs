//! What instructions of different accounts have in common, from the account metas of the client's builders: the table of
//! `docs/scale.md`. And that the runtime finds the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use margin_client::{
    PROGRAM_ID, addresses,
    instructions::{
        AccountOpen, AccountOpenArgs, AccountSetDelegate, BankruptcyResolve, Fund, InsolventBid, MarginQuoteArgs,
        QuotesCancel, SequenceCheck, TradeLeg,
    },
    presets,
    state::AccountMode,
};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::Message;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_transaction::Transaction;
use tests_svm::{
    BTC, ETH, FAR, SOL_TOKEN, Spec, Trader, USDC, World, buy, call, correlation, perpetual, sell, specs, usdc,
};

/// People who have nothing to do with others, and the underlying that they trade.
struct Group {
    maker: Trader,
    taker: Trader,
    underlying: u16,
}

impl Group {
    fn new(world: &mut World, underlying: u16) -> Self {
        let [maker, taker] = [500_000.0, 50_000.0].map(|dollars| {
            let trader = world.funded(dollars);
            world.fund(&trader, SOL_TOKEN, 2_000_000_000);
            trader
        });
        let group = Self { maker, taker, underlying };
        world.fill(&group.maker, &group.taker, &[group.leg(1)]);
        group
    }

    fn leg(&self, lots: i64) -> TradeLeg {
        let spot = specs()[usize::from(self.underlying)].spot / 1_000_000_000_000;
        buy(lots, call(self.underlying, FAR, spot), spot as f64 / 20.0)
    }
}

/// The client's instruction of each name, for a group.
fn instructions(world: &mut World, venue: &Keypair, group: &Group) -> BTreeMap<&'static str, Instruction> {
    let (maker, taker, underlying) = (&group.maker, &group.taker, group.underlying);
    let (engine, owner) = (world.engine, taker.owner());
    let legs = [group.leg(2)];
    let quote = world.quote_of(maker, 1, &legs);
    let [_, quote_execute] = world.taking(maker, taker, &quote, &maker.key);
    let args = AccountOpenArgs { index: 9, delegate: Pubkey::default(), mode: AccountMode::Portfolio };
    let second = addresses::margin_account(&engine, &owner, 1);
    let both = [maker, taker];
    let limits = world.wide_limits();
    let quote_args = MarginQuoteArgs { legs: legs.to_vec(), transfers: Vec::new(), check: Default::default() };
    let sample = world.sample(underlying, FAR).instruction();
    // As of an account whose liquidation named the underlying.
    let insured = Some(addresses::underlying(&engine, underlying));
    let insolvent_bid = InsolventBid { insured_underlying: insured, ..world.insolvent_bid(maker, taker, 1) };
    let resolution = BankruptcyResolve { insured_underlying: insured, ..world.resolution(taker) };
    BTreeMap::from([
        ("account_open", AccountOpen { owner, payer: owner, engine, args }.instruction()),
        ("account_close", world.closing(taker).instruction()),
        ("account_set_mode", world.mode_setting(taker, AccountMode::Standard).instruction()),
        (
            "account_set_delegate",
            AccountSetDelegate { owner, margin_account: taker.account, delegate: maker.owner() }.instruction(),
        ),
        ("account_transfer", world.transfer(taker, second, USDC, 1).instruction()),
        ("deposit", world.deposit(taker, USDC, 1).instruction()),
        ("withdraw", world.withdraw(taker, USDC, 1).instruction()),
        ("cash_sync", world.sync(taker).instruction()),
        ("margin_check", world.margin_check(taker).instruction()),
        ("margin_quote", world.margin_quote(taker, quote_args).instruction()),
        ("sequence_check", SequenceCheck { margin_account: taker.account, sequence: 1 }.instruction()),
        ("trade_execute", world.trade(maker, taker, &legs).instruction()),
        ("quote_execute", quote_execute),
        ("quotes_cancel", QuotesCancel { authority: owner, margin_account: taker.account, floor: 5 }.instruction()),
        ("checks_begin", world.begin(taker)),
        ("checks_end", world.end(taker, &legs)),
        ("fill_settle", world.settlement(venue.pubkey(), &both, &[(1, 0, group.leg(1))]).instruction()),
        ("venue_approve", world.approval(taker, venue.pubkey(), limits).instruction()),
        ("liquidation_start", world.start(maker, taker).instruction()),
        ("liquidation_bid", world.bid(maker, taker, 1).instruction()),
        ("liquidation_replace_witness", world.witness(taker, &[0]).instruction()),
        ("liquidation_convert", world.conversion(taker).instruction()),
        ("collateral_bid", world.collateral_bid(maker, taker, SOL_TOKEN, 1).instruction()),
        ("insolvent_bid", insolvent_bid.instruction()),
        ("liquidation_stop", world.stop(taker).instruction()),
        ("bankruptcy_resolve", resolution.instruction()),
        ("price_challenge", world.challenge(&taker.key, SOL_TOKEN).instruction()),
        ("price_answer", world.answer(&taker.key, SOL_TOKEN).instruction()),
        ("insurance_deposit", world.donation(taker, Fund::Underlying(underlying), 1).instruction()),
        ("open_interest_sync", world.open_interest_sync(underlying, taker).instruction()),
        ("funding_update", world.funding_update(underlying).instruction()),
        ("settlement_sample", sample),
        ("settlement_finalise", world.finalise(underlying, FAR).instruction()),
        ("position_settle", world.settle(underlying, FAR, maker, &both).instruction()),
        ("fee_collect", world.fee_collection(&both).instruction()),
        ("interest_accrue", world.accrual().instruction()),
    ])
}

fn written(instruction: &Instruction) -> BTreeSet<Pubkey> {
    instruction.accounts.iter().filter(|meta| meta.is_writable).map(|meta| meta.pubkey).collect()
}

/// The words that the document uses for accounts.
fn words(world: &World, groups: &[&Group], keys: &BTreeSet<Pubkey>) -> BTreeSet<&'static str> {
    let traders: Vec<&Trader> = groups.iter().flat_map(|group| [&group.maker, &group.taker]).collect();
    let quote = world.tokens[usize::from(USDC)].collateral(&world.engine);
    let listings = [USDC, SOL_TOKEN].map(|token| world.collateral_address(token));
    let word = |key: &Pubkey| {
        let margin_account = |trader: &&Trader| {
            let numbered = |index| addresses::margin_account(&world.engine, &trader.owner(), index);
            trader.account == *key || [1, 9].map(numbered).contains(key)
        };
        if traders.iter().any(margin_account) {
            "margin accounts"
        } else if traders.iter().any(|trader| trader.wallets.contains(key)) {
            "wallet"
        } else if traders.iter().any(|trader| trader.owner() == *key) {
            "owner"
        } else if (0..3).any(|index| addresses::underlying(&world.engine, index) == *key) {
            "underlying"
        } else if listings.contains(key) {
            "listing"
        } else if *key == quote.vault {
            "vault"
        } else if *key == world.engine {
            "engine"
        } else {
            panic!("the document has no word for {key}")
        }
    };
    keys.iter().map(word).collect()
}

/// Rows of the first table of the document: name, written accounts, those of them that other people's instructions write too.
fn document() -> BTreeMap<String, [BTreeSet<String>; 2]> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scale.md");
    let text = std::fs::read_to_string(&path).expect("docs/scale.md");
    let section = text.split("\n## ").find(|section| section.starts_with("Locks")).expect("a section on locks");
    let cell = |text: &str| {
        let parts = text.split(',').map(|part| part.trim().to_owned());
        parts.filter(|part| !part.is_empty() && part != "–").collect::<BTreeSet<String>>()
    };
    section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
            let [name, writes, shares] = cells[..] else { panic!("three cells: {line}") };
            (name.trim().trim_matches('`').to_owned(), [cell(writes), cell(shares)])
        })
        .collect()
}

fn strings(words: BTreeSet<&'static str>) -> BTreeSet<String> {
    words.into_iter().map(str::to_owned).collect()
}

/// Two groups on one underlying, and a third on another.
fn groups(world: &mut World) -> [Group; 3] {
    [BTC, BTC, ETH].map(|underlying| Group::new(world, underlying))
}

#[test]
fn the_documents_table_is_what_the_clients_instructions_write() {
    let mut world = World::new();
    let venue = world.venue();
    let [first, second, other] = groups(&mut world);
    let all = [&first, &second, &other];
    let [one, two, three] = all.map(|group| instructions(&mut world, &venue, group));
    let mut computed = BTreeMap::new();
    for (name, instruction) in &one {
        let writes = written(instruction);
        // With any instruction of other people in the same market.
        let elsewhere: BTreeSet<Pubkey> = written(&two[name]);
        let shares: BTreeSet<Pubkey> = writes.intersection(&elsewhere).copied().collect();
        computed
            .insert((*name).to_owned(), [strings(words(&world, &all, &writes)), strings(words(&world, &all, &shares))]);
        // In another market even the underlying is another.
        let far: BTreeSet<Pubkey> = writes.intersection(&written(&three[name])).copied().collect();
        assert!(!words(&world, &all, &far).contains("underlying"), "{name}");
    }
    for (name, [writes, shares]) in &computed {
        let list = |words: &BTreeSet<String>| words.iter().cloned().collect::<Vec<_>>().join(", ");
        println!("| `{name}` | {} | {} |", list(writes), list(shares));
    }
    assert_eq!(document(), computed);
}

/// Every instruction of one account against every instruction of another: what both write.
#[test]
fn accounts_meet_in_vaults_and_in_traded_underlyings_only() {
    let mut world = World::new();
    let venue = world.venue();
    let [first, second, other] = groups(&mut world);
    let all = [&first, &second, &other];
    let [one, two, three] = all.map(|group| instructions(&mut world, &venue, group));
    // Neither money nor margin nor liquidation of others waits for a trade, nor they for each other.
    let of_accounts =
        ["margin_check", "liquidation_start", "liquidation_bid", "liquidation_stop", "account_transfer", "checks_end"];
    for (name, others) in of_accounts.into_iter().flat_map(|name| [(name, &two), (name, &three)]) {
        for (against, instruction) in others {
            let common: Vec<Pubkey> = written(&one[name]).intersection(&written(instruction)).copied().collect();
            assert!(common.is_empty(), "{name} and {against}: {common:?}");
        }
    }
    for (name, instruction) in &one {
        for (against, others) in &three {
            let common: BTreeSet<Pubkey> = written(instruction).intersection(&written(others)).copied().collect();
            let common = words(&world, &all, &common);
            let money = ["vault", "listing", "engine"];
            assert!(common.iter().all(|word| money.contains(word)), "{name} and {against}: {common:?}");
        }
    }
    // Tokens of two kinds share nothing at all.
    let cash = world.deposit(&first.taker, USDC, 1).instruction();
    let sol = world.deposit(&second.taker, SOL_TOKEN, 1).instruction();
    assert!(written(&cash).is_disjoint(&written(&sol)));
    // A trade writes the underlyings of its legs, not those that its parties hold besides.
    let legs = [buy(1, perpetual(ETH), 3_240.0)];
    let trade = world.trade(&first.maker, &first.taker, &legs).instruction();
    assert!(!written(&trade).contains(&addresses::underlying(&world.engine, BTC)));
    assert!(written(&trade).contains(&addresses::underlying(&world.engine, ETH)));
}

/// Signs for a payer of one's own, sends, and returns what the message locks and what has changed.
fn run(world: &mut World, payer: &Keypair, instruction: &Instruction, signers: &[&Keypair]) -> [BTreeSet<Pubkey>; 2] {
    let instructions = [presets::compute_unit_limit(presets::MAX_COMPUTE_UNITS), instruction.clone()];
    let message = Message::new(&instructions, Some(&payer.pubkey()));
    let header = message.header;
    let (signed, all) = (usize::from(header.num_required_signatures), message.account_keys.len());
    let written = [
        0..signed - usize::from(header.num_readonly_signed_accounts),
        signed..all - usize::from(header.num_readonly_unsigned_accounts),
    ];
    let locked = written.into_iter().flat_map(|range| &message.account_keys[range]).copied().collect();
    let mut all: Vec<&Keypair> = vec![payer];
    all.extend(signers.iter().filter(|key| key.pubkey() != payer.pubkey()));
    let before = state(world);
    world.svm.expire_blockhash();
    let transaction = Transaction::new(&all, message, world.svm.latest_blockhash());
    let sent = world.svm.send_transaction(transaction);
    assert!(sent.is_ok(), "{:?}", sent.map_err(|failed| failed.meta.logs));
    let after = state(world);
    let changed = after.iter().filter(|(key, data)| before.get(key) != Some(data)).map(|(key, _)| *key).collect();
    [locked, changed]
}

/// Data of the program's accounts and of the token accounts.
fn state(world: &World) -> BTreeMap<Pubkey, Vec<u8>> {
    let programs = [PROGRAM_ID, world.quote.program];
    let accounts = programs.iter().flat_map(|program| world.svm.get_program_accounts(program));
    accounts.map(|(key, account)| (key, account.data)).collect()
}

/// What two groups' transactions lock and change on the runtime: nothing in common, but what `shared` names.
#[test]
fn transactions_of_different_accounts_lock_and_change_nothing_in_common() {
    let mut world = World::new();
    let [first, second, other] = groups(&mut world);
    let payers: Vec<Keypair> = (0..3).map(|_| Keypair::new()).collect();
    payers.iter().for_each(|payer| drop(world.svm.airdrop(&payer.pubkey(), 1_000_000_000)));
    for group in [&first, &second, &other] {
        world.give(&group.taker, USDC, usdc(100.0));
        // A short that a rise of prices will break.
        let spot = specs()[usize::from(group.underlying)].spot / 1_000_000_000_000;
        let size = 110_000 * 1_000_000_000 / (spot as i64 * specs()[usize::from(group.underlying)].lot_size as i64);
        let short = sell(size * 2, perpetual(group.underlying), spot as f64);
        world.fill(&group.maker, &group.taker, &[short]);
    }
    for underlying in [BTC, ETH] {
        world.shock(underlying, 1.19);
    }
    let quote = world.tokens[usize::from(USDC)].collateral(&world.engine);
    let money = BTreeSet::from([quote.vault, quote.collateral]);
    type Build = fn(&World, &Group) -> Instruction;
    let builds: [(&str, Build, BTreeSet<Pubkey>); 5] = [
        ("margin_check", |world, group| world.margin_check(&group.taker).instruction(), BTreeSet::new()),
        ("liquidation_start", |world, group| world.start(&group.maker, &group.taker).instruction(), BTreeSet::new()),
        (
            "liquidation_bid",
            |world, group| world.bid(&group.maker, &group.taker, 100_000_000).instruction(),
            BTreeSet::new(),
        ),
        ("deposit", |world, group| world.deposit(&group.taker, USDC, 1).instruction(), money.clone()),
        ("withdraw", |world, group| world.withdraw(&group.maker, USDC, 1).instruction(), money),
    ];
    for (name, build, shared) in builds {
        let mut sets = Vec::new();
        for (group, payer) in [&first, &second, &other].into_iter().zip(&payers) {
            let instruction = build(&world, group);
            let signs =
                |key: &Keypair| instruction.accounts.iter().any(|meta| meta.is_signer && meta.pubkey == key.pubkey());
            let signers: Vec<&Keypair> =
                [&group.maker.key, &group.taker.key].into_iter().filter(|key| signs(key)).collect();
            let [locked, changed] = run(&mut world, payer, &instruction, &signers);
            assert!(changed.is_subset(&locked), "{name} changes what it has not locked");
            sets.push(locked);
        }
        for (one, two) in [(0, 1), (0, 2), (1, 2)] {
            let common: BTreeSet<Pubkey> = sets[one].intersection(&sets[two]).copied().collect();
            assert_eq!(common, shared, "{name}");
        }
    }
    world.assert_conserved();
    // Trades of one underlying meet in it, those of two do not meet.
    world.refresh();
    let mut sets = Vec::new();
    for (group, payer) in [&first, &second, &other].into_iter().zip(&payers) {
        let (maker, taker) = (world.funded(1_000_000.0), world.funded(1_000_000.0));
        let trade = world.trade(&maker, &taker, &[group.leg(1)]).instruction();
        let [locked, changed] = run(&mut world, payer, &trade, &[&maker.key, &taker.key]);
        assert!(changed.is_subset(&locked));
        sets.push(locked);
    }
    let market = BTreeSet::from([addresses::underlying(&world.engine, BTC)]);
    assert_eq!(sets[0].intersection(&sets[1]).copied().collect::<BTreeSet<_>>(), market);
    assert!(sets[0].is_disjoint(&sets[2]) && sets[1].is_disjoint(&sets[2]));
    world.assert_conserved();
}

/// The largest batch of a venue: eight accounts with three underlyings each, eight fills, every side only reducing, so that each
/// account is judged before and after. The heap holds 32 KiB and is never freed. With the cross-underlying model a
/// check costs five times as much, and the compute budget ends first: four accounts, judged once.
#[test]
fn the_largest_batch_fits_the_heap() {
    for (correlated, pairs, reduce_only) in [(false, 4, u8::MAX), (true, 2, 0)] {
        let mut world = World::new();
        if correlated {
            world.correlate(correlation());
        }
        let venue = world.venue();
        let traders: Vec<Trader> = (0..2 * pairs).map(|_| world.funded(1_000_000.0)).collect();
        let limits = world.wide_limits();
        for pair in traders.chunks(2) {
            let legs: Vec<TradeLeg> = specs()
                .iter()
                .flat_map(|spec| {
                    let spot = spec.spot / 1_000_000_000_000;
                    let option = |strike| buy(10, call(spec.index, FAR, strike), spot as f64 / 20.0);
                    [option(spot), option(spot * 11 / 10)]
                })
                .collect();
            world.fill(&pair[0], &pair[1], &legs);
            pair.iter().for_each(|trader| world.approve(trader, venue.pubkey(), limits));
        }
        let fills: Vec<(u8, u8, TradeLeg)> = (0..pairs)
            .flat_map(|pair| {
                let close = |spec: &Spec| {
                    let spot = spec.spot / 1_000_000_000_000;
                    (2 * pair + 1, 2 * pair, sell(5, call(spec.index, FAR, spot), spot as f64 / 20.0))
                };
                let [btc, eth, _] = specs();
                [close(&btc), close(&eth)]
            })
            .collect();
        let all: Vec<&Trader> = traders.iter().collect();
        let mut settle = world.settlement(venue.pubkey(), &all, &fills);
        settle.args.reduce_only = reduce_only;
        let receipt = world.accept(settle.instruction(), &[&venue]);
        println!("{} accounts, correlated: {correlated}: {} CU", all.len(), receipt.compute_units);
    }
}
