//! Quotes that a maker signs off-line and a taker submits alone.

use margin_client::{
    errors::EngineError as E,
    events::EngineEvent,
    instructions::{Quote, QuotesCancel, TradeLeg},
};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tests_svm::{BTC, NEAR, Trader, USDC, World, buy, call, lots_of, perpetual, put, sell, usdc};

use crate::trade::pair;

fn legs() -> [TradeLeg; 1] {
    [buy(2, call(BTC, NEAR, 100_000), 2_500.0)]
}

/// Sends the signature and the execution, which is refused.
#[track_caller]
fn refuse(world: &mut World, taker: &Trader, instructions: &[Instruction; 2], error: E) {
    let before = world.account(taker).sequence;
    let refusal = world.send(instructions, &[&taker.key]).expect_err("a refusal");
    assert_eq!(refusal.code, Some(error.into()), "expected {error:?}: {}", refusal.cause);
    assert_eq!(world.account(taker).sequence, before);
}

#[track_caller]
fn accept(world: &mut World, taker: &Trader, instructions: &[Instruction; 2]) -> Vec<EngineEvent> {
    let receipt = world.send(instructions, &[&taker.key]).unwrap_or_else(|refusal| panic!("{}", refusal.cause));
    world.assert_conserved();
    receipt.events()
}

#[test]
fn a_taker_submits_what_a_maker_signed() {
    let (mut world, maker, taker) = pair();
    let quote = world.quote_of(&maker, 7, &legs());
    let taking = world.taking(&maker, &taker, &quote, &maker.key);
    let events = accept(&mut world, &taker, &taking);
    let [EngineEvent::TradeExecuted(trade)] = events.as_slice() else { panic!("one event") };
    assert_eq!((trade.maker.account, trade.taker.account), (maker.account, taker.account));
    assert_eq!(lots_of(&world.account(&taker), call(BTC, NEAR, 100_000)), 2);
    assert_eq!(world.cash(&maker), usdc(1_000_000.0 + 50.0) as i64);
    refuse(&mut world, &taker, &taking, E::QuoteSpent);

    // Other quotes stand, whatever their order, and the trades in between.
    for nonce in [6, 300, 262] {
        let quote = world.quote_of(&maker, nonce, &legs());
        let taking = world.taking(&maker, &taker, &quote, &maker.key);
        accept(&mut world, &taker, &taking);
    }
    // 300 moved the window of 256 up.
    let lapsed = world.quote_of(&maker, 44, &legs());
    let lapsed = world.taking(&maker, &taker, &lapsed, &maker.key);
    refuse(&mut world, &taker, &lapsed, E::QuoteSpent);
}

#[test]
fn eight_legs_fit_a_transaction() {
    let (mut world, maker, taker) = pair();
    let legs: Vec<_> = (0..8).map(|i| buy(1, call(BTC, NEAR, 90_000 + 5_000 * i), 1_000.0)).collect();
    let quote = world.quote_of(&maker, 0, &legs);
    let taking = world.taking(&maker, &taker, &quote, &maker.key);
    accept(&mut world, &taker, &taking);
    assert_eq!(world.account(&taker).positions().len(), 8);
}

#[test]
fn a_delegate_may_sign_and_a_stranger_may_not() {
    let (mut world, _, taker) = pair();
    let delegate = Keypair::new();
    let maker = world.trader_with_delegate(delegate.pubkey());
    world.fund(&maker, USDC, usdc(100_000.0));
    let quote = world.quote_of(&maker, 0, &legs());
    let stranger = Keypair::new();
    for signer in [&stranger, &taker.key] {
        let taking = world.taking(&maker, &taker, &quote, signer);
        refuse(&mut world, &taker, &taking, E::QuoteSigner);
    }
    let taking = world.taking(&maker, &taker, &quote, &delegate);
    accept(&mut world, &taker, &taking);
}

#[test]
fn a_quote_holds_for_what_it_says_only() {
    let (mut world, maker, taker) = pair();
    let other = world.funded(100_000.0);
    let quote = world.quote_of(&maker, 0, &legs());
    let with = |change: &dyn Fn(&mut Quote)| {
        let mut quote = quote.clone();
        change(&mut quote);
        quote
    };
    let now = world.now();
    let cases = [
        (with(&|quote| quote.taker_account = Some(other.account)), E::QuoteTaker),
        (with(&|quote| quote.engine = Pubkey::new_unique()), E::QuoteMessage),
        (with(&|quote| quote.maker_account = other.account), E::QuoteMessage),
        (with(&|quote| quote.deadline = now - 1), E::TradeDeadline),
        (with(&|quote| quote.maker_sequence = Some(1)), E::TradeSequence),
        (with(&|quote| quote.reduce_only = true), E::ReduceOnly),
        (with(&|quote| quote.legs.clear()), E::TradeLegs),
        (with(&|quote| quote.legs[0].lots = 0), E::LegQuantity),
    ];
    for (quote, error) in cases {
        let taking = world.taking(&maker, &taker, &quote, &maker.key);
        refuse(&mut world, &taker, &taking, error);
    }
    let mine = with(&|quote| quote.taker_account = Some(taker.account));
    let taking = world.taking(&maker, &taker, &mine, &maker.key);
    accept(&mut world, &taker, &taking);

    // With a sequence number any other trade of the maker cancels it.
    let tied = Quote { maker_sequence: Some(1), nonce: 1, ..quote.clone() };
    let taking = world.taking(&maker, &taker, &tied, &maker.key);
    world.fill(&maker, &other, &legs());
    refuse(&mut world, &taker, &taking, E::TradeSequence);
    // The maker cannot take his own quote.
    let own = Quote { nonce: 2, ..quote };
    let taking = world.taking(&maker, &maker, &own, &maker.key);
    let refusal = world.send(&taking, &[&maker.key]).expect_err("a refusal");
    assert_eq!(refusal.code, Some(E::TradeWithSelf.into()));
}

#[test]
fn only_the_instruction_that_verifies_the_signature_counts() {
    let (mut world, maker, taker) = pair();
    let quote = world.quote_of(&maker, 0, &legs());
    let [signature, execute] = world.taking(&maker, &taker, &quote, &maker.key);
    // Number 0 of the transaction is the compute budget then.
    let numbered = |number: u16| {
        let mut execute = execute.clone();
        execute.data[8..10].copy_from_slice(&number.to_le_bytes());
        execute
    };
    let named = u16::from_le_bytes([execute.data[8], execute.data[9]]);
    for wrong in [named + 1, named + 2, u16::MAX] {
        refuse(&mut world, &taker, &[signature.clone(), numbered(wrong)], E::QuoteSignature);
    }
    // The same bytes for a program that does not verify them.
    let unverified = Instruction { program_id: Pubkey::new_unique(), ..signature.clone() };
    assert!(world.send(&[unverified, execute.clone()], &[&taker.key]).is_err());
    // A message that is no quote, signed all the same.
    let noise = |message: &[u8]| {
        let signed = maker.key.sign_message(message);
        let mut data = signature.data[..16].to_vec();
        data[12..14].copy_from_slice(&(message.len() as u16).to_le_bytes());
        data.extend_from_slice(maker.owner().as_ref());
        data.extend_from_slice(signed.as_ref());
        data.extend_from_slice(message);
        Instruction { data, ..signature.clone() }
    };
    let message = quote.message().expect("a message");
    refuse(&mut world, &taker, &[noise(b"margin quote v1\n"), execute.clone()], E::QuoteMessage);
    refuse(&mut world, &taker, &[noise(&[&message[..], &[0]].concat()), execute.clone()], E::QuoteMessage);
    // A signature that is none does not even get here.
    let mut forged = signature.clone();
    forged.data[60] ^= 1;
    assert!(world.send(&[forged, execute.clone()], &[&taker.key]).is_err());
    // Legs that were changed after signing neither.
    let mut changed = signature.clone();
    let last = changed.data.len() - 40;
    changed.data[last] ^= 1;
    assert!(world.send(&[changed, execute.clone()], &[&taker.key]).is_err());
    accept(&mut world, &taker, &[signature, execute]);
}

#[test]
fn cancelling_voids_every_quote_below_a_number() {
    let (mut world, maker, taker) = pair();
    let cancel = |authority: Pubkey, floor| QuotesCancel { authority, margin_account: maker.account, floor };
    world.refuse(cancel(taker.owner(), 9).instruction(), &[&taker.key], E::NotOwnerOrDelegate);
    world.refuse(cancel(maker.owner(), 0).instruction(), &[&maker.key], E::QuoteSpent);
    let events = world.accept(cancel(maker.owner(), 9).instruction(), &[&maker.key]).events();
    let [EngineEvent::QuotesCancelled(event)] = events.as_slice() else { panic!("one event") };
    assert_eq!((event.before, event.after), (0, 9));
    for (nonce, stands) in [(8, false), (9, true)] {
        let quote = world.quote_of(&maker, nonce, &legs());
        let taking = world.taking(&maker, &taker, &quote, &maker.key);
        if stands {
            accept(&mut world, &taker, &taking);
        } else {
            refuse(&mut world, &taker, &taking, E::QuoteSpent);
        }
    }
}

#[test]
fn a_quote_is_checked_like_any_trade() {
    let (mut world, maker, _) = pair();
    let poor = world.funded(100.0);
    let signed = |world: &World, legs: &[TradeLeg]| {
        let quote = world.quote_of(&maker, 0, legs);
        world.taking(&maker, &poor, &quote, &maker.key)
    };
    let naked = signed(&world, &[sell(10, put(BTC, NEAR, 90_000), 1_500.0)]);
    refuse(&mut world, &poor, &naked, E::BelowInitialMargin);
    world.set_trading(
        BTC,
        margin_client::state::TradingParameters { band_mark: 1, band_index: 0, ..tests_svm::free_trading() },
    );
    let off = signed(&world, &[buy(1, perpetual(BTC), 94_000.0)]);
    refuse(&mut world, &poor, &off, E::PriceBand);
}
