use anchor_lang::prelude::*;
use fixed::types::I80F48;
use margin_core::{
    Usd,
    portfolio::{Ratio, maximum_fraction},
};

use crate::{
    constants::RATIO_ONE,
    error::EngineError,
    events::LiquidationBid as LiquidationBidEvent,
    liquidation::{settle_funding, transfer_slice},
    oracle::PriceUse,
    risk::{Check, atoms_to_usd, cash_atoms_floor, cash_to_usd, margin_error, usd_to_atoms_ceil, usd_to_atoms_floor},
    risk_accounts::{RequiredMarkets, RiskAccounts},
    state::{Engine, LiquidationState, MarginAccount, load_cash, store_cash},
};

#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct LiquidationBidArgs {
    /// precision: 1e-9. Share of the account the bidder wants; less is taken where less restores the account.
    pub fraction: u64,
    /// precision: quote atoms. The bid fails if the slice costs more.
    pub price_limit: u64,
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
        require_keys_eq!(bidder_account.engine, self.engine.key(), EngineError::ForeignEngine);
        require_keys_eq!(account.engine, self.engine.key(), EngineError::ForeignEngine);
        // bidder: owner or delegate of the bidder's account, which is not in liquidation itself.
        require!(bidder_account.may_trade(self.bidder.key), EngineError::NotOwnerOrDelegate);
        require!(!bidder_account.in_liquidation(), EngineError::AccountInLiquidation);
        require_keys_neq!(bidder_account.owner, account.owner, EngineError::SelfLiquidation);
        require!(account.in_liquidation(), EngineError::NotInLiquidation);

        require!(args.fraction > 0 && args.fraction <= RATIO_ONE, EngineError::BidFraction);
        Ok(())
    }

    /// Sells a slice of every position and balance to the bidder at a discount to its mark-to-market.
    ///
    /// The slice is at most what brings the account back to maintenance margin and buffer (small accounts go whole).
    /// The price is (1 − discount) of the value that really moved, rounded up, and never negative.
    /// A bid for less than the most must leave the account closer to its buffer than it was.
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

        let assess =
            |account: &MarginAccount| Check::new(account, &markets, &engine, PriceUse::Liquidation, now)?.assess();

        let funding = settle_funding(&mut account, &markets, decimals)?;
        let bidder_funding = settle_funding(&mut bidder, &markets, decimals)?;

        // How much may go.
        let before = assess(&account)?;
        let buffer = before.buffer_margin(Ratio(u64::from(engine.liquidation.buffer))).map_err(margin_error)?;
        require!(buffer.0 < 0, EngineError::AccountHealthy);
        let share_paid = Ratio(RATIO_ONE - u64::from(engine.liquidation.discount));
        let cash_from_bids = load_cash(account.liquidation.cash_from_bids);
        let from_bids = cash_to_usd(cash_from_bids, decimals)?;
        let small = before.equity <= atoms_to_usd(engine.liquidation.small_account, decimals)?;
        let maximum = if small {
            RATIO_ONE
        } else {
            maximum_fraction(buffer, before.equity, from_bids, share_paid).map_err(margin_error)?
        };
        let fraction = args.fraction.min(maximum);

        // What it is worth: the equity that left with it.
        let moved = transfer_slice(&mut account, &mut bidder, fraction, cash_from_bids)?;
        require!(moved, EngineError::BidTooSmall);
        let after = assess(&account)?;
        let slice_value = Usd(before.equity.0.checked_sub(after.equity.0).ok_or(EngineError::Overflow)?);
        let price = share_paid.of_rounded_up(Usd(slice_value.0.max(0))).map_err(margin_error)?;
        let price_atoms = u64::try_from(usd_to_atoms_ceil(price, decimals)?).map_err(|_| EngineError::Overflow)?;
        require!(price_atoms <= args.price_limit, EngineError::BidPriceLimit);
        let payment = I80F48::checked_from_num(price_atoms).ok_or(EngineError::Overflow)?;
        bidder.add_cash(-payment)?;
        account.add_cash(payment)?;

        // Paying in cash raises the account's equity by the price and leaves its requirement as it is.
        let mut settled = after;
        settled.equity =
            Usd(after.equity.0.checked_add(atoms_to_usd(price_atoms, decimals)?.0).ok_or(EngineError::Overflow)?);
        let buffer_after = settled.buffer_margin(Ratio(u64::from(engine.liquidation.buffer))).map_err(margin_error)?;
        // Lots round away from zero, so a thin slice takes a larger share of a small position than of a large one: again and
        // again it would buy up the hedges at a discount. Who takes less than he may leaves the account better off.
        require!(fraction == maximum || buffer_after.0 > buffer.0, EngineError::BidWorsens);
        if buffer_after.0 >= 0 {
            account.liquidation = LiquidationState::default();
        } else {
            let total = cash_from_bids.checked_add(payment).ok_or(EngineError::Overflow)?;
            account.liquidation.cash_from_bids = store_cash(total);
        }

        let bidder_risk = assess(&bidder)?;
        require!(bidder_risk.initially_healthy(), EngineError::BelowInitialMargin);

        let event = LiquidationBidEvent {
            account: ctx.accounts.margin_account.key(),
            bidder: ctx.accounts.bidder_account.key(),
            fraction,
            slice_value: usd_to_atoms_floor(slice_value, decimals)?,
            price: price_atoms,
            equity_before: usd_to_atoms_floor(before.equity, decimals)?,
            equity_after: usd_to_atoms_floor(settled.equity, decimals)?,
            maintenance_margin_before: usd_to_atoms_ceil(before.maintenance_margin, decimals)?,
            maintenance_margin_after: usd_to_atoms_ceil(settled.maintenance_margin, decimals)?,
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
