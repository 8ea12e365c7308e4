//! Liquidation and insurance, as their callers would build them.

use margin_client::{
    MarginReport, UnderlyingReport,
    instructions::{
        BankruptcyResolve, BidLegs, CollateralBid, CollateralBidArgs, Fund, InsolventBid, InsolventBidArgs,
        InsuranceDeposit, InsuranceLimit, InsuranceLimitArgs, InsuranceRequest, InsuranceWithdraw, LiquidationConvert,
        LiquidationReplaceWitness, PriceAnswer, PriceChallenge, WitnessArgs, insured_underlying,
    },
    state::{LiquidationState, MarginAccount},
};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;

use crate::{Receipt, Trader, USDC, World};

impl World {
    /// A witness of these scenarios for an account in liquidation.
    #[must_use]
    pub fn witness(&self, trader: &Trader, scenarios: &[u8]) -> LiquidationReplaceWitness {
        LiquidationReplaceWitness {
            engine: self.engine,
            margin_account: trader.account,
            args: WitnessArgs { witness: Some(scenarios.to_vec()) },
            markets: self.markets_of(trader),
        }
    }

    #[must_use]
    pub fn conversion(&self, trader: &Trader) -> LiquidationConvert {
        LiquidationConvert { engine: self.engine, margin_account: trader.account, markets: self.markets_of(trader) }
    }

    /// A bid for a share (1e-9) of an insolvent account, at any payout.
    #[must_use]
    pub fn insolvent_bid(&self, bidder: &Trader, trader: &Trader, fraction: u64) -> InsolventBid {
        let account = self.account(trader);
        InsolventBid {
            bidder: bidder.owner(),
            engine: self.engine,
            bidder_account: bidder.account,
            margin_account: trader.account,
            quote: self.collateral_address(USDC),
            insured_underlying: insured_underlying(&self.engine, &account),
            args: InsolventBidArgs { fraction, minimum_payout: i64::MIN },
            markets: self.directory.for_bid(&self.account(bidder), &account).expect("listed markets"),
        }
    }

    /// A bid for an amount of a token, at any price.
    #[must_use]
    pub fn collateral_bid(&self, bidder: &Trader, trader: &Trader, collateral: u16, amount: u64) -> CollateralBid {
        let markets = self.directory.for_bid(&self.account(bidder), &self.account(trader));
        CollateralBid {
            bidder: bidder.owner(),
            engine: self.engine,
            bidder_account: bidder.account,
            margin_account: trader.account,
            args: CollateralBidArgs { collateral, amount, price_limit: i64::MAX },
            markets: markets.expect("listed markets"),
        }
    }

    #[must_use]
    pub fn resolution(&self, trader: &Trader) -> BankruptcyResolve {
        BankruptcyResolve {
            engine: self.engine,
            margin_account: trader.account,
            quote: self.collateral_address(USDC),
            insured_underlying: insured_underlying(&self.engine, &self.account(trader)),
        }
    }

    /// Positions of an account by their numbers, as a bid names them.
    #[must_use]
    pub fn legs(&self, trader: &Trader, positions: &[usize]) -> BidLegs {
        let mut words = [0u64; 2];
        positions.iter().for_each(|at| words[at / 64] |= 1 << (at % 64));
        BidLegs { sequence: self.account(trader).sequence, positions: words, balances: 0 }
    }

    /// The worst case of each underlying that an account is exposed to; reports hold four.
    #[must_use]
    pub fn worst_cases(report: &MarginReport) -> Vec<u8> {
        assert!(report.underlying_count <= 4, "a report names the worst cases of four underlyings");
        report.underlyings.iter().map(worst_case).collect()
    }

    /// Puts an account into liquidation that could not be: it is above maintenance margin, but below its buffer.
    pub fn flag(&mut self, trader: &Trader) {
        let (report, now) = (self.report(trader), self.now());
        let mut witness = LiquidationState::no_witness();
        for underlying in &report.underlyings {
            witness[usize::from(underlying.index)] = worst_case(underlying);
        }
        self.forge::<MarginAccount>(trader.account, |account| {
            account.liquidation = LiquidationState::started(now, witness, LiquidationState::NO_UNDERLYING);
        });
    }

    /// A gift of `amount` atoms of cash to a fund.
    #[must_use]
    pub fn donation(&mut self, donor: &Trader, fund: Fund, amount: u64) -> InsuranceDeposit {
        let source = donor.wallets[usize::from(USDC)];
        self.mint_to(self.quote, &source, amount);
        InsuranceDeposit {
            donor: donor.owner(),
            engine: self.engine,
            fund,
            quote: self.quote.collateral(&self.engine),
            source,
            amount,
        }
    }

    /// Fills a fund.
    #[track_caller]
    pub fn insure(&mut self, fund: Fund, amount: u64) -> Receipt {
        let donor = self.trader();
        let donation = self.donation(&donor, fund, amount);
        self.accept(donation.instruction(), &[&donor.key])
    }

    /// A claim that a token has no price.
    #[must_use]
    pub fn challenge(&self, challenger: &Keypair, collateral: u16) -> PriceChallenge {
        PriceChallenge { challenger: challenger.pubkey(), collateral: self.collateral_address(collateral) }
    }

    /// A token's price, against such a claim.
    #[must_use]
    pub fn answer(&mut self, answerer: &Keypair, collateral: u16) -> PriceAnswer {
        let feed = self.collateral(collateral).oracle.feed_id;
        let price = self.price_account(&feed);
        PriceAnswer { answerer: answerer.pubkey(), collateral: self.collateral_address(collateral), price }
    }

    #[must_use]
    pub fn insurance_limit(&self, underlying: u16, limit: u64, window: u32) -> InsuranceLimit {
        let args = InsuranceLimitArgs { limit, window };
        InsuranceLimit { admin: self.admin.pubkey(), engine: self.engine, underlying, args }
    }

    #[must_use]
    pub fn insurance_request(&self, fund: Fund, amount: u64) -> InsuranceRequest {
        let quote = self.quote.collateral(&self.engine);
        InsuranceRequest { admin: self.admin.pubkey(), engine: self.engine, fund, quote, amount }
    }

    #[must_use]
    pub fn insurance_withdrawal(&self, fund: Fund, destination: Pubkey) -> InsuranceWithdraw {
        let quote = self.quote.collateral(&self.engine);
        InsuranceWithdraw { admin: self.admin.pubkey(), engine: self.engine, fund, quote, destination }
    }
}

/// 255 where the model has no scenarios.
fn worst_case(part: &UnderlyingReport) -> u8 {
    part.portfolio().map_or(255, |portfolio| portfolio.worst_case)
}
