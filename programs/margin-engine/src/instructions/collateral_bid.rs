use anchor_lang::prelude::*;

use crate::{
    error::EngineError,
    events::CollateralBid as CollateralBidEvent,
    liquidation::{Court, Sale, require_buyer, settle_funding, transfer_token},
    oracle::PriceUse,
    risk::{Workspace, cash_atoms_floor, usd_to_atoms_ceil, usd_to_atoms_floor},
    risk_accounts::{RequiredMarkets, RiskAccounts},
    state::{Engine, MarginAccount},
};

#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct CollateralBidArgs {
    /// Index of the token.
    pub collateral: u16,
    /// precision: token atoms. What the bidder wants; at most the share of the account's that a bid for a slice could take is
    /// taken.
    pub amount: u64,
    /// precision: quote atoms. The bid fails if the price is higher.
    pub price_limit: i64,
}

/// Remaining accounts: the markets of what both accounts hold after the bid ([`RiskAccounts`]).
#[event_cpi]
#[derive(Accounts)]
pub struct CollateralBid<'info> {
    pub bidder: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub bidder_account: AccountLoader<'info, MarginAccount>,
    #[account(mut)]
    pub margin_account: AccountLoader<'info, MarginAccount>,
}

impl<'info> CollateralBid<'info> {
    fn validate(&self, args: &CollateralBidArgs) -> Result<()> {
        let bidder_account = self.bidder_account.load()?;
        let account = self.margin_account.load()?;
        // engine: this program's, by its type. Both accounts: this program's, by their types; of this engine.
        // bidder: owner or delegate of the bidder's account, which is another owner's and not in liquidation itself.
        require_buyer(self.bidder.key, &self.engine.key(), &bidder_account, &account)?;

        require!(args.amount > 0, EngineError::AmountZero);
        require!(account.balance_of(args.collateral) > 0, EngineError::BidLegs);
        Ok(())
    }

    /// Sells some of one token to the bidder, who takes no position: at its price less the discount that the margin it frees
    /// (its haircut) earns in the solvent auction.
    pub fn handle(ctx: Context<'info, Self>, args: CollateralBidArgs) -> Result<()> {
        ctx.accounts.validate(&args)?;
        let now = Clock::get()?.unix_timestamp;
        let engine_key = ctx.accounts.engine.key();
        let engine = ctx.accounts.engine.load()?;
        let mut bidder = ctx.accounts.bidder_account.load_mut()?;
        let mut account = ctx.accounts.margin_account.load_mut()?;
        let decimals = engine.quote_decimals;
        let bidder_cash_before = cash_atoms_floor(bidder.cash())?;
        bidder.accrue_interest(&engine, now)?;
        account.accrue_interest(&engine, now)?;

        let required = {
            // The bidder will hold the token.
            let mut required = RequiredMarkets::of_accounts(&engine, &[&bidder, &account])?;
            required.add_collateral(args.collateral)?;
            required
        };
        let markets = RiskAccounts::load(&engine_key, ctx.remaining_accounts, required, PriceUse::Liquidation, now)?;
        let court = Court { engine: &engine, markets: &markets, now };
        let mut workspace = Workspace::new();
        settle_funding(&mut account, &markets, decimals)?;
        settle_funding(&mut bidder, &markets, decimals)?;

        let sale = Sale::open(court, &account, &mut workspace)?;
        let amount = sale.most_of(account.balance_of(args.collateral))?.min(args.amount);
        transfer_token(&mut account, &mut bidder, args.collateral, amount)?;
        let mut sold = sale.pay_for_legs(&mut account, &mut bidder, args.price_limit, &mut workspace)?;
        sale.conclude(&mut account, &mut sold, false, &mut workspace)?;
        account.count_change()?;
        bidder.count_change()?;
        court.require_buyer_margin(&bidder, &mut workspace)?;

        let event = CollateralBidEvent {
            account: ctx.accounts.margin_account.key(),
            bidder: ctx.accounts.bidder_account.key(),
            collateral: args.collateral,
            amount,
            share_paid: sale.terms.share_paid.0,
            value: usd_to_atoms_floor(sold.value, decimals)?,
            price: sold.price,
            equity_before: usd_to_atoms_floor(sale.before.equity, decimals)?,
            equity_after: usd_to_atoms_floor(sold.after.equity, decimals)?,
            maintenance_margin_before: usd_to_atoms_ceil(sale.before.maintenance_margin, decimals)?,
            maintenance_margin_after: usd_to_atoms_ceil(sold.after.maintenance_margin, decimals)?,
            released: !account.in_liquidation(),
            bidder_cash_before,
            bidder_cash_after: cash_atoms_floor(bidder.cash())?,
        };
        drop((engine, bidder, account, markets));
        emit_cpi!(event);
        Ok(())
    }
}
