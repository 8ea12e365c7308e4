//! The end of a series: sampling, finalising, paying; and what final series still owe.

use fixed::types::I80F48;
use margin_client::{
    addresses,
    events::EngineEvent,
    instructions::{FeeCollect, FeeWithdraw, PositionSettle, SettlementFinalise, SettlementFix, SettlementSample},
    state::{ExpirySlot, InstrumentKind, Position},
};
use solana_pubkey::Pubkey;
use solana_signer::Signer;

use crate::{Receipt, Trader, USDC, World, specs};

impl World {
    #[must_use]
    pub fn sample(&mut self, underlying: u16, expiry: i64) -> SettlementSample {
        let price = self.price_account(&specs()[usize::from(underlying)].feed);
        SettlementSample { underlying: addresses::underlying(&self.engine, underlying), price, expiry }
    }

    /// Posts a price as of `time` and samples it, which must succeed.
    #[track_caller]
    pub fn sample_at(&mut self, underlying: u16, expiry: i64, time: i64, price: u64) -> Receipt {
        self.set_time(time);
        self.set_price(&specs()[usize::from(underlying)].feed, price);
        let sample = self.sample(underlying, expiry);
        self.accept(sample.instruction(), &[])
    }

    /// Samples the last half hour before an expiry once a minute at these prices; leaves the clock at the expiry.
    #[track_caller]
    pub fn sample_window(&mut self, underlying: u16, expiry: i64, prices: impl IntoIterator<Item = u64>) {
        for (minute, price) in (0i64..).zip(prices) {
            self.sample_at(underlying, expiry, expiry - 1_800 + 60 * minute, price);
        }
        self.set_time(expiry);
        self.refresh_prices();
    }

    #[must_use]
    pub fn finalise(&self, underlying: u16, expiry: i64) -> SettlementFinalise {
        SettlementFinalise { underlying: addresses::underlying(&self.engine, underlying), expiry }
    }

    /// Samples at one price and finalises.
    #[track_caller]
    pub fn finalise_at(&mut self, underlying: u16, expiry: i64, price: u64) {
        self.sample_window(underlying, expiry, [price; 30]);
        let finalise = self.finalise(underlying, expiry);
        self.accept(finalise.instruction(), &[]);
    }

    #[must_use]
    pub fn fix(&self, underlying: u16, expiry: i64, price: u64) -> SettlementFix {
        let underlying = addresses::underlying(&self.engine, underlying);
        SettlementFix { admin: self.admin.pubkey(), engine: self.engine, underlying, expiry, price }
    }

    #[must_use]
    pub fn settle(&self, underlying: u16, expiry: i64, settler: &Trader, traders: &[&Trader]) -> PositionSettle {
        PositionSettle {
            engine: self.engine,
            underlying: addresses::underlying(&self.engine, underlying),
            settler_account: settler.account,
            expiry,
            margin_accounts: traders.iter().map(|trader| trader.account).collect(),
        }
    }

    #[must_use]
    pub fn fee_collection(&self, traders: &[&Trader]) -> FeeCollect {
        let collateral = self.quote.collateral(&self.engine).collateral;
        FeeCollect { collateral, margin_accounts: traders.iter().map(|trader| trader.account).collect() }
    }

    #[must_use]
    pub fn fee_withdrawal(&self, destination: Pubkey, amount: u64) -> FeeWithdraw {
        let collateral = self.tokens[usize::from(USDC)].collateral(&self.engine);
        FeeWithdraw { admin: self.admin.pubkey(), engine: self.engine, collateral, destination, amount }
    }

    /// The slot of a listed series.
    #[must_use]
    pub fn slot(&self, underlying: u16, expiry: i64) -> Option<ExpirySlot> {
        self.underlying(underlying).expiry(expiry).copied()
    }

    pub(crate) fn count_settled(&mut self, receipt: &Receipt) {
        for event in receipt.events() {
            if let EngineEvent::PositionsSettled(settled) = event {
                self.settled += settled.accounts.iter().map(|account| u64::from(account.positions)).sum::<u64>();
            }
        }
    }

    /// What a position of a final series is still to be paid: its value at the settlement price, rounded down. `None`: the
    /// series is not final.
    pub(crate) fn settlement_value(&self, position: &Position) -> Option<I80F48> {
        let underlying = self.underlying(position.underlying);
        let slot = underlying.expiry(position.expiry).filter(|slot| slot.finalised != 0)?;
        let (price, strike) = (i128::from(slot.observed_average), i128::from(position.strike));
        const ONE_USD: i128 = 1_000_000_000_000;
        let payoff = match position.instrument()?.kind {
            InstrumentKind::Call => (price - strike).max(0),
            InstrumentKind::Put => (strike - price).max(0),
            InstrumentKind::DigitalCall => i128::from(price > strike) * ONE_USD,
            InstrumentKind::DigitalPut => i128::from(price <= strike) * ONE_USD,
            InstrumentKind::Future => price,
            InstrumentKind::Perpetual => return None,
        };
        let atom = 10i128.pow(21 - u32::from(self.engine_state().quote_decimals));
        let value = i128::from(position.lots) * i128::from(underlying.lot_size) * payoff;
        Some(I80F48::from_num(value.div_euclid(atom)))
    }
}
