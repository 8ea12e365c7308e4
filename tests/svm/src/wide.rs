//! Markets of many underlyings and expiries at the edge of what a liquidation accepts, and books that fill an account.

use anchor_lang::{AccountDeserialize, AccountSerialize};
use margin_client::{
    margin::PriceUse,
    presets::{self, MarginModel},
    pyth::{FeedId, PriceUpdate, PriceUpdateV2, feeds},
    state::{CollateralHaircuts, Instrument, InstrumentKind, MarginAccount, OracleArgs, OracleProvider},
};
use margin_core::Price;
use solana_account::Account;
use solana_pubkey::Pubkey;

use crate::{MintOptions, NOW, Spec, SurfaceSpec, Trader, World, oracle, usd};

const DAY: i64 = 86_400;
/// Pyth's older oracle, whose accounts only it writes.
const PUSH_PROGRAM: Pubkey = Pubkey::from_str_const("FsJ3A3u2vn5cTVofAjvy6y5kwABJAqYWpe4975bi2epH");
const SYMBOLS: [&str; 12] = ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L"];
/// Expiries, in days from [`NOW`].
const DAYS: [i64; 12] = [2, 7, 30, 90, 120, 180, 270, 365, 400, 450, 500, 600];
/// An interval as wide, and ages as long, as a liquidation accepts.
const CONFIDENCE: u32 = 50_000_000;
const PRICE_AGE: i64 = 300;
const SURFACE_AGE: i64 = 3_600;

/// How many underlyings a market has, and how many expiries each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub underlyings: u16,
    pub expiries: usize,
}

/// A market of a [`Shape`]. Every odd underlying has a price of Pyth's push oracle, the others and the tokens have pull ones.
pub struct Wide {
    pub world: World,
    shape: Shape,
}

impl Wide {
    /// All inputs are as bad as a liquidation accepts: prices at their greatest age and widest interval, their averages elsewhere,
    /// surfaces at their greatest age and doubtful, spot a tenth below where they were published.
    #[must_use]
    pub fn new(model: &MarginModel, shape: Shape, tokens: u16) -> Self {
        let mut wide = Self { world: World::bare(), shape };
        wide.world.list_quote();
        for token in 0..tokens {
            let mint = wide.world.mint(&MintOptions::spl(9));
            let haircuts = CollateralHaircuts { maintenance: 100_000_000, initial: 50_000_000 };
            let mut add = wide.world.token_listing(mint, token_feed(token), haircuts);
            add.args.oracle = Some(doubtful(token_feed(token)));
            wide.world.list(mint, add);
        }
        for index in 0..shape.underlyings {
            wide.list(model, index);
        }
        wide.world.advance(SURFACE_AGE);
        for token in 0..tokens {
            wide.age(token_feed(token), usd(137.0));
        }
        for index in 0..shape.underlyings {
            let price = spot(index) / 10 * 9;
            if is_push(index) {
                let address = Pubkey::new_from_array(feed(index));
                let account = push_account(price, wide.world.now() - PRICE_AGE);
                wide.world.svm.set_account(address, account).expect("an account");
            } else {
                wide.age(feed(index), price);
            }
        }
        wide
    }

    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    fn list(&mut self, model: &MarginModel, index: u16) {
        let world = &mut self.world;
        let [first, second, ..] = DAYS.map(surface);
        let symbol = SYMBOLS[usize::from(index)];
        let spec = Spec {
            index,
            symbol,
            feed: feed(index),
            spot: spot(index),
            lot_size: 10_000_000,
            model: model.clone(),
            surfaces: [first, second],
        };
        world.set_price(&spec.feed, spec.spot);
        world.list_underlying_with(&spec, OracleArgs { provider: provider(index), ..doubtful(spec.feed) });
        if is_push(index) {
            // The account itself names the feed.
            let market = world.directory.underlying(index).expect("listed").market;
            world.directory.insert_underlying(index, market, Pubkey::new_from_array(spec.feed));
        }
        let admin = world.admin.insecure_clone();
        world.set_trading(index, presets::trading());
        for (number, days) in DAYS.into_iter().take(self.shape.expiries).enumerate() {
            let surface = surface(days);
            if number >= spec.surfaces.len() {
                let listing = world.expiry_listing(index, surface.expiry);
                world.accept(listing.instruction(), &[&admin]);
            }
            let mut publish = world.publication(&spec, &surface);
            publish.args.confidence = 930_000_000;
            world.accept(publish.instruction(), &[&admin]);
        }
    }

    /// Posts a pull price as old and uncertain as may be; its average is half of it.
    fn age(&mut self, feed: FeedId, price: u64) {
        let interval = Price(price / 1_000_000_000 * u64::from(CONFIDENCE));
        let update = PriceUpdate::new(feed, Price(price), interval, self.world.now() - PRICE_AGE);
        let mut account = update.account();
        let mut stored = PriceUpdateV2::try_deserialize(&mut account.data.as_slice()).expect("written above");
        stored.price_message.ema_price /= 2;
        let mut data = Vec::new();
        stored.try_serialize(&mut data).expect("room in a vector");
        account.data[..data.len()].copy_from_slice(&data);
        let address = self.world.price_account(&feed);
        self.world.svm.set_account(address, account).expect("an account");
    }

    /// Options spread over all underlyings and expiries, calls and puts, long and short, each at a strike of its own; books of
    /// different numbers share no instrument.
    pub fn book(&self, number: u64, legs: usize) -> impl Iterator<Item = (Instrument, i64)> {
        let (expiries, groups) = (self.shape.expiries, usize::from(self.shape.underlyings) * self.shape.expiries);
        let steps = legs.div_ceil(groups) as u64;
        (0..legs).map(move |leg| {
            let (group, step) = (leg % groups, (leg / groups) as u64);
            let underlying = (group / expiries) as u16;
            // From 70 % to 130 % of spot.
            let thousandths = 70_000 + 60_000 * (step + 1) / (steps + 1) + 11 * number;
            let instrument = Instrument {
                underlying,
                expiry: NOW + DAYS[group % expiries] * DAY,
                strike: spot(underlying) / 100_000 * thousandths,
                kind: if leg.is_multiple_of(3) { InstrumentKind::Call } else { InstrumentKind::Put },
            };
            (instrument, if leg % 5 < 2 { -1_000 - leg as i64 } else { 1_000 + leg as i64 })
        })
    }

    /// Writes positions and an amount of every token into an account, in place of what it holds.
    pub fn hold(&mut self, trader: &Trader, book: &[(Instrument, i64)]) {
        let tokens = self.world.tokens.len() as u16;
        self.world.forge::<MarginAccount>(trader.account, |account| {
            account.remove_positions(0..account.positions().len());
            for (instrument, lots) in book {
                account.add_position(*instrument, *lots, 0).expect("a free row");
            }
            for token in 1..tokens {
                account.set_balance(token, 1_000_000_000).expect("a free row");
            }
        });
        assert_eq!(self.world.account(trader).positions().len(), book.len());
    }

    /// Gives an account a billion of cash.
    pub fn enrich(&mut self, trader: &Trader) {
        self.world.forge::<MarginAccount>(trader.account, |account| {
            account.cash = (1_000_000_000_000_000i128 << 48).to_le_bytes();
        });
    }

    /// Gives an account so much cash that its equity is a share of its maintenance margin.
    pub fn set_equity(&mut self, trader: &Trader, percent: i64) {
        let (snapshot, now) = (self.world.snapshot(), self.world.now());
        let report =
            snapshot.report(&self.world.account(trader), PriceUse::Liquidation, now).expect("admissible prices");
        assert!(report.maintenance_margin > 0, "a book that needs margin");
        let equity = i128::from(report.maintenance_margin) * i128::from(percent) / 100;
        let cash = i128::from(report.cash) + equity - i128::from(report.equity);
        self.world.forge::<MarginAccount>(trader.account, |account| account.cash = (cash << 48).to_le_bytes());
    }
}

fn provider(index: u16) -> OracleProvider {
    if is_push(index) { OracleProvider::PythPush } else { OracleProvider::PythPull }
}

fn is_push(index: u16) -> bool {
    index % 2 == 1
}

/// Scores the interval, of which half is left at the widest.
fn doubtful(feed: FeedId) -> OracleArgs {
    OracleArgs { confidence_full_scale: 2 * CONFIDENCE, ..oracle(feed) }
}

fn feed(index: u16) -> FeedId {
    [10 + index as u8; 32]
}

fn token_feed(token: u16) -> FeedId {
    let mut feed = feeds::SOL_USD;
    feed[0] = token as u8;
    feed
}

/// 94 000 USD and less for each further underlying.
fn spot(index: u16) -> u64 {
    usd(94_128.89 - 7_000.0 * f64::from(index))
}

/// 55 % at the money, skewed.
fn surface(days: i64) -> SurfaceSpec {
    let year = days as f64 / 365.0;
    let svi = [0.2 * year, 0.18 * year.sqrt(), -0.28, 0.02 * year.sqrt(), 0.55 * year.sqrt()];
    SurfaceSpec {
        expiry: NOW + days * DAY,
        basis: 1_000_000_000 + 100_000 * days.unsigned_abs(),
        rate: 400_000_000,
        svi: svi.map(|parameter| (parameter * 1e15) as i64),
    }
}

/// Bytes of a push oracle's price account: a price with eight decimals that trades. Its average is zero.
fn push_account(price: u64, timestamp: i64) -> Account {
    let mut data = vec![0; 3_312];
    let mut put = |offset: usize, bytes: &[u8]| data[offset..offset + bytes.len()].copy_from_slice(bytes);
    let mantissa = price / 10_000;
    put(0, &0xa1b2_c3d4u32.to_le_bytes());
    put(4, &2u32.to_le_bytes());
    put(8, &3u32.to_le_bytes());
    put(12, &3_312u32.to_le_bytes());
    put(20, &(-8i32).to_le_bytes());
    put(96, &timestamp.to_le_bytes());
    put(208, &mantissa.to_le_bytes());
    put(216, &(mantissa / 1_000_000_000 * u64::from(CONFIDENCE)).to_le_bytes());
    put(224, &1u32.to_le_bytes());
    Account { lamports: 1_000_000_000, data, owner: PUSH_PROGRAM, ..Account::default() }
}
