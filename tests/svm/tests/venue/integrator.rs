//! The code of `docs/integrators.md` that runs off-chain, and a run of it. `document.rs` compares the two.

use margin_client::{
    DirectoryError, Loaded, MarginReport, MarketDirectory,
    errors::{EngineError, engine_error},
    events::{EngineEvent, EventError, FillsSettled},
    instructions::{
        Fill, FillSettle, FillSettleArgs, MarginCheckArgs, MarginQuoteArgs, Quote, QuoteExecute, QuoteExecuteArgs,
        TradeLeg, VenueAdd, VenueApprove, quote_signature,
    },
    margin::{MarginFailure, PriceUse, Snapshot},
    state::{MarginAccount, VenueLimits},
};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tests_svm::{BTC, World, buy, lots_of};

use crate::desk::option;

/// Once, by the engine's admin: the authority may settle from now on, for accounts that approve it.
fn register(admin: Pubkey, engine: Pubkey, authority: Pubkey) -> Instruction {
    VenueAdd { admin, engine, authority, program: example_venue::ID }.instruction()
}

/// By each account's owner: what the venue may do in it.
fn approve(account: &Loaded<MarginAccount>, authority: Pubkey, underlying: u16, now: i64) -> Instruction {
    let limits = VenueLimits {
        underlyings: 1 << underlying,
        // 50 000 USDC in all, at index prices.
        notional: 50_000_000_000,
        expires_at: now + 86_400,
    };
    let (owner, engine, margin_account) = (account.owner, account.engine, account.address);
    VenueApprove { owner, engine, margin_account, authority, limits }.instruction()
}

/// A batch for an authority that is an ordinary key. A program builds the same accounts for its CPI.
fn settle(
    directory: &MarketDirectory,
    authority: Pubkey,
    accounts: &[&Loaded<MarginAccount>],
    fills: Vec<Fill>,
) -> Result<Instruction, DirectoryError> {
    let states: Vec<&MarginAccount> = accounts.iter().map(|account| &***account).collect();
    let legs: Vec<TradeLeg> = fills.iter().map(|fill| fill.leg.clone()).collect();
    let settle = FillSettle {
        authority,
        engine: accounts[0].engine,
        margin_accounts: accounts.iter().map(|account| account.address).collect(),
        args: FillSettleArgs { accounts: 0, fills, reduce_only: 0 },
        markets: directory.for_fills(&states, &legs)?,
    };
    Ok(settle.instruction())
}

/// The maker, off-line: terms for anyone, for a minute, once.
fn offer(maker: &Loaded<MarginAccount>, legs: Vec<TradeLeg>, nonce: u64, now: i64) -> Quote {
    Quote {
        engine: maker.engine,
        maker_account: maker.address,
        taker_account: None,
        legs,
        deadline: now + 60,
        nonce,
        maker_sequence: None,
        reduce_only: false,
    }
}

/// Quote and signature travel by any way to the taker, who sends both instructions in one transaction, the first as number `at`.
fn take(
    directory: &MarketDirectory,
    quote: &Quote,
    signature: &[u8; 64],
    at: u16,
    maker: &Loaded<MarginAccount>,
    taker: &Loaded<MarginAccount>,
) -> Result<[Instruction; 2], DirectoryError> {
    let execute = QuoteExecute {
        taker: taker.owner,
        engine: taker.engine,
        maker_account: maker.address,
        taker_account: taker.address,
        args: QuoteExecuteArgs { signature_instruction: at, taker_sequence: None, taker_reduce_only: false },
        markets: directory.for_trade(maker, taker, &quote.legs)?,
    };
    let verify = quote_signature(quote, &maker.owner, signature).expect("eight legs fit an instruction");
    Ok([verify, execute.instruction()])
}

/// Margin after a trade that has not happened, computed here by the program's own code.
fn what_if(
    snapshot: &Snapshot,
    account: &MarginAccount,
    leg: TradeLeg,
    now: i64,
) -> Result<MarginReport, MarginFailure> {
    let check = MarginCheckArgs { usage: PriceUse::RaiseRisk, ..MarginCheckArgs::default() };
    snapshot.quote(account, &MarginQuoteArgs { legs: vec![leg], transfers: Vec::new(), check }, now)
}

/// The fills of a transaction, from its account keys and its inner instructions (program's number, data).
fn fills_of(keys: &[Pubkey], inner: &[(u8, Vec<u8>)]) -> Result<Vec<FillsSettled>, EventError> {
    let events = EngineEvent::collect(keys, inner.iter().map(|(program, data)| (*program, data.as_slice())))?;
    let fills = events.into_iter().filter_map(|event| match event {
        EngineEvent::FillsSettled(fills) => Some(fills),
        _ => None,
    });
    Ok(fills.collect())
}

/// What a venue's off-chain part does about a refusal.
fn advice(code: u32) -> &'static str {
    match engine_error(code) {
        Some(EngineError::VenueNotApproved | EngineError::ApprovalExpired | EngineError::ApprovalNotional) => {
            "ask the owner for an approval"
        }
        Some(EngineError::PriceBand) => "quote nearer to the mark",
        Some(EngineError::BelowInitialMargin) => "trade less",
        Some(_) => "see the error's text",
        None => "not the engine's",
    }
}

#[test]
fn the_documented_path_runs() {
    let mut world = World::new();
    let venue = Keypair::new();
    let admin = world.admin.insecure_clone();
    world.accept(register(admin.pubkey(), world.engine, venue.pubkey()), &[&admin]);
    let (taker, maker) = (world.funded(100_000.0), world.funded(100_000.0));
    let leg = buy(10, option(), 2_400.0);

    let unapproved = [world.account(&taker), world.account(&maker)];
    let [first, second] = &unapproved;
    let fill = Fill { taker: 0, maker: 1, leg: leg.clone() };
    let batch = settle(&world.directory, venue.pubkey(), &[first, second], vec![fill]).unwrap();
    let refusal = world.send(std::slice::from_ref(&batch), &[&venue]).unwrap_err();
    assert_eq!(advice(refusal.code.unwrap()), "ask the owner for an approval");

    for trader in [&taker, &maker] {
        let approve = approve(&world.account(trader), venue.pubkey(), BTC, world.now());
        world.accept(approve, &[&trader.key]);
    }
    let expected = what_if(&world.snapshot(), &world.account(&taker), leg.clone(), world.now()).unwrap();
    let receipt = world.accept(batch, &[&venue]);
    let [settled] = fills_of(receipt.account_keys(), receipt.inner()).unwrap().try_into().expect("one event");
    assert_eq!((settled.legs[0].lots, settled.legs[0].cost), (10, 240_000_000));
    // As a trade that raises risk is judged: nothing moved since.
    let report = world.report(&taker);
    assert_eq!(
        (report.equity, report.initial_margin, report.cash),
        (expected.equity, expected.initial_margin, expected.cash)
    );

    let (maker_state, taker_state) = (world.account(&maker), world.account(&taker));
    let quote = offer(&maker_state, vec![leg], 0, world.now());
    let signature = maker.key.sign_message(&quote.message().unwrap());
    // The fixture's transactions begin with a compute budget.
    let trade = take(&world.directory, &quote, signature.as_array(), 1, &maker_state, &taker_state).unwrap();
    world.send(&trade, &[&taker.key]).unwrap();
    assert_eq!(lots_of(&world.account(&taker), option()), 20);
}
