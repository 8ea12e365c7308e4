use anchor_lang::prelude::*;
use fixed::types::I80F48;

use crate::{
    constants::RATIO_ONE,
    error::EngineError,
    events::InsolventBid as InsolventBidEvent,
    liquidation::{
        Court, InsolventSale, LossPayment, pay_loss, require_buyer, require_insured, settle_funding, transfer_slice,
    },
    oracle::PriceUse,
    risk::{Workspace, cash_atoms_floor, usd_to_atoms_ceil, usd_to_atoms_floor},
    risk_accounts::{RequiredMarkets, RiskAccounts},
    state::{Collateral, Engine, LiquidationState, MarginAccount, Underlying, store_cash},
};

#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct InsolventBidArgs {
    /// precision: 1e-9. Share of the account that the bidder takes.
    pub fraction: u64,
    /// precision: quote atoms. The bid fails if the bidder is paid less (negative: if he has to pay more than that).
    pub minimum_payout: i64,
}

/// Remaining accounts: the markets of what both accounts hold after the bid ([`RiskAccounts`]).
#[event_cpi]
#[derive(Accounts)]
pub struct InsolventBid<'info> {
    pub bidder: Signer<'info>,
    #[account(mut)]
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub bidder_account: AccountLoader<'info, MarginAccount>,
    #[account(mut)]
    pub margin_account: AccountLoader<'info, MarginAccount>,
    #[account(mut)]
    pub quote: AccountLoader<'info, Collateral>,
    #[account(mut)]
    pub insured_underlying: Option<AccountLoader<'info, Underlying>>,
}

impl<'info> InsolventBid<'info> {
    fn validate(&self, args: &InsolventBidArgs) -> Result<()> {
        let engine = self.engine.key();
        let bidder_account = self.bidder_account.load()?;
        let account = self.margin_account.load()?;
        // engine: this program's, by its type. Both accounts: this program's, by their types; of this engine.
        // bidder: owner or delegate of the bidder's account, which is another owner's and not in liquidation itself.
        require_buyer(self.bidder.key, &engine, &bidder_account, &account)?;
        // quote: this program's, by its type; this engine's cash.
        let quote = self.quote.load()?;
        require_keys_eq!(quote.engine, engine, EngineError::ForeignEngine);
        require!(quote.is_quote(), EngineError::NotQuoteCollateral);
        // insured_underlying: the one that the liquidation named.
        require_insured(&account.liquidation, &engine, self.insured_underlying.as_ref())?;

        require!(args.fraction > 0 && args.fraction <= RATIO_ONE, EngineError::BidFraction);
        Ok(())
    }

    /// Gives a slice of every position and balance, debts included, to a bidder whom insurance pays for it.
    ///
    /// The payout grows from what the slice lacks at its marks to what it lacks of its maintenance margin. What the funds do not
    /// hold is borne by all deposits of cash.
    pub fn handle(ctx: Context<'info, Self>, args: InsolventBidArgs) -> Result<()> {
        ctx.accounts.validate(&args)?;
        let now = Clock::get()?.unix_timestamp;
        // As before the slice moves: what nets out by it has its market passed all the same.
        let required = {
            let (bidder, account) = (ctx.accounts.bidder_account.load()?, ctx.accounts.margin_account.load()?);
            RequiredMarkets::of_accounts(&*ctx.accounts.engine.load()?, &[&bidder, &account])?
        };
        let sold = ctx.accounts.sell(&args, ctx.remaining_accounts, required, now)?;
        let event = ctx.accounts.settle(&args, sold, ctx.remaining_accounts, required, now)?;
        emit_cpi!(event);
        Ok(())
    }

    /// Moves the slice and computes the payout.
    #[inline(never)]
    fn sell(
        &self,
        args: &InsolventBidArgs,
        markets: &[AccountInfo<'info>],
        required: RequiredMarkets,
        now: i64,
    ) -> Result<InsolventSale> {
        let engine = self.engine.load()?;
        let mut bidder = self.bidder_account.load_mut()?;
        let mut account = self.margin_account.load_mut()?;
        let decimals = engine.quote_decimals;
        bidder.accrue_interest(&engine, now)?;
        account.accrue_interest(&engine, now)?;
        let markets = RiskAccounts::load(&self.engine.key(), markets, required, PriceUse::Liquidation, now)?;
        let court = Court { engine: &engine, markets: &markets, now };
        let mut workspace = Workspace::new();
        settle_funding(&mut account, &markets, decimals)?;
        settle_funding(&mut bidder, &markets, decimals)?;

        let mut sale = InsolventSale::open(court, &account, &mut workspace)?;
        // There is nothing to keep aside: the payout covers all that is lacking.
        account.liquidation.cash_from_bids = store_cash(I80F48::ZERO);
        let moved = transfer_slice(&mut account, &mut bidder, args.fraction, I80F48::ZERO, None)?;
        require!(moved, EngineError::BidTooSmall);
        sale.price(court, &account, args.fraction, &mut workspace)?;
        require!(sale.payout >= args.minimum_payout, EngineError::BidPriceLimit);
        Ok(sale)
    }

    /// Pays, and checks who was paid.
    #[inline(never)]
    fn settle(
        &self,
        args: &InsolventBidArgs,
        sale: InsolventSale,
        markets: &[AccountInfo<'info>],
        required: RequiredMarkets,
        now: i64,
    ) -> Result<InsolventBidEvent> {
        let insured = self.margin_account.load()?.liquidation.insured_underlying;
        let mut loss = LossPayment::default();
        let socialised_before = self.engine.load()?.socialised;
        if sale.insured > 0 {
            let mut engine = self.engine.load_mut()?;
            let mut quote = self.quote.load_mut()?;
            let vault = quote.total_deposits;
            quote.pool.advance(vault, &engine.borrow, now)?;
            let mut underlying = match &self.insured_underlying {
                Some(loader) => Some(loader.load_mut()?),
                None => None,
            };
            loss = pay_loss(sale.insured, &mut engine, &mut quote, underlying.as_deref_mut(), now)?;
        }

        let engine = self.engine.load()?;
        let mut bidder = self.bidder_account.load_mut()?;
        let mut account = self.margin_account.load_mut()?;
        let decimals = engine.quote_decimals;
        // Deposits bear the loss as they were before the payout.
        bidder.accrue_interest(&engine, now)?;
        account.accrue_interest(&engine, now)?;
        let bidder_cash_before = cash_atoms_floor(bidder.cash())?;
        let payout = I80F48::checked_from_num(sale.payout).ok_or(EngineError::Overflow)?;
        bidder.add_cash(payout)?;
        // What insurance does not pay of it, the account does: positive or negative.
        account.add_cash(I80F48::checked_from_num(sale.insured).ok_or(EngineError::Overflow)? - payout)?;
        account.count_change()?;
        bidder.count_change()?;
        if account.is_flat() && account.cash() >= I80F48::ZERO {
            account.liquidation = LiquidationState::default();
        }

        let markets = RiskAccounts::load(&self.engine.key(), markets, required, PriceUse::Liquidation, now)?;
        let court = Court { engine: &engine, markets: &markets, now };
        court.require_buyer_margin(&bidder, &mut Workspace::new())?;
        Ok(InsolventBidEvent {
            account: self.margin_account.key(),
            bidder: self.bidder_account.key(),
            fraction: args.fraction,
            slice_value: usd_to_atoms_floor(sale.value, decimals)?,
            payout: sale.payout,
            insured_underlying: insured,
            loss,
            socialised_before,
            socialised_after: engine.socialised,
            equity_before: usd_to_atoms_floor(sale.before.equity, decimals)?,
            maintenance_margin_before: usd_to_atoms_ceil(sale.before.maintenance_margin, decimals)?,
            released: !account.in_liquidation(),
            bidder_cash_before,
            bidder_cash_after: cash_atoms_floor(bidder.cash())?,
            prices: markets.index_prices(),
        })
    }
}
