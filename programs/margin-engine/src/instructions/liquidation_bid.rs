use anchor_lang::prelude::*;

use crate::{
    constants::RATIO_ONE,
    error::EngineError,
    events::LiquidationBid as LiquidationBidEvent,
    liquidation::{BidLegs, Court, Sale, require_buyer, settle_funding, transfer_slice},
    oracle::PriceUse,
    risk::{Workspace, cash_atoms_floor, usd_to_atoms_ceil, usd_to_atoms_floor},
    risk_accounts::{RequiredMarkets, RiskAccounts},
    state::{Engine, MarginAccount, load_cash},
};

#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct LiquidationBidArgs {
    /// precision: 1e-9. Share of the account, or of the legs, that the bidder wants; less is taken where less of the account
    /// restores it.
    pub fraction: u64,
    /// precision: quote atoms. The bid fails if the price is higher; negative: if the bidder is paid less than that.
    pub price_limit: i64,
    /// Some positions and tokens instead of a slice of everything.
    pub legs: Option<BidLegs>,
}

/// Remaining accounts: the markets of what both accounts hold after the bid ([`RiskAccounts`]).
#[event_cpi]
#[derive(Accounts)]
pub struct LiquidationBid<'info> {
    pub bidder: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub bidder_account: AccountLoader<'info, MarginAccount>,
    #[account(mut)]
    pub margin_account: AccountLoader<'info, MarginAccount>,
}

impl<'info> LiquidationBid<'info> {
    fn validate(&self, args: &LiquidationBidArgs) -> Result<()> {
        let bidder_account = self.bidder_account.load()?;
        let account = self.margin_account.load()?;
        // engine: this program's, by its type. Both accounts: this program's, by their types; of this engine.
        // bidder: owner or delegate of the bidder's account, which is another owner's and not in liquidation itself.
        require_buyer(self.bidder.key, &self.engine.key(), &bidder_account, &account)?;

        require!(args.fraction > 0 && args.fraction <= RATIO_ONE, EngineError::BidFraction);
        args.legs.map_or(Ok(()), |legs| legs.validate(&account))
    }

    /// Sells a slice of every position and balance, or of some, to the bidder at the solvent auction's price.
    ///
    /// A slice is at most what brings the account back to maintenance margin and buffer (small accounts go whole). What
    /// is paid for is the value that really moved. A bid for less than the most, or for chosen legs, must leave the
    /// account closer to its buffer than it was.
    pub fn handle(ctx: Context<'info, Self>, args: LiquidationBidArgs) -> Result<()> {
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

        let required = RequiredMarkets::of_accounts(&engine, &[&bidder, &account])?;
        let markets = RiskAccounts::load(&engine_key, ctx.remaining_accounts, required, PriceUse::Liquidation, now)?;
        let court = Court { engine: &engine, markets: &markets, now };
        let mut workspace = Workspace::new();

        let funding = settle_funding(&mut account, &markets, decimals)?;
        let bidder_funding = settle_funding(&mut bidder, &markets, decimals)?;

        let sale = Sale::open(court, &account, &mut workspace)?;
        let maximum = sale.maximum_fraction()?;
        let fraction = args.fraction.min(maximum);
        let from_bids = load_cash(account.liquidation.cash_from_bids);
        let moved = transfer_slice(&mut account, &mut bidder, fraction, from_bids, args.legs.as_ref())?;
        require!(moved, EngineError::BidTooSmall);
        let mut sold = match args.legs {
            None => sale.pay_for_slice(&mut account, &mut bidder, args.price_limit, &mut workspace)?,
            Some(_) => sale.pay_for_legs(&mut account, &mut bidder, args.price_limit, &mut workspace)?,
        };
        sale.conclude(&mut account, &mut sold, args.legs.is_none() && fraction == maximum, &mut workspace)?;
        account.count_change()?;
        bidder.count_change()?;
        court.require_buyer_margin(&bidder, &mut workspace)?;

        let event = LiquidationBidEvent {
            account: ctx.accounts.margin_account.key(),
            bidder: ctx.accounts.bidder_account.key(),
            fraction,
            share_paid: sale.terms.share_paid.0,
            legs: args.legs,
            slice_value: usd_to_atoms_floor(sold.value, decimals)?,
            price: sold.price,
            equity_before: usd_to_atoms_floor(sale.before.equity, decimals)?,
            equity_after: usd_to_atoms_floor(sold.after.equity, decimals)?,
            maintenance_margin_before: usd_to_atoms_ceil(sale.before.maintenance_margin, decimals)?,
            maintenance_margin_after: usd_to_atoms_ceil(sold.after.maintenance_margin, decimals)?,
            released: !account.in_liquidation(),
            funding,
            bidder_funding,
            bidder_cash_before,
            bidder_cash_after: cash_atoms_floor(bidder.cash())?,
            prices: markets.index_prices(),
        };
        drop((engine, bidder, account, markets));
        emit_cpi!(event);
        Ok(())
    }
}
