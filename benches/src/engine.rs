//! Whole instructions of the margin engine in LiteSVM, on accounts made up for the purpose.

use anyhow::{Context, Result, anyhow, bail, ensure};
use bytemuck::zeroed_box;
use litesvm::LiteSVM;
use margin_client::{
    Loaded, MarketDirectory, PROGRAM_ID,
    accounts::{Stored, encode},
    addresses,
    constants::{LAYOUT_VERSION, RATIO_ONE},
    decode_margin_report,
    instructions::{MarginCheck, MarginCheckArgs, ModelSetArgs},
    margin::Snapshot,
    presets::{MAX_COMPUTE_UNITS, MarginModel, compute_unit_limit},
    pyth::PriceUpdate,
    state::{Engine, ExpirySlot, Instrument, InstrumentKind, MarginAccount, OracleProvider, SviParameters, Underlying},
};
use margin_core::Price;
use solana_account::Account;
use solana_clock::Clock;
use solana_keypair::Keypair;
use solana_message::Message;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_transaction::Transaction;

use crate::{inputs, svm};

const NOW: i64 = 1_767_648_090;
const DAY: i64 = 86_400;

/// Options spread evenly over underlyings and expiries, every leg at a strike of its own, in both signs.
#[derive(Clone, Copy, Debug)]
pub struct Book {
    pub underlyings: u16,
    /// Expiries of each underlying.
    pub expiries: usize,
    pub legs: usize,
}

/// The engine's program in LiteSVM.
pub struct Bench {
    svm: LiteSVM,
    payer: Keypair,
    model: MarginModel,
}

impl Bench {
    /// Loads `margin_engine.so` as [`svm::Probe`] loads its program.
    pub fn load(model: MarginModel) -> Result<Self> {
        let file = svm::deployed("margin_engine.so");
        let mut svm = LiteSVM::new();
        svm.add_program_from_file(PROGRAM_ID, &file)
            .map_err(|error| anyhow!("{error:?}"))
            .with_context(|| format!("load {}; `cargo xtask build-sbf` makes it", file.display()))?;
        let clock = Clock { unix_timestamp: NOW, ..svm.get_sysvar() };
        svm.set_sysvar(&clock);
        let payer = Keypair::new();
        svm.airdrop(&payer.pubkey(), 1_000_000_000).map_err(|error| anyhow!("airdrop: {error:?}"))?;
        Ok(Self { svm, payer, model })
    }

    /// Changes the model of all underlyings.
    pub fn set_model(&mut self, model: MarginModel) {
        self.model = model;
    }

    /// Compute units of a margin check of a book, as anyone would call it.
    pub fn check(&mut self, book: Book) -> Result<u64> {
        self.run(book, MarginCheckArgs::default())
    }

    /// The dearest check of one scenario of each underlying.
    pub fn witness(&mut self, book: Book) -> Result<u64> {
        let scenarios = u8::try_from(self.model.scenarios.len())?;
        let mut dearest = 0;
        for scenario in 0..scenarios {
            let witness = Some(vec![scenario; usize::from(book.underlyings)]);
            let args = MarginCheckArgs { witness, greeks: false, ..Default::default() };
            dearest = dearest.max(self.run(book, args)?);
        }
        Ok(dearest)
    }

    /// Compute units of a check whose answer is the off-chain one.
    fn run(&mut self, book: Book, args: MarginCheckArgs) -> Result<u64> {
        let engine = Pubkey::new_from_array([1; 32]);
        let margin_account = Pubkey::new_from_array([2; 32]);
        let mut state: Box<Engine> = zeroed_box();
        (state.version, state.quote_decimals, state.underlying_count) = (LAYOUT_VERSION, 6, book.underlyings);
        self.set(engine, stored(&*state))?;

        let mut account: Box<MarginAccount> = zeroed_box();
        (account.version, account.engine) = (LAYOUT_VERSION, engine);
        account.cash = (1_000_000_000_000i128 << 48).to_le_bytes();
        for (instrument, lots) in book.positions() {
            account.add_position(instrument, lots, 0)?;
        }
        self.set(margin_account, stored(&*account))?;

        let mut directory = MarketDirectory::default();
        let mut markets = Vec::new();
        for index in 0..book.underlyings {
            let underlying = self.underlying(engine, index, book.expiries)?;
            let address = addresses::underlying(&engine, index);
            let price = Pubkey::new_from_array([100 + index as u8; 32]);
            let update = PriceUpdate::new(underlying.oracle.feed_id, spot(index), Price(1_000_000_000), NOW);
            markets.extend([(address, stored(&*underlying)), (price, update.account())]);
            directory.insert_underlying(index, address, price);
        }
        for (address, account) in &markets {
            self.set(*address, account.clone())?;
        }
        let metas = directory.for_account(&account)?;
        let snapshot = Snapshot::new(Loaded::from_state(engine, state), directory, markets);
        let expected = snapshot.check(&account, &args, NOW)?;
        let check = MarginCheck { engine, margin_account, markets: metas, args };
        let instructions = [compute_unit_limit(MAX_COMPUTE_UNITS), check.instruction()];
        let message = Message::new(&instructions, Some(&self.payer.pubkey()));
        let transaction = Transaction::new(&[&self.payer], message, self.svm.latest_blockhash());
        let done = match self.svm.simulate_transaction(transaction) {
            Ok(done) => done.meta,
            Err(failed) => bail!("{book:?}: {:?}\n{}", failed.err, failed.meta.logs.join("\n")),
        };
        if std::env::var_os("SHOW").is_some() {
            println!("{book:?}\n{}", done.logs.join("\n"));
        }
        let report = decode_margin_report(&done.return_data.program_id, &done.return_data.data)?;
        ensure!(report == expected, "host and SVM differ on {book:?}:\n{expected:?}\n{report:?}");
        // Of the instruction alone: setting the limit costs 150 units.
        Ok(done.compute_units_consumed.saturating_sub(150))
    }

    fn set(&mut self, address: Pubkey, account: Account) -> Result<()> {
        self.svm.set_account(address, account).map_err(|error| anyhow!("account {address}: {error:?}"))
    }

    fn underlying(&self, engine: Pubkey, index: u16, expiries: usize) -> Result<Box<Underlying>> {
        let ModelSetArgs { risk, standard, exposure, adaptive } = self.model.parameters.clone();
        let mut state: Box<Underlying> = zeroed_box();
        (state.version, state.index, state.engine) = (LAYOUT_VERSION, index, engine);
        state.oracle.feed_id = [10 + index as u8; 32];
        state.oracle.provider = OracleProvider::PythPull as u8;
        (state.oracle.max_age, state.oracle.liquidation_max_age) = (60, 300);
        (state.oracle.max_confidence, state.oracle.liquidation_max_confidence) = (10_000_000, 50_000_000);
        (state.lot_size, state.max_surface_age, state.liquidation_max_mark_age) = (10_000_000, 600, 3_600);
        (state.risk, state.standard, state.exposure, state.adaptive) = (risk, standard, exposure, adaptive);
        state.set_scenarios(&self.model.scenarios)?;
        for (slot, days) in state.expiries.iter_mut().zip(inputs::ASSESSED_DAYS).take(expiries) {
            let market = inputs::market(days);
            let (spot, svi) = (spot(index), market.svi);
            let forward = spot.0 + spot.0 / 1_000 * days / 30;
            *slot = ExpirySlot {
                expiry: NOW + days as i64 * DAY,
                updated_at: NOW - 30,
                forward,
                // Spot has moved since the forward was taken.
                spot_reference: spot.0 - spot.0 / 1_000,
                rate: 437_000_000,
                confidence: RATIO_ONE,
                ..Default::default()
            };
            slot.set_surface(SviParameters {
                a: svi.a,
                b: svi.b,
                rho: svi.rho,
                m: svi.m,
                sigma: svi.sigma,
                forward,
                time: days * DAY as u64 + 600,
            })?;
        }
        Ok(state)
    }
}

impl Book {
    fn positions(self) -> impl Iterator<Item = (Instrument, i64)> {
        let groups = usize::from(self.underlyings) * self.expiries;
        (0..self.legs).map(move |leg| {
            let (group, step) = (leg % groups, (leg / groups) as u64);
            let underlying = (group / self.expiries) as u16;
            let days = inputs::ASSESSED_DAYS[group % self.expiries];
            let steps = self.legs.div_ceil(groups) as u64;
            // From 70 % to 130 % of spot.
            let percent = 70 * 1_000 + 60_000 * (step + 1) / (steps + 1);
            let instrument = Instrument {
                underlying,
                expiry: NOW + days as i64 * DAY,
                strike: spot(underlying).0 / 100_000 * percent,
                kind: if leg.is_multiple_of(3) { InstrumentKind::Call } else { InstrumentKind::Put },
            };
            (instrument, if leg % 5 < 2 { -1_000 - leg as i64 } else { 1_000 + leg as i64 })
        })
    }
}

fn stored<T: Stored>(state: &T) -> Account {
    Account { lamports: 1_000_000_000, data: encode(state), owner: PROGRAM_ID, ..Account::default() }
}

/// 65 000 USD and a little less for each further underlying.
fn spot(underlying: u16) -> Price {
    Price(65_000_123_456_000_000 - 9_000_000_000_000_000 * u64::from(underlying))
}
