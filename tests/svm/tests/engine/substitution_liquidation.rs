//! One valid call of each instruction about liquidation and insurance, and what each of its accounts is.

use margin_client::{
    errors::EngineError as E,
    instructions::Fund,
    state::{LiquidationState, MarginAccount},
};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tests_svm::{BTC, SOL_TOKEN, Trader, USDC, World};

use crate::{
    liquidation::{WHOLE, distressed, start, tenth},
    liquidation_insolvent::insolvent,
    substitution::{Case, Role},
    substitution_cases::{callee, read, with_events, written},
    substitution_listing::admin_case,
};

pub fn liquidation_cases() -> Vec<Case> {
    vec![
        liquidation_start(),
        liquidation_replace_witness(),
        liquidation_convert(),
        liquidation_bid(),
        collateral_bid(),
        insolvent_bid(),
        liquidation_stop(),
        bankruptcy_resolve(),
        price_challenge(),
        price_answer(),
        insurance_deposit(),
        insurance_limit(),
        insurance_request(),
        insurance_withdraw(),
    ]
}

/// A call that nobody signs, about the trader's account.
fn by_anyone(name: &'static str, world: World, instruction: Instruction, trader: Trader) -> Case {
    let roles = with_events(vec![read(E::ForeignEngine), written(E::ForeignEngine)]);
    Case { name, world, instruction, twin_owner: trader.key, signers: vec![], roles, before: vec![], after: vec![] }
}

/// A call of one key that has to do with no margin account.
fn signed(name: &'static str, world: World, instruction: Instruction, signer: Keypair, roles: Vec<Role>) -> Case {
    let signers = vec![signer];
    Case { name, world, instruction, signers, roles, twin_owner: Keypair::new(), before: vec![], after: vec![] }
}

/// A bid; `more`: its accounts between the two margin accounts and the events.
fn by_bidder(name: &'static str, world: World, instruction: Instruction, keeper: Trader, more: Vec<Role>) -> Case {
    let engine = if more.is_empty() { read(E::ForeignEngine) } else { written(E::ForeignEngine) };
    let mut roles = vec![Role::Signer, engine, written(E::ForeignEngine), written(E::ForeignEngine)];
    roles.extend(more);
    let twin_owner = keeper.key.insecure_clone();
    Case { twin_owner, ..signed(name, world, instruction, keeper.key, with_events(roles)) }
}

fn liquidation_replace_witness() -> Case {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    let worst = World::worst_cases(&world.report(&trader));
    world.forge::<MarginAccount>(trader.account, |account| {
        account.liquidation.witness = LiquidationState::no_witness();
    });
    let witness = world.witness(&trader, &worst).instruction();
    by_anyone("liquidation_replace_witness", world, witness, trader)
}

fn liquidation_convert() -> Case {
    let (mut world, trader, _) = insolvent();
    world.forge::<MarginAccount>(trader.account, |account| account.liquidation.insolvent_at = 0);
    let convert = world.conversion(&trader).instruction();
    by_anyone("liquidation_convert", world, convert, trader)
}

fn collateral_bid() -> Case {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    let bid = world.collateral_bid(&keeper, &trader, SOL_TOKEN, 1_000_000_000).instruction();
    by_bidder("collateral_bid", world, bid, keeper, vec![])
}

fn insolvent_bid() -> Case {
    let (world, trader, keeper) = insolvent();
    let bid = world.insolvent_bid(&keeper, &trader, WHOLE).instruction();
    by_bidder("insolvent_bid", world, bid, keeper, vec![written(E::ForeignEngine), written(E::ForeignEngine)])
}

fn bankruptcy_resolve() -> Case {
    let mut world = World::new();
    let trader = world.trader();
    world.funded(1_000.0);
    world.forge::<MarginAccount>(trader.account, |account| {
        account.cash = (-(5i128 << 48)).to_le_bytes();
        account.liquidation = LiquidationState::started(0, LiquidationState::no_witness(), BTC);
    });
    let resolve = world.resolution(&trader).instruction();
    let roles = vec![
        written(E::ForeignEngine),
        written(E::ForeignEngine),
        written(E::ForeignEngine),
        written(E::ForeignEngine),
    ];
    Case { roles: with_events(roles), ..by_anyone("bankruptcy_resolve", world, resolve, trader) }
}

/// A key with lamports.
fn payer(world: &mut World) -> Keypair {
    let key = Keypair::new();
    world.svm.airdrop(&key.pubkey(), 1_000_000_000).expect("an airdrop");
    key
}

/// Any engine's token; the twin is a quote token.
fn price_challenge() -> Case {
    let mut world = World::new();
    let challenger = payer(&mut world);
    let challenge = world.challenge(&challenger, SOL_TOKEN).instruction();
    let roles = with_events(vec![Role::Purse, written(E::ChallengeQuote), callee()]);
    signed("price_challenge", world, challenge, challenger, roles)
}

fn price_answer() -> Case {
    let mut world = World::new();
    let (challenger, answerer) = (payer(&mut world), Keypair::new());
    let challenge = world.challenge(&challenger, SOL_TOKEN).instruction();
    world.accept(challenge, &[&challenger]);
    let answer = world.answer(&answerer, SOL_TOKEN).instruction();
    let roles = with_events(vec![Role::Purse, written(E::NotChallenged), Role::Other]);
    signed("price_answer", world, answer, answerer, roles)
}

fn insurance_deposit() -> Case {
    let mut world = World::new();
    let donor = world.trader();
    let donation = world.donation(&donor, Fund::Underlying(BTC), 1_000).instruction();
    let roles = vec![
        Role::Signer,
        read(E::ForeignEngine),
        written(E::ForeignEngine),
        written(E::ForeignEngine),
        Role::Other,
        Role::Other,
        Role::Other,
        callee(),
    ];
    signed("insurance_deposit", world, donation, donor.key, with_events(roles))
}

fn insurance_limit() -> Case {
    let world = World::new();
    let limit = world.insurance_limit(BTC, 1, 1).instruction();
    admin_case("insurance_limit", world, limit, vec![Role::Signer, read(E::NotAdmin), written(E::ForeignEngine)])
}

fn insurance_request() -> Case {
    let mut world = World::new();
    world.insure(Fund::Underlying(BTC), 1_000);
    let request = world.insurance_request(Fund::Underlying(BTC), 1_000).instruction();
    let roles = vec![Role::Signer, read(E::NotAdmin), written(E::ForeignEngine), written(E::ForeignEngine)];
    admin_case("insurance_request", world, request, roles)
}

fn insurance_withdraw() -> Case {
    let mut world = World::new();
    let admin = world.admin.insecure_clone();
    let wallet = world.trader().wallets[usize::from(USDC)];
    world.insure(Fund::Underlying(BTC), 1_000);
    let request = world.insurance_request(Fund::Underlying(BTC), 1_000).instruction();
    world.accept(request, &[&admin]);
    world.advance(3 * 86_400);
    let withdraw = world.insurance_withdrawal(Fund::Underlying(BTC), wallet).instruction();
    let roles = vec![
        Role::Signer,
        read(E::NotAdmin),
        written(E::ForeignEngine),
        written(E::ForeignEngine),
        Role::Other,
        Role::Other,
        Role::Other,
        callee(),
    ];
    admin_case("insurance_withdraw", world, withdraw, roles)
}

fn liquidation_start() -> Case {
    let (world, trader, keeper) = distressed();
    let start = world.start(&keeper, &trader).instruction();
    let roles = with_events(vec![Role::Signer, read(E::ForeignEngine), written(E::ForeignEngine)]);
    Case { twin_owner: trader.key, ..signed("liquidation_start", world, start, keeper.key, roles) }
}

fn liquidation_bid() -> Case {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    let bid = world.bid(&keeper, &trader, WHOLE).instruction();
    by_bidder("liquidation_bid", world, bid, keeper, vec![])
}

fn liquidation_stop() -> Case {
    let (mut world, trader, keeper) = distressed();
    start(&mut world, &keeper, &trader);
    let report = world.report(&trader);
    let missing = report.maintenance_margin + tenth(report.maintenance_margin) - report.equity;
    world.fund(&trader, USDC, missing.unsigned_abs());
    let stop = world.stop(&trader).instruction();
    by_anyone("liquidation_stop", world, stop, trader)
}
