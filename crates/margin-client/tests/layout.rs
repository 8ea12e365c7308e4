//! Golden bytes of every stored account: a field that moves, grows or changes its unit's width breaks a table below.

mod common;

use common::{key, oracle};
use margin_client::{
    accounts::{AccountKind, Stored, account_size, decode, encode},
    addresses::PROGRAM_ID,
    state::{
        AdaptiveRange, Balance, BasisContingency, BorrowIndex, CashPool, Collateral, CollateralHaircuts,
        CollateralLink, Concentration, ConfidenceCharge, CorrelationModel, Depeg, Engine, FactorExposure,
        FactorScenario, FlowLimit, FundingState, Instrument, InstrumentKind, InsuranceFund, InterestState,
        LiquidationParameters, LiquidationState, MarginAccount, MinimumDelta, OracleConfig, OracleProvider, PauseState,
        PerpetualSlot, Position, PositionCharges, PriceChallenge, QuoteNonces, RateParameters, RiskParameters, Roll,
        ScanFactors, Scenario, SkewCap, SkewShock, StandardParameters, StaticDiscount, SviParameters,
        TradingParameters, Underlying, VegaTermStructure, Venue, VenueApproval, VenueLimits, VolShocks,
    },
};

/// Account bytes that are zero but for these (offset in the account, content).
fn golden(size: usize, fields: &[(usize, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0; size];
    for (offset, content) in fields {
        let place = &mut bytes[*offset..offset + content.len()];
        assert!(place.iter().all(|byte| *byte == 0), "two fields at {offset}");
        place.copy_from_slice(content);
    }
    bytes
}

fn assert_golden<T: Stored>(state: &T, want: &[u8]) {
    let got = encode(state);
    assert_eq!(got.len(), want.len());
    let differing: Vec<usize> = (0..want.len()).filter(|at| got[*at] != want[*at]).collect();
    assert!(differing.is_empty(), "bytes differ at {differing:?}");
    // And back, through every check of the decoder.
    let decoded = decode::<T>(&PROGRAM_ID, want).unwrap();
    assert_eq!(encode(&*decoded), want);
}

#[test]
fn engine() {
    let mut state: Box<Engine> = bytemuck::zeroed_box();
    state.version = 1;
    state.bump = 254;
    state.quote_decimals = 6;
    state.features = 3;
    state.collateral_count = 0x0102;
    state.underlying_count = 0x0304;
    state.creator = key(1);
    state.admin = key(2);
    state.quote_mint = key(3);
    state.liquidation = LiquidationParameters {
        start_discount: 0x1112_1314,
        fast_discount: 0x1516_1718,
        buffer: 0x2122_2324,
        fast_seconds: 0x2526_2728,
        slow_seconds: 0x292a_2b2c,
        insolvent_seconds: 0x2d2e_2f30,
        insurance_delay: 0x4142_4344_4546_4748,
        small_account: 0x3132_3334_3536_3738,
    };
    state.borrow = BorrowIndex { index: 0x0102_0304, rate: 0x0506_0708, published_at: -9 };
    state.guardian = key(4);
    state.pause = PauseState { until: -10, guardian_since: -11, bits: 7, ..PauseState::default() };
    state.socialised = 1 << 60;
    let want = golden(
        640,
        &[
            (0, &[0xf6, 0x5e, 0x29, 0x93, 0xe7, 0x79, 0x6e, 0x13]),
            (8, &[1, 254, 6, 3]),
            (12, &[2, 1, 4, 3]),
            (16, &[1; 32]),
            (48, &[2; 32]),
            (80, &[3; 32]),
            (112, &[0x14, 0x13, 0x12, 0x11]),
            (116, &[0x18, 0x17, 0x16, 0x15]),
            (120, &[0x24, 0x23, 0x22, 0x21]),
            (124, &[0x28, 0x27, 0x26, 0x25]),
            (128, &[0x2c, 0x2b, 0x2a, 0x29]),
            (132, &[0x30, 0x2f, 0x2e, 0x2d]),
            (136, &[0x48, 0x47, 0x46, 0x45, 0x44, 0x43, 0x42, 0x41]),
            (144, &[0x38, 0x37, 0x36, 0x35, 0x34, 0x33, 0x32, 0x31]),
            (152, &[4, 3, 2, 1]),
            (160, &[8, 7, 6, 5]),
            (168, &(-9i64).to_le_bytes()),
            (176, &[4; 32]),
            (208, &(-10i64).to_le_bytes()),
            (216, &(-11i64).to_le_bytes()),
            (224, &[7]),
            (232, &(1u64 << 60).to_le_bytes()),
        ],
    );
    assert_golden(&*state, &want);
}

#[test]
fn collateral() {
    let mut state: Box<Collateral> = bytemuck::zeroed_box();
    state.version = 1;
    state.bump = 253;
    state.vault_bump = 252;
    state.decimals = 9;
    state.index = 0x0506;
    state.engine = key(1);
    state.mint = key(2);
    state.vault = key(3);
    state.token_program = key(4);
    state.oracle =
        OracleConfig { provider: OracleProvider::PythPush as u8, confidence_full_scale: 20_000_000, ..oracle([5; 32]) };
    state.haircuts = CollateralHaircuts { maintenance: 100_000_000, initial: 50_000_000 };
    state.confidence = ConfidenceCharge { threshold: 1 << 50, factor: 1 << 51 };
    state.link = CollateralLink::CancelsRisk as u8;
    state.underlying = 0x0708;
    state.deposit_cap = 1 << 40;
    state.total_deposits = 1 << 33;
    state.fees = 1 << 34;
    state.flow = FlowLimit { limit: 1 << 41, level: 1 << 42, updated_at: -1, window: 86_400, ..FlowLimit::none() };
    state.pool = CashPool {
        borrowed: 1,
        deposited: 2,
        borrow_index: 3,
        deposit_index: 4,
        utilisation_seconds: 5,
        updated_at: -6,
        reserve: (7i128 << 48).to_le_bytes(),
        pot: 8i128.to_le_bytes(),
        rates: RateParameters {
            base: 11,
            at_kink: 12,
            maximum: 13,
            kink: 14,
            reserve_share: 15,
            maximum_utilisation: 16,
        },
    };
    state.insurance = fund();
    state.insured = 58;
    state.challenge = PriceChallenge { since: -59, bond: 60 };
    let want = golden(
        528,
        &[
            (0, &[0x7b, 0x82, 0xea, 0x3f, 0xff, 0xf0, 0xff, 0x5c]),
            (8, &[1, 253, 252, 9, 6, 5]),
            (16, &[1; 32]),
            (48, &[2; 32]),
            (80, &[3; 32]),
            (112, &[4; 32]),
            (144, &[5; 32]),
            (176, &60u32.to_le_bytes()),
            (180, &300u32.to_le_bytes()),
            (184, &10_000_000u32.to_le_bytes()),
            (188, &50_000_000u32.to_le_bytes()),
            (192, &[1]),
            (196, &20_000_000u32.to_le_bytes()),
            (224, &100_000_000u32.to_le_bytes()),
            (228, &50_000_000u32.to_le_bytes()),
            (232, &(1u64 << 50).to_le_bytes()),
            (240, &(1u64 << 51).to_le_bytes()),
            (248, &[2, 0, 8, 7]),
            (256, &(1u64 << 40).to_le_bytes()),
            (264, &(1u64 << 33).to_le_bytes()),
            (272, &(1u64 << 34).to_le_bytes()),
            (280, &(1u64 << 41).to_le_bytes()),
            (288, &(1u64 << 42).to_le_bytes()),
            (296, &(-1i64).to_le_bytes()),
            (304, &86_400u32.to_le_bytes()),
            (312, &[1u64, 2, 3, 4, 5].map(u64::to_le_bytes).concat()),
            (352, &(-6i64).to_le_bytes()),
            (360, &(7i128 << 48).to_le_bytes()),
            (376, &8i128.to_le_bytes()),
            (392, &[11u64, 12, 13, 14, 15, 16].map(u64::to_le_bytes).concat()),
            (440, &fund_bytes()),
            (496, &58u64.to_le_bytes()),
            (504, &(-59i64).to_le_bytes()),
            (512, &60u64.to_le_bytes()),
        ],
    );
    assert_golden(&*state, &want);
}

#[test]
fn underlying() {
    let mut state: Box<Underlying> = bytemuck::zeroed_box();
    state.version = 1;
    state.bump = 251;
    state.scenario_count = 40;
    state.index = 63;
    state.symbol = *b"BTC\0\0\0\0\0\0\0\0\0\0\0\0\0";
    state.engine = key(1);
    state.publisher = key(2);
    state.oracle =
        OracleConfig { provider: OracleProvider::PythPush as u8, confidence_full_scale: 20_000_000, ..oracle([3; 32]) };
    state.lot_size = 10_000_000;
    state.max_surface_age = 60;
    state.liquidation_max_mark_age = 600;
    state.settlement_window = 1_800;
    state.trading = TradingParameters {
        taker_fee: 101,
        maker_fee: 102,
        settlement_fee: 103,
        option_fee_cap: 104,
        band_mark: 105,
        band_index: 106,
        funding_period: 107,
        funding_cap: 108,
        funding_gap: 109,
        premium_fade: 110,
        sample_spacing: 111,
        sample_count: 112,
        premium_depth: 113,
        settler_reward: 114,
    };
    state.risk = risk();
    state.standard = StandardParameters {
        perpetual_initial: 61,
        perpetual_maintenance: 62,
        most_spot: 63,
        least_spot: 64,
        call_maintenance: 65,
        put_maintenance: 66,
        put_mark_maintenance: 67,
        put_initial_over_maintenance: 68,
        unpaired_initial: 69,
        unpaired_maintenance: 70,
        collateral: 71,
        collateral_initial: 72,
        confidence: ConfidenceCharge { threshold: 73, factor: 74 },
        depeg: Depeg { threshold: 75, factor: 76 },
    };
    state.exposure = FactorExposure { beta: 77, residual: 78 };
    state.adaptive = AdaptiveRange {
        reference: 79,
        floor: 80,
        deviations: 81,
        horizon: 82,
        least: 83,
        most: 84,
        daily_change: 85,
        scale: 86,
        scaled_at: 87,
    };
    state.scenarios[39] =
        Scenario { design_spot: 12, spot: 13, ln_spot: -1, weight: 14, vol: 2, extended: 1, ..Scenario::default() };
    state.prepared_grid.shocks[42] = [-5, 27];
    state.prepared_grid.table[63] = 28;
    let funding = FundingState { index: -92, accrued_at: 93, premium: -94, ..FundingState::default() };
    state.perpetual = PerpetualSlot { updated_at: 88, mark: 89, spot_reference: 90, confidence: 91, funding };
    state.insurance = fund();
    let slot = &mut state.expiries[11];
    slot.expiry = 15;
    slot.updated_at = 16;
    slot.forward = 17;
    slot.spot_reference = 18;
    slot.rate = -1;
    slot.svi = SviParameters { a: -2, b: 19, rho: 20, m: 21, sigma: 22, forward: 23, time: 24 };
    slot.slice = [-3, 92, 93, 94, 95, 96, 97, 98, 99];
    slot.confidence = 25;
    slot.observed_average = 26;
    slot.sample_sum = 115u128.to_le_bytes();
    slot.sampled_at = 116;
    slot.sample_count = 117;
    slot.finalised = 1;
    slot.open_lots = 118;
    let words = |range: std::ops::RangeInclusive<u64>| range.flat_map(u64::to_le_bytes).collect::<Vec<u8>>();
    // Words but for two groups of flags.
    let mut parameters = words(1..=51);
    parameters[11 * 8..12 * 8].copy_from_slice(&[12, 1, 1, 0, 0, 0, 0, 0]);
    parameters[38 * 8..39 * 8].copy_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0]);
    let svi: Vec<u8> = [-2i64, 19, 20, 21, 22, 23, 24].iter().flat_map(|field| field.to_le_bytes()).collect();
    // The first scenario stands at 888, 32 bytes each; the prepared grid at 2168, the first expiry at 2984, 224 bytes
    // each.
    let (scenario, expiry) = (888 + 39 * 32, 2_984 + 11 * 224);
    let want = golden(
        6_176,
        &[
            (0, &[0xce, 0x80, 0x98, 0x4d, 0x70, 0xa4, 0x0d, 0x02]),
            (8, &[1, 251, 40]),
            (14, &[63, 0]),
            (16, b"BTC"),
            (32, &[1; 32]),
            (64, &[2; 32]),
            (96, &[3; 32]),
            (128, &60u32.to_le_bytes()),
            (132, &300u32.to_le_bytes()),
            (136, &10_000_000u32.to_le_bytes()),
            (140, &50_000_000u32.to_le_bytes()),
            (144, &[1]),
            (148, &20_000_000u32.to_le_bytes()),
            (176, &10_000_000u64.to_le_bytes()),
            (184, &60u32.to_le_bytes()),
            (188, &600u32.to_le_bytes()),
            (192, &1_800u32.to_le_bytes()),
            (200, &(101u32..=112).flat_map(u32::to_le_bytes).collect::<Vec<u8>>()),
            (248, &words(113..=114)),
            (264, &parameters),
            (672, &words(61..=76)),
            (800, &words(77..=78)),
            (816, &words(79..=87)),
            (scenario, &words(12..=13)),
            (scenario + 16, &(-1i64).to_le_bytes()),
            (scenario + 24, &14u32.to_le_bytes()),
            (scenario + 28, &[2, 1]),
            (2_168 + 42 * 16, &(-5i64).to_le_bytes()),
            (2_168 + 42 * 16 + 8, &words(27..=27)),
            (2_919, &[28]),
            (2_920, &words(88..=91)),
            (2_952, &[-92i64, 93, -94].map(i64::to_le_bytes).concat()),
            (expiry, &15i64.to_le_bytes()),
            (expiry + 8, &16i64.to_le_bytes()),
            (expiry + 16, &17u64.to_le_bytes()),
            (expiry + 24, &18u64.to_le_bytes()),
            (expiry + 32, &(-1i64).to_le_bytes()),
            (expiry + 40, &svi),
            (expiry + 96, &(-3i64).to_le_bytes()),
            (expiry + 104, &words(92..=99)),
            (expiry + 168, &words(25..=26)),
            (expiry + 184, &words(115..=115)),
            (expiry + 200, &words(116..=116)),
            (expiry + 208, &117u32.to_le_bytes()),
            (expiry + 212, &[1]),
            (expiry + 216, &words(118..=118)),
            (expiry + 224, &fund_bytes()),
        ],
    );
    assert_golden(&*state, &want);
}

fn fund() -> InsuranceFund {
    let draws = FlowLimit { limit: 54, level: 55, updated_at: -56, window: 57, ..FlowLimit::none() };
    InsuranceFund { amount: 51, requested: 52, available_at: -53, draws }
}

fn fund_bytes() -> Vec<u8> {
    [51i64, 52, -53, 54, 55, -56, 57].map(i64::to_le_bytes).concat()
}

/// Every field has the number of its word.
fn risk() -> RiskParameters {
    RiskParameters {
        vol: VolShocks {
            range_up: 1,
            range_down: 2,
            short_term_power: 3,
            long_term_power: 4,
            tenor_floor: 5,
            min_vol_up: 6,
        },
        scan: ScanFactors {
            initial: 7,
            maintenance: 8,
            gain_haircut: 9,
            extended_range: 10,
            extended_dampener: 11,
            shortfall_count: 12,
            scales_charges: 1,
            inverse: 1,
            ..ScanFactors::default()
        },
        static_discount: StaticDiscount {
            long_markdown: 13,
            long_rate_scale: 14,
            long_rate_add: 15,
            short_markup: 16,
            short_rate_scale: 17,
            short_rate_add: 18,
        },
        skew: SkewShock {
            linear: SkewCap { base: 19, slope: 20 },
            abs: SkewCap { base: 21, slope: 22 },
            min_width: 23,
            width_scale: 24,
            vol_static: 25,
            vol_scale: 26,
        },
        basis: BasisContingency { up: 27, down: 28, add: 29, annual: 30 },
        charges: PositionCharges {
            perpetual_maintenance: 31,
            perpetual_initial: 32,
            short_option_maintenance: 33,
            short_option_initial: 34,
        },
        minimum_delta: MinimumDelta { unhedged: 35, hedged: 36 },
        roll: Roll { min_move: 37, annual_move: 38, gross: 1, ..Roll::default() },
        vega: VegaTermStructure { range: 40, offset: 41 },
        concentration: Concentration { delta_depth: 42, delta_rate: 43, vega_depth: 44, vega_rate: 45, max_rate: 46 },
        confidence: ConfidenceCharge { threshold: 47, factor: 48 },
        depeg: Depeg { threshold: 49, factor: 50 },
        unrealised_profit_cap: 51,
    }
}

#[test]
fn correlation_model() {
    let mut state: Box<CorrelationModel> = bytemuck::zeroed_box();
    state.version = 1;
    state.bump = 249;
    state.scenario_count = 40;
    state.engine = key(1);
    state.floor = 2;
    state.scenarios[39] = FactorScenario { market_move: -3, weight: 4, vol: 2, ..FactorScenario::default() };
    // The first scenario stands at 56, 24 bytes each.
    let scenario = 56 + 39 * 24;
    let want = golden(
        1_144,
        &[
            // sha256("account:CorrelationModel").
            (0, &[0x58, 0x16, 0x45, 0x27, 0x96, 0x0d, 0x3f, 0xb2]),
            (8, &[1, 249, 40]),
            (16, &[1; 32]),
            (48, &2u64.to_le_bytes()),
            (scenario, &(-3i64).to_le_bytes()),
            (scenario + 8, &4u64.to_le_bytes()),
            (scenario + 16, &[2]),
        ],
    );
    assert_golden(&*state, &want);
}

#[test]
fn margin_account() {
    let mut state: Box<MarginAccount> = bytemuck::zeroed_box();
    state.version = 1;
    state.bump = 250;
    state.mode = 1;
    state.balance_count = 12;
    state.index = 0x0708;
    state.position_count = 128;
    state.engine = key(1);
    state.owner = key(2);
    state.delegate = key(3);
    // −1.5 atoms.
    state.cash = (-(3i128 << 47)).to_le_bytes();
    state.sequence = 0x0a0b_0c0d;
    state.fees = 0x0e0f;
    state.quotes = QuoteNonces { floor: 41, spent: [42, 43, 44, 45] };
    state.checks_deferred = 1;
    state.approvals[3] =
        VenueApproval { authority: key(4), limits: VenueLimits { underlyings: 46, notional: 47, expires_at: -48 } };
    state.liquidation = LiquidationState {
        active: 1,
        insured_underlying: 0x0102,
        started_at: 77,
        insolvent_at: -78,
        cash_from_bids: (5i128 << 48).to_le_bytes(),
        witness: core::array::from_fn(|at| at as u8 + 100),
        ..LiquidationState::default()
    };
    state.balances[11] = Balance { amount: 99, collateral: 12, ..Balance::default() };
    state.interest = InterestState {
        borrow_index: 31,
        deposit_index: 32,
        recorded_borrow: 33,
        recorded_deposit: 34,
        earning: 35,
        unreported: (36i128 << 48).to_le_bytes(),
        socialised: 37,
    };
    let put = Instrument { underlying: 63, expiry: 1_769_760_000, strike: 90_000, kind: InstrumentKind::Put };
    state.positions[127] = Position { settled_value: -44, funding_index: 55, ..Position::new(put, -1_000) };
    // The first approval stands at 320, 56 bytes each; the first balance at 544, 16 bytes each; the first position at 864, 56
    // bytes each.
    let (approval, balance, position) = (320 + 3 * 56, 544 + 11 * 16, 864 + 127 * 56);
    let want = golden(
        8_032,
        &[
            (0, &[0x85, 0xdc, 0xad, 0xd5, 0xb3, 0xd3, 0x2b, 0xee]),
            (8, &[1, 250, 1, 12, 8, 7, 128, 0]),
            (16, &[1; 32]),
            (48, &[2; 32]),
            (80, &[3; 32]),
            (112, &(-(3i128 << 47)).to_le_bytes()),
            (128, &0x0a0b_0c0du64.to_le_bytes()),
            (136, &0x0e0fu64.to_le_bytes()),
            (144, &[41u64, 42, 43, 44, 45].map(u64::to_le_bytes).concat()),
            (184, &[1]),
            (192, &[1]),
            (200, &77i64.to_le_bytes()),
            (198, &[2, 1]),
            (208, &(-78i64).to_le_bytes()),
            (216, &(5i128 << 48).to_le_bytes()),
            (232, &core::array::from_fn::<u8, 64, _>(|at| at as u8 + 100)),
            (approval, &[4; 32]),
            (approval + 32, &[46u64, 47].map(u64::to_le_bytes).concat()),
            (approval + 48, &(-48i64).to_le_bytes()),
            (balance, &99u64.to_le_bytes()),
            (balance + 8, &12u16.to_le_bytes()),
            (736, &[31u64, 32, 33, 34, 35].map(u64::to_le_bytes).concat()),
            (776, &(36i128 << 48).to_le_bytes()),
            (792, &37u64.to_le_bytes()),
            (position, &1_769_760_000i64.to_le_bytes()),
            (position + 8, &90_000u64.to_le_bytes()),
            (position + 16, &(-1_000i64).to_le_bytes()),
            (position + 24, &(-44i64).to_le_bytes()),
            (position + 32, &55i64.to_le_bytes()),
            (position + 40, &1_000u64.to_le_bytes()),
            (position + 48, &63u16.to_le_bytes()),
            (position + 50, &[2]),
        ],
    );
    assert_golden(&*state, &want);
}

#[test]
fn venue() {
    let mut state: Box<Venue> = bytemuck::zeroed_box();
    (state.version, state.bump, state.enabled) = (1, 248, 1);
    (state.engine, state.authority, state.program) = (key(1), key(2), key(3));
    let discriminator = AccountKind::Venue.discriminator();
    let want = golden(144, &[(0, discriminator), (8, &[1, 248, 1]), (16, &[1; 32]), (48, &[2; 32]), (80, &[3; 32])]);
    assert_golden(&*state, &want);
}

#[test]
fn sizes_and_discriminators_are_distinct() {
    assert_eq!(account_size::<Engine>(), 640);
    assert_eq!(account_size::<Collateral>(), 528);
    assert_eq!(account_size::<Underlying>(), 6_176);
    assert_eq!(account_size::<MarginAccount>(), 8_032);
    assert_eq!(account_size::<CorrelationModel>(), 1_144);
    assert_eq!(account_size::<Venue>(), 144);
    let kinds = [
        AccountKind::Engine,
        AccountKind::Collateral,
        AccountKind::Underlying,
        AccountKind::MarginAccount,
        AccountKind::CorrelationModel,
        AccountKind::Venue,
    ];
    for kind in kinds {
        assert_eq!(AccountKind::of(kind.discriminator()), Some(kind));
    }
}
