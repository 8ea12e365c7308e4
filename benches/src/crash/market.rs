//! The market of the simulation: BTC and ETH with real options, and makers who trade with everybody.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow, ensure};
use margin_client::{
    constants::LAYOUT_VERSION,
    instructions::TradeLeg,
    margin::{PriceUse, Snapshot},
    presets,
    state::{Instrument, InstrumentKind, MarginAccount, TradingParameters},
};
use margin_core::{Price, Seconds};
use solana_instruction::Instruction as Call;
use solana_keypair::Keypair;
use tests_svm::{FAR, NEAR, NOW, Receipt, Spec, SurfaceSpec, Trader, USDC, World, buy, specs, token_balance, usd};

use crate::{chain, chain::OptionQuote, fit};

/// Listed strikes of an expiry: those with the largest open interest.
const STRIKES: usize = 14;
/// Vol grows by this times the fall of the logarithm of the price, to this many times what it was.
const VOL_OF_FALL: f64 = 2.5;
const MOST_VOL: f64 = 3.5;
const MAKERS: usize = 4;
const MAKER_CASH: f64 = 150_000_000.0;
/// Largest number of legs in a trade.
pub const LEGS: usize = 8;

/// One underlying with its quotes.
pub struct Listing {
    pub spec: Spec,
    pub quotes: Vec<OptionQuote>,
}

pub struct Market {
    pub world: World,
    pub listings: Vec<Listing>,
    makers: Vec<Trader>,
    next_maker: usize,
    /// Price over that of the start.
    factors: [f64; 2],
    /// As of the last prices.
    pub snapshot: Snapshot,
    marks: BTreeMap<Instrument, f64>,
}

impl Market {
    /// At the chain's own prices.
    pub fn open() -> Result<Self> {
        let mut world = World::bare();
        // Sums are proved once an hour, not after every transaction.
        world.forged = true;
        world.list_quote();
        let mut listings = Vec::new();
        for (spec, currency) in specs().into_iter().zip(["btc", "eth"]) {
            let (index, quotes) = chain::read(currency)?;
            let surfaces = [surface(&quotes, NEAR, index)?, surface(&quotes, FAR, index)?];
            let spec = Spec { spot: usd(index), surfaces, ..spec };
            world.list_underlying(&spec);
            world.set_price(&spec.feed, spec.spot);
            world.publish_surfaces(&spec);
            world.set_trading(spec.index, trading());
            listings.push(Listing { quotes: busiest(quotes, index), spec });
        }
        let makers = (0..MAKERS).map(|_| world.funded(MAKER_CASH)).collect();
        let snapshot = world.snapshot();
        Ok(Self { world, listings, makers, next_maker: 0, factors: [1.0; 2], snapshot, marks: BTreeMap::new() })
    }

    /// Posts prices, and surfaces whose vol has risen as the price has fallen.
    pub fn move_to(&mut self, time: i64, factors: [f64; 2]) -> Result<()> {
        self.world.set_time(time);
        self.factors = factors;
        let admin = self.world.admin.insecure_clone();
        for (listing, factor) in self.listings.iter().zip(factors) {
            let spec = &listing.spec;
            let spot = (spec.spot as f64 * factor / 1e6).round() as u64 * 1_000_000;
            self.world.set_price(&spec.feed, spot);
            let vol = (1.0 - VOL_OF_FALL * factor.ln().min(0.0)).min(MOST_VOL);
            for surface in &spec.surfaces {
                let shocked = SurfaceSpec { svi: with_vol(surface, vol, time), ..*surface };
                let publish = self.world.publication(spec, &shocked);
                self.world
                    .send(&[publish.instruction()], &[&admin])
                    .map_err(|refusal| anyhow!("surface: {}", refusal.describe()))?;
            }
        }
        self.snapshot = self.world.snapshot();
        self.marks.clear();
        Ok(())
    }

    /// Price of an underlying's unit now, USD.
    pub fn spot(&self, underlying: u16) -> f64 {
        let at = usize::from(underlying);
        self.listings[at].spec.spot as f64 * 1e-12 * self.factors[at]
    }

    /// Units of the underlying in a lot.
    pub fn lot(&self, underlying: u16) -> f64 {
        self.listings[usize::from(underlying)].spec.lot_size as f64 * 1e-9
    }

    /// Mark of an instrument's unit, USD.
    pub fn mark(&mut self, instrument: Instrument) -> Result<f64> {
        if instrument.kind == InstrumentKind::Perpetual {
            return Ok(self.spot(instrument.underlying));
        }
        if let Some(mark) = self.marks.get(&instrument) {
            return Ok(*mark);
        }
        const LOTS: i64 = 10_000;
        let mut probe = self.empty_account();
        probe.add_position(instrument, LOTS, 0)?;
        let report = self.snapshot.report(&probe, PriceUse::Liquidation, self.world.now())?;
        let mark = report.positions_value as f64 * 1e-6 / (LOTS as f64 * self.lot(instrument.underlying));
        self.marks.insert(instrument, mark);
        Ok(mark)
    }

    /// An account in mind.
    pub fn empty_account(&self) -> Box<MarginAccount> {
        let mut account: Box<MarginAccount> = bytemuck::zeroed_box();
        (account.version, account.engine) = (LAYOUT_VERSION, self.world.engine);
        account
    }

    /// Trades at most [`LEGS`] legs (lots, instrument, USD a unit) with a maker; `false` if the engine refuses.
    pub fn trade(&mut self, trader: &Trader, legs: &[(Instrument, i64, f64)]) -> bool {
        let legs: Vec<TradeLeg> =
            legs.iter().map(|(instrument, lots, price)| buy(*lots, *instrument, price.max(0.01))).collect();
        let maker = &self.makers[self.next_maker];
        self.next_maker = (self.next_maker + 1) % MAKERS;
        let trade = self.world.trade(maker, trader, &legs).instruction();
        let maker = maker.key.insecure_clone();
        self.world.send(&[trade], &[&maker, &trader.key]).is_ok()
    }

    pub fn attempt(&mut self, call: Call, signers: &[&Keypair]) -> Option<Receipt> {
        self.world.send(&[call], signers).ok()
    }

    /// Quote atoms in the vault, and what is claimed of it: cash, fees and what the pool keeps, less unsettled values of
    /// positions, and the insurance funds.
    pub fn vault_and_claims(&self) -> (u64, i128) {
        let quote = self.world.collateral(USDC);
        let accounts = self.world.margin_accounts();
        let positions = accounts.iter().flat_map(|account| account.positions());
        let unsettled: i128 = positions.map(|position| i128::from(position.settled_value)).sum();
        // 48 fractional bits of an atom; a rest would be a claim on less than one.
        let cash = self.world.pool_claims().to_bits();
        let claims = cash.div_euclid(1 << 48) + i128::from(cash.rem_euclid(1 << 48) != 0);
        let own = i128::from(quote.fees) + i128::from(quote.insured);
        (token_balance(&self.world.svm, &quote.vault), claims - unsettled + own)
    }

    /// Proves that the vault holds what everybody claims, to the atom, that lots sum to zero, and the other sums of the fixture.
    pub fn prove(&mut self) {
        self.world.forged = false;
        self.world.assert_conserved();
        self.world.forged = true;
    }
}

/// Fees and bands of a major; no funding, which leaves parts of atoms behind: so sums are exact.
fn trading() -> TradingParameters {
    let no = TradingParameters::default();
    TradingParameters {
        funding_period: no.funding_period,
        funding_cap: no.funding_cap,
        funding_gap: no.funding_gap,
        premium_fade: no.premium_fade,
        premium_depth: no.premium_depth,
        ..presets::trading()
    }
}

/// A slice through the mark vols of an expiry, and its forward.
fn surface(quotes: &[OptionQuote], expiry: i64, index: f64) -> Result<SurfaceSpec> {
    let quotes: Vec<&OptionQuote> = quotes.iter().filter(|quote| quote.expiry == expiry).collect();
    let forward = quotes.first().context("quotes of the expiry")?.forward;
    let svi = fit::svi(&quotes, Price(usd(forward)), Seconds((expiry - NOW).unsigned_abs()))?;
    ensure!(forward > 0.0 && index > 0.0, "prices");
    let basis = (forward / index * 1e9).round() as u64;
    Ok(SurfaceSpec { expiry, basis, rate: 0, svi: [svi.a, svi.b, svi.rho, svi.m, svi.sigma] })
}

/// The slice at a later time with all vols times `vol`, as a smile in deviations: w'(k) = s²·w(k / s), s² = vol²·time left.
fn with_vol(surface: &SurfaceSpec, vol: f64, time: i64) -> [i64; 5] {
    let left = (surface.expiry - time) as f64 / (surface.expiry - NOW) as f64;
    let s = vol * left.sqrt();
    let [a, b, rho, m, sigma] = surface.svi.map(|parameter| parameter as f64);
    [a * s * s, b * s, rho, m * s, sigma * s].map(|parameter| parameter.round() as i64)
}

/// Quotes of the strikes in which most is open, from half to one and a half times the index.
fn busiest(quotes: Vec<OptionQuote>, index: f64) -> Vec<OptionQuote> {
    let mut open = BTreeMap::<(i64, u64), f64>::new();
    for quote in quotes.iter().filter(|quote| (0.5..1.5).contains(&(quote.strike / index))) {
        *open.entry((quote.expiry, quote.strike as u64)).or_default() += quote.open_interest;
    }
    let mut listed = Vec::new();
    for expiry in [NEAR, FAR] {
        let mut strikes: Vec<_> = open.iter().filter(|((at, _), _)| *at == expiry).collect();
        strikes.sort_by(|a, b| b.1.total_cmp(a.1).then(a.0.cmp(b.0)));
        listed.extend(strikes.into_iter().take(STRIKES).map(|(key, _)| *key));
    }
    quotes.into_iter().filter(|quote| listed.contains(&(quote.expiry, quote.strike as u64))).collect()
}
