//! What each builder puts on the wire: discriminator, arguments, and every account with its flags.

use margin_client::{
    PROGRAM_ID, addresses,
    instructions::*,
    margin::PriceUse,
    presets,
    state::{
        AccountMode, CollateralHaircuts, CollateralLink, ConfidenceCharge, FactorScenarioArgs, Instrument,
        InstrumentKind, OracleArgs, OracleProvider, RateParameters, ScenarioArgs, SviParameters, VolShock,
    },
};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;

fn key(seed: u8) -> Pubkey {
    Pubkey::new_from_array([seed; 32])
}

/// Flags of an account: signs, is written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flags {
    Read,
    Write,
    Sign,
    SignWrite,
}
use Flags::{Read, Sign, SignWrite, Write};

fn assert_accounts(instruction: &Instruction, want: &[(Pubkey, Flags)]) {
    assert_eq!(instruction.program_id, PROGRAM_ID);
    let flags = |meta: &AccountMeta| match (meta.is_signer, meta.is_writable) {
        (false, false) => Read,
        (false, true) => Write,
        (true, false) => Sign,
        (true, true) => SignWrite,
    };
    let got: Vec<_> = instruction.accounts.iter().map(|meta| (meta.pubkey, flags(meta))).collect();
    assert_eq!(got, want);
}

/// Both accounts of an instruction that emits events.
fn event_accounts() -> [(Pubkey, Flags); 2] {
    [(addresses::event_authority(), Read), (PROGRAM_ID, Read)]
}

fn with_events(accounts: &[(Pubkey, Flags)]) -> Vec<(Pubkey, Flags)> {
    [accounts, &event_accounts()].concat()
}

const SYSTEM: Pubkey = Pubkey::new_from_array([0; 32]);

fn oracle() -> OracleArgs {
    OracleArgs {
        provider: OracleProvider::PythPull,
        feed_id: [1; 32],
        max_age: 60,
        liquidation_max_age: 300,
        max_confidence: 1,
        liquidation_max_confidence: 2,
        confidence_full_scale: 3,
    }
}

#[test]
fn administration() {
    let creator = key(1);
    let engine = addresses::engine(&creator);
    let args = EngineInitializeArgs { admin: key(2), guardian: key(9), liquidation: presets::liquidation() };
    let instruction = EngineInitialize { creator, quote_mint: key(3), args }.instruction();
    assert_accounts(
        &instruction,
        &with_events(&[(creator, SignWrite), (engine, Write), (key(3), Read), (SYSTEM, Read)]),
    );

    let haircuts = CollateralHaircuts { maintenance: 1, initial: 2 };
    let args = CollateralAddArgs {
        oracle: Some(oracle()),
        haircuts,
        confidence: ConfidenceCharge { threshold: 4, factor: 5 },
        link: CollateralLink::CancelsRisk,
        underlying: 6,
        deposit_cap: 3,
    };
    let instruction = CollateralAdd { admin: key(2), engine, mint: key(4), token_program: key(5), args }.instruction();
    let collateral = addresses::collateral(&engine, &key(4));
    let vault = addresses::vault(&collateral);
    assert_accounts(
        &instruction,
        &with_events(&[
            (key(2), SignWrite),
            (engine, Write),
            (key(4), Read),
            (collateral, Write),
            (vault, Write),
            (key(5), Read),
            (SYSTEM, Read),
        ]),
    );

    let args = UnderlyingAddArgs {
        symbol: *b"BTC\0\0\0\0\0\0\0\0\0\0\0\0\0",
        publisher: key(6),
        oracle: oracle(),
        lot_size: 1,
        max_surface_age: 2,
        liquidation_max_mark_age: 3,
        settlement_window: 4,
    };
    let instruction = UnderlyingAdd { admin: key(2), engine, index: 7, args }.instruction();
    let underlying = addresses::underlying(&engine, 7);
    let accounts = [(key(2), SignWrite), (engine, Write), (underlying, Write), (SYSTEM, Read)];
    assert_accounts(&instruction, &with_events(&accounts));

    let instruction = ExpiryList { admin: key(2), engine, underlying, expiry: 99 }.instruction();
    assert_accounts(&instruction, &with_events(&[(key(2), Sign), (engine, Read), (underlying, Write)]));
    assert_eq!(instruction.data[8..], 99i64.to_le_bytes());

    let args = SurfacePublishArgs {
        expiry: 1,
        forward: 2,
        spot_reference: 3,
        rate: -4,
        svi: SviParameters::default(),
        confidence: 6,
        observed_at: 5,
    };
    let instruction = SurfacePublish { publisher: key(6), underlying, args }.instruction();
    assert_accounts(&instruction, &with_events(&[(key(6), Sign), (underlying, Write)]));
}

#[test]
fn margin_models() {
    let (admin, engine) = (key(2), key(3));
    let underlying = addresses::underlying(&engine, 7);
    let named = with_events(&[(admin, Sign), (engine, Read), (underlying, Write)]);
    for preset in [presets::major(), presets::high_beta()] {
        for instruction in preset.instructions(admin, engine, underlying) {
            assert_accounts(&instruction, &named);
            // Each fits a packet with two signatures, blockhash and seven accounts.
            assert!(instruction.data.len() < 1_232 - 2 * 64 - 32 - 7 * 32 - 16, "{}", instruction.data.len());
        }
    }
    let scenario = ScenarioArgs { spot: 1, weight: 2, vol: VolShock::SkewAbs, extended: true };
    let instruction = ScenariosSet { admin, engine, underlying, scenarios: vec![scenario] }.instruction();
    // sha256("global:scenarios_set").
    let mut data = vec![0x88, 0xb0, 0xbc, 0x97, 0x05, 0xbb, 0x08, 0x9e];
    data.extend_from_slice(&1u32.to_le_bytes());
    data.extend_from_slice(&1u64.to_le_bytes());
    data.extend_from_slice(&2u32.to_le_bytes());
    data.extend_from_slice(&[4, 1]);
    assert_eq!(instruction.data, data);

    let factor = FactorScenarioArgs { market_move: -1, weight: 2, vol: VolShock::Down };
    let args = CorrelationSetArgs { floor: 3, scenarios: vec![factor] };
    let instruction = CorrelationSet { admin, engine, args }.instruction();
    let model = addresses::correlation(&engine);
    assert_accounts(&instruction, &with_events(&[(admin, SignWrite), (engine, Write), (model, Write), (SYSTEM, Read)]));
    let floor_and_count = [&3u64.to_le_bytes()[..], &1u32.to_le_bytes()].concat();
    assert_eq!(instruction.data[8..20], floor_and_count);
    assert_eq!(instruction.data[20..], [&(-1i64).to_le_bytes()[..], &2u64.to_le_bytes(), &[2]].concat());

    let args = PerpetualPublishArgs { mark: 1, spot_reference: 2, confidence: 3, observed_at: -4 };
    let instruction = PerpetualPublish { publisher: key(6), underlying, args }.instruction();
    assert_accounts(&instruction, &with_events(&[(key(6), Sign), (underlying, Write)]));
    assert_eq!(instruction.data[8..], [1i64, 2, 3, -4].map(i64::to_le_bytes).concat());
}

#[test]
fn margin() {
    let (owner, engine, margin_account) = (key(1), key(3), key(4));
    let markets = vec![AccountMeta::new_readonly(key(20), false)];
    let read = [(engine, Read), (margin_account, Read), (key(20), Read)];
    let check = MarginCheck { engine, margin_account, markets: markets.clone(), args: MarginCheckArgs::default() };
    let check = check.instruction();
    assert_accounts(&check, &read);
    // No mode, liquidation's tolerance, no witness, no minimum of either kind, Greeks, from the first underlying.
    assert_eq!(check.data[8..], [0, 1, 0, 0, 0, 1, 0]);

    let args = MarginCheckArgs {
        mode: Some(AccountMode::Standard),
        usage: PriceUse::RaiseRisk,
        witness: Some(vec![254, 7]),
        minimum: MinimumHealth { initial: Some(-1), maintenance: None },
        greeks: false,
        first_underlying: 4,
    };
    let judged = [&[1, 2, 0, 1, 2, 0, 0, 0, 254, 7, 1][..], &(-1i64).to_le_bytes(), &[0, 0, 4]].concat();
    let check = MarginCheck { engine, margin_account, markets: markets.clone(), args: args.clone() };
    assert_eq!(check.instruction().data[8..], judged);

    let instrument = Instrument { underlying: 0x0102, expiry: 3, strike: 0, kind: InstrumentKind::Future };
    let quote = MarginQuoteArgs {
        legs: vec![TradeLeg { instrument, lots: -5, price: 6 }],
        transfers: vec![QuoteTransfer { collateral: 0x0304, amount: -7 }],
        check: args,
    };
    let quote = MarginQuote { engine, margin_account, markets: markets.clone(), args: quote }.instruction();
    assert_accounts(&quote, &read);
    let mut data = [&1u32.to_le_bytes()[..], &[2, 1], &3i64.to_le_bytes(), &[0; 8], &[3]].concat();
    data.extend([(-5i64).to_le_bytes(), 6i64.to_le_bytes()].concat());
    data.extend([&1u32.to_le_bytes()[..], &[4, 3], &(-7i64).to_le_bytes(), &judged].concat());
    assert_eq!(quote.data[8..], data);

    let breakdown = |part, want: &[u8]| {
        let markets = markets.clone();
        let breakdown = MarginBreakdown { engine, margin_account, markets, underlying: 0x0506, part }.instruction();
        assert_accounts(&breakdown, &read);
        assert_eq!(breakdown.data[8..], *want);
    };
    breakdown(BreakdownPart::Book, &[6, 5, 0]);
    breakdown(BreakdownPart::Collateral, &[6, 5, 1]);
    breakdown(BreakdownPart::Position(9), &[6, 5, 2, 9]);

    let check = SequenceCheck { margin_account, sequence: 11 }.instruction();
    assert_accounts(&check, &[(margin_account, Read)]);
    assert_eq!(check.data[8..], 11u64.to_le_bytes());

    let set = AccountSetMode { owner, engine, margin_account, mode: AccountMode::Standard, markets }.instruction();
    let named = with_events(&[(owner, Sign), (engine, Read), (margin_account, Write)]);
    assert_accounts(&set, &[&named[..], &[(key(20), Read)]].concat());
    assert_eq!(set.data[8..], [2]);
}

#[test]
fn accounts_and_transfers() {
    let (owner, payer, engine) = (key(1), key(2), key(3));
    let args = AccountOpenArgs { index: 9, delegate: Pubkey::default(), mode: AccountMode::Isolated };
    let margin_account = addresses::margin_account(&engine, &owner, 9);
    let instruction = AccountOpen { owner, payer, engine, args }.instruction();
    let accounts = [(owner, Sign), (payer, SignWrite), (engine, Read), (margin_account, Write), (SYSTEM, Read)];
    assert_accounts(&instruction, &with_events(&accounts));

    let close = AccountClose { owner, engine, margin_account, collateral: key(8), rent_recipient: payer };
    let accounts = [(owner, Sign), (engine, Read), (margin_account, Write), (key(8), Write), (payer, Write)];
    assert_accounts(&close.instruction(), &with_events(&accounts));

    let collateral = CollateralAddresses::derive(&engine, &key(4), &key(5));
    assert_eq!(collateral.vault, addresses::vault(&addresses::collateral(&engine, &key(4))));
    let moved = |wallet: Pubkey| {
        [
            (margin_account, Write),
            (collateral.collateral, Write),
            (key(4), Read),
            (collateral.vault, Write),
            (wallet, Write),
            (key(5), Read),
        ]
    };
    let instruction =
        Deposit { authority: owner, engine, margin_account, collateral, source: key(6), amount: 77 }.instruction();
    assert_accounts(&instruction, &with_events(&[&[(owner, Sign), (engine, Read)], &moved(key(6))[..]].concat()));
    assert_eq!(instruction.data[8..], 77u64.to_le_bytes());

    let markets = vec![AccountMeta::new_readonly(key(20), false), AccountMeta::new_readonly(key(21), false)];
    let args = WithdrawArgs { amount: 78, allow_borrow: true };
    let withdraw =
        Withdraw { owner, engine, margin_account, collateral, destination: key(7), args, markets: markets.clone() }
            .instruction();
    let named = with_events(&[&[(owner, Sign), (engine, Read)], &moved(key(7))[..]].concat());
    // Risk accounts follow all named ones, the event pair included.
    assert_accounts(&withdraw, &[&named[..], &[(key(20), Read), (key(21), Read)]].concat());
    assert_eq!(withdraw.data[8..], [&78u64.to_le_bytes()[..], &[1]].concat());

    let transfer = AccountTransfer {
        owner,
        engine,
        source: margin_account,
        destination: key(9),
        collateral: 0x0102,
        amount: 79,
        markets,
    };
    let transfer = transfer.instruction();
    let named = with_events(&[(owner, Sign), (engine, Read), (margin_account, Write), (key(9), Write)]);
    assert_accounts(&transfer, &[&named[..], &[(key(20), Read), (key(21), Read)]].concat());
    assert_eq!(transfer.data[8..], [&[2, 1][..], &79u64.to_le_bytes()].concat());

    let set = AccountSetDelegate { owner, margin_account, delegate: key(9) }.instruction();
    assert_accounts(&set, &with_events(&[(owner, Sign), (margin_account, Write)]));
    assert_eq!(set.data[8..], [9; 32]);
}

#[test]
fn interest_limits_and_pause() {
    let (authority, engine, margin_account, collateral) = (key(1), key(2), key(3), key(4));
    let sync = CashSync { engine, margin_account, collateral }.instruction();
    assert_accounts(&sync, &with_events(&[(engine, Read), (margin_account, Write), (collateral, Write)]));
    let accrue = InterestAccrue { engine, collateral }.instruction();
    assert_accounts(&accrue, &with_events(&[(engine, Write), (collateral, Write)]));

    let rates = RateParameters { base: 1, at_kink: 2, maximum: 3, kink: 4, reserve_share: 5, maximum_utilisation: 6 };
    let set = InterestSet { admin: authority, engine, collateral, rates }.instruction();
    assert_accounts(&set, &with_events(&[(authority, Sign), (engine, Read), (collateral, Write)]));
    assert_eq!(set.data[8..], (1..=6u64).flat_map(u64::to_le_bytes).collect::<Vec<u8>>());

    let limits = CollateralLimits { deposit_cap: 1, outflow_limit: 2, outflow_window: 3 };
    let set = CollateralLimitsSet { authority, engine, collateral, limits }.instruction();
    assert_accounts(&set, &with_events(&[(authority, Sign), (engine, Read), (collateral, Write)]));
    assert_eq!(set.data[8..], [&1u64.to_le_bytes()[..], &2u64.to_le_bytes(), &3u32.to_le_bytes()].concat());

    let pause = PauseSet { authority, engine, bits: 5, until: -6 }.instruction();
    assert_accounts(&pause, &with_events(&[(authority, Sign), (engine, Write)]));
    assert_eq!(pause.data[8..], [&[5][..], &(-6i64).to_le_bytes()].concat());
}

#[test]
fn trading_and_liquidation() {
    let (maker, taker, engine, maker_account, taker_account) = (key(1), key(2), key(3), key(4), key(5));
    let markets = vec![AccountMeta::new_readonly(key(20), false)];
    let instrument = Instrument { underlying: 0x0102, expiry: 3, strike: 4, kind: InstrumentKind::Call };
    let args = TradeExecuteArgs {
        legs: vec![TradeLeg { instrument, lots: -5, price: 6 }],
        deadline: 7,
        maker_sequence: Some(8),
        taker_sequence: None,
        maker_reduce_only: false,
        taker_reduce_only: true,
    };
    let trade = TradeExecute { maker, taker, engine, maker_account, taker_account, args, markets: markets.clone() }
        .instruction();
    let named =
        with_events(&[(maker, Sign), (taker, Sign), (engine, Read), (maker_account, Write), (taker_account, Write)]);
    assert_accounts(&trade, &[&named[..], &[(key(20), Read)]].concat());
    // sha256("global:trade_execute").
    let mut data = vec![0x8c, 0xa0, 0x3c, 0x4d, 0x08, 0xe6, 0xd4, 0x07];
    data.extend_from_slice(&1u32.to_le_bytes());
    data.extend_from_slice(&[2, 1]);
    for field in [3i64, 4] {
        data.extend_from_slice(&field.to_le_bytes());
    }
    data.push(1);
    for field in [-5i64, 6, 7] {
        data.extend_from_slice(&field.to_le_bytes());
    }
    data.push(1);
    data.extend_from_slice(&8u64.to_le_bytes());
    data.extend_from_slice(&[0, 0, 1]);
    assert_eq!(trade.data, data);

    let args = WitnessArgs { witness: Some(vec![3, 254]) };
    let start = LiquidationStart {
        liquidator: taker,
        engine,
        margin_account: maker_account,
        args: args.clone(),
        markets: Vec::new(),
    };
    let start = start.instruction();
    assert_eq!(start.data[8..], [1, 2, 0, 0, 0, 3, 254]);
    assert_accounts(&start, &with_events(&[(taker, Sign), (engine, Read), (maker_account, Write)]));

    let witness = LiquidationReplaceWitness { engine, margin_account: maker_account, args, markets: Vec::new() };
    assert_accounts(&witness.instruction(), &with_events(&[(engine, Read), (maker_account, Write)]));
    let convert = LiquidationConvert { engine, margin_account: maker_account, markets: Vec::new() };
    assert_accounts(&convert.instruction(), &with_events(&[(engine, Read), (maker_account, Write)]));

    let claim = PriceChallenge { challenger: taker, collateral: engine }.instruction();
    assert_eq!(claim.data.len(), 8);
    let system = Pubkey::default();
    assert_accounts(&claim, &with_events(&[(taker, SignWrite), (engine, Write), (system, Read)]));
    let answer = PriceAnswer { answerer: taker, collateral: engine, price: maker }.instruction();
    assert_accounts(&answer, &with_events(&[(taker, SignWrite), (engine, Write), (maker, Read)]));

    let legs = BidLegs { sequence: 7, positions: [1, 2], balances: 3 };
    let args = LiquidationBidArgs { fraction: 250_000_000, price_limit: -9, legs: Some(legs) };
    let bid = LiquidationBid {
        bidder: taker,
        engine,
        bidder_account: taker_account,
        margin_account: maker_account,
        args,
        markets: Vec::new(),
    };
    let bid = bid.instruction();
    let accounts = [(taker, Sign), (engine, Read), (taker_account, Write), (maker_account, Write)];
    assert_accounts(&bid, &with_events(&accounts));
    let mut data = [250_000_000i64, -9].map(i64::to_le_bytes).concat();
    data.push(1);
    data.extend([7u64, 1, 2].map(u64::to_le_bytes).concat());
    data.extend([3, 0]);
    assert_eq!(bid.data[8..], data);

    let bid = CollateralBid {
        bidder: taker,
        engine,
        bidder_account: taker_account,
        margin_account: maker_account,
        args: CollateralBidArgs { collateral: 2, amount: 5, price_limit: 6 },
        markets: Vec::new(),
    };
    assert_accounts(&bid.instruction(), &with_events(&accounts));
    let (quote, insured) = (key(8), key(9));
    let bid = InsolventBid {
        bidder: taker,
        engine,
        bidder_account: taker_account,
        margin_account: maker_account,
        quote,
        insured_underlying: Some(insured),
        args: InsolventBidArgs { fraction: 5, minimum_payout: -6 },
        markets: Vec::new(),
    };
    let accounts = [
        (taker, Sign),
        (engine, Write),
        (taker_account, Write),
        (maker_account, Write),
        (quote, Write),
        (insured, Write),
    ];
    assert_accounts(&bid.instruction(), &with_events(&accounts));
    let resolve = BankruptcyResolve { engine, margin_account: maker_account, quote, insured_underlying: None };
    // Nothing is insured: the program's own address stands in the place.
    let accounts = [(engine, Write), (maker_account, Write), (quote, Write), (PROGRAM_ID, Read)];
    assert_accounts(&resolve.instruction(), &with_events(&accounts));

    let stop = LiquidationStop { engine, margin_account: maker_account, markets: Vec::new() }.instruction();
    assert_accounts(&stop, &with_events(&[(engine, Read), (maker_account, Write)]));
}

#[test]
fn settlement_and_fees() {
    let (admin, engine, underlying, settler) = (key(1), key(2), key(3), key(4));
    let expiry = 0x0102_0304_0506;
    let sample = SettlementSample { underlying, price: key(5), expiry }.instruction();
    assert_accounts(&sample, &with_events(&[(underlying, Write), (key(5), Read)]));
    assert_eq!(sample.data[8..], expiry.to_le_bytes());
    let finalise = SettlementFinalise { underlying, expiry }.instruction();
    assert_accounts(&finalise, &with_events(&[(underlying, Write)]));
    assert_eq!(finalise.data[8..], expiry.to_le_bytes());
    let fix = SettlementFix { admin, engine, underlying, expiry, price: 77 }.instruction();
    assert_accounts(&fix, &with_events(&[(admin, Sign), (engine, Read), (underlying, Write)]));
    assert_eq!(fix.data[8..], [expiry.to_le_bytes(), 77i64.to_le_bytes()].concat());

    let settle = PositionSettle {
        engine,
        underlying,
        settler_account: settler,
        expiry,
        margin_accounts: vec![key(20), settler],
    };
    let named = with_events(&[(engine, Read), (underlying, Write), (settler, Write)]);
    assert_accounts(&settle.instruction(), &[&named[..], &[(key(20), Write), (settler, Write)]].concat());

    let collateral = CollateralAddresses::derive(&engine, &key(6), &key(7));
    let collect = FeeCollect { collateral: collateral.collateral, margin_accounts: vec![key(20)] }.instruction();
    let named = with_events(&[(collateral.collateral, Write)]);
    assert_accounts(&collect, &[&named[..], &[(key(20), Write)]].concat());
    let withdraw = FeeWithdraw { admin, engine, collateral, destination: key(8), amount: 79 }.instruction();
    let accounts = [
        (admin, Sign),
        (engine, Read),
        (collateral.collateral, Write),
        (key(6), Read),
        (collateral.vault, Write),
        (key(8), Write),
        (key(7), Read),
    ];
    assert_accounts(&withdraw, &with_events(&accounts));
    assert_eq!(withdraw.data[8..], 79u64.to_le_bytes());
}

#[test]
fn compute_budget() {
    let limit = presets::compute_unit_limit(2_000_000);
    assert_eq!(limit.data, [&[2][..], &1_400_000u32.to_le_bytes()].concat());
    assert_eq!(limit.program_id.to_string(), "ComputeBudget111111111111111111111111111111");
    assert_eq!(presets::compute_unit_price(5).data, [&[3][..], &5u64.to_le_bytes()].concat());
}
