//! Venues, signed quotes and deferred checks.

use margin_client::{
    accounts::Loaded,
    addresses,
    instructions::{
        ChecksBegin, ChecksEnd, Fill, FillSettle, FillSettleArgs, FundingUpdate, OpenInterestSync, Quote, QuoteExecute,
        QuoteExecuteArgs, TradeLeg, VenueAdd, VenueApprove, quote_signature,
    },
    state::{MarginAccount, VenueLimits},
};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;

use crate::{Trader, World};

/// Authority of the venue that [`World::another_engine`] has.
#[must_use]
pub fn twin_venue() -> Pubkey {
    Pubkey::new_from_array([77; 32])
}

impl World {
    /// Registers a venue; returns its authority.
    pub fn venue(&mut self) -> Keypair {
        let authority = Keypair::new();
        self.register_venue(authority.pubkey());
        authority
    }

    pub fn register_venue(&mut self, authority: Pubkey) {
        let admin = self.admin.insecure_clone();
        let add = VenueAdd { admin: admin.pubkey(), engine: self.engine, authority, program: Pubkey::default() };
        self.accept(add.instruction(), &[&admin]);
    }

    /// Every underlying, a fortune of notional, a day.
    #[must_use]
    pub fn wide_limits(&self) -> VenueLimits {
        VenueLimits { underlyings: u64::MAX, notional: u64::MAX, expires_at: self.now() + 86_400 }
    }

    #[must_use]
    pub fn approval(&self, trader: &Trader, authority: Pubkey, limits: VenueLimits) -> VenueApprove {
        VenueApprove { owner: trader.owner(), engine: self.engine, margin_account: trader.account, authority, limits }
    }

    pub fn approve(&mut self, trader: &Trader, authority: Pubkey, limits: VenueLimits) {
        let approve = self.approval(trader, authority, limits);
        self.accept(approve.instruction(), &[&trader.key]);
    }

    /// Fills of a venue: (taker, maker, leg), parties by their place among `traders`.
    #[must_use]
    pub fn settlement(&self, authority: Pubkey, traders: &[&Trader], fills: &[(u8, u8, TradeLeg)]) -> FillSettle {
        let states: Vec<Loaded<MarginAccount>> = traders.iter().map(|trader| self.account(trader)).collect();
        let states: Vec<&MarginAccount> = states.iter().map(|state| &**state).collect();
        let legs: Vec<TradeLeg> = fills.iter().map(|(_, _, leg)| leg.clone()).collect();
        let fills = fills.iter().map(|(taker, maker, leg)| Fill { taker: *taker, maker: *maker, leg: leg.clone() });
        FillSettle {
            authority,
            engine: self.engine,
            margin_accounts: traders.iter().map(|trader| trader.account).collect(),
            args: FillSettleArgs { accounts: 0, fills: fills.collect(), reduce_only: 0 },
            markets: self.directory.for_fills(&states, &legs).expect("listed markets"),
        }
    }

    /// A quote of `maker` for anybody, good for a minute.
    #[must_use]
    pub fn quote_of(&self, maker: &Trader, nonce: u64, legs: &[TradeLeg]) -> Quote {
        Quote {
            engine: self.engine,
            maker_account: maker.account,
            taker_account: None,
            legs: legs.to_vec(),
            deadline: self.now() + 60,
            nonce,
            maker_sequence: None,
            reduce_only: false,
        }
    }

    /// The quote's signature by `signer`, and its execution by the taker as the instruction after it; the first of the
    /// transaction is the compute budget.
    #[must_use]
    pub fn taking(&self, maker: &Trader, taker: &Trader, quote: &Quote, signer: &Keypair) -> [Instruction; 2] {
        let markets = self.directory.for_trade(&self.account(maker), &self.account(taker), &quote.legs);
        let execute = QuoteExecute {
            taker: taker.owner(),
            engine: self.engine,
            maker_account: maker.account,
            taker_account: taker.account,
            args: QuoteExecuteArgs { signature_instruction: 1, taker_sequence: None, taker_reduce_only: false },
            markets: markets.expect("listed markets"),
        };
        let signature = signer.sign_message(&quote.message().expect("a message"));
        let signature = quote_signature(quote, &signer.pubkey(), signature.as_array()).expect("a short quote");
        [signature, execute.instruction()]
    }

    #[must_use]
    pub fn begin(&self, trader: &Trader) -> Instruction {
        ChecksBegin { authority: trader.owner(), margin_account: trader.account, venues: Vec::new() }.instruction()
    }

    /// The end of deferred checks of an account that will hold what `legs` touch as well.
    #[must_use]
    pub fn end(&self, trader: &Trader, legs: &[TradeLeg]) -> Instruction {
        let account = self.account(trader);
        let mut markets = self.directory.for_fills(&[&account], legs).expect("listed markets");
        markets.iter_mut().for_each(|meta| meta.is_writable = false);
        ChecksEnd { engine: self.engine, margin_account: trader.account, markets }.instruction()
    }

    #[must_use]
    pub fn funding_update(&self, underlying: u16) -> FundingUpdate {
        let addresses = self.directory.underlying(underlying).expect("a listed market");
        FundingUpdate { underlying: addresses.market, price: addresses.price }
    }

    #[must_use]
    pub fn open_interest_sync(&self, underlying: u16, trader: &Trader) -> OpenInterestSync {
        let underlying = addresses::underlying(&self.engine, underlying);
        OpenInterestSync { underlying, margin_account: trader.account }
    }
}
