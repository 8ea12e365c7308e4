use anchor_lang::prelude::*;
use fixed::types::I80F48;

use super::margin_check::MarginCheckArgs;
use crate::{
    constants::MAX_QUOTE_ITEMS,
    error::EngineError,
    risk::MarginReport,
    risk_accounts::{RequiredMarkets, RiskAccounts},
    state::{Collateral, Engine, MarginAccount},
    trading::{PricedLeg, Side, TradeLeg},
};

/// Tokens into the account (positive) or out of it.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct QuoteTransfer {
    /// Index of the collateral; 0: cash.
    pub collateral: u16,
    /// precision: token atoms.
    pub amount: i64,
}

#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct MarginQuoteArgs {
    /// Trades of the account, in this order and as a taker: fees count, and prices must lie within the band.
    pub legs: Vec<TradeLeg>,
    pub transfers: Vec<QuoteTransfer>,
    /// How the resulting account is judged.
    pub check: MarginCheckArgs,
}

/// Remaining accounts: the markets of what the account holds, of every leg and of every token transferred
/// ([`RiskAccounts`]).
#[derive(Accounts)]
pub struct MarginQuote<'info> {
    pub engine: AccountLoader<'info, Engine>,
    pub margin_account: AccountLoader<'info, MarginAccount>,
}

impl<'info> MarginQuote<'info> {
    fn validate(&self, args: &MarginQuoteArgs) -> Result<()> {
        // engine, margin_account: this program's, by their types; the account belongs to the engine.
        require_keys_eq!(self.margin_account.load()?.engine, self.engine.key(), EngineError::ForeignEngine);

        require!(args.legs.len() <= MAX_QUOTE_ITEMS && args.transfers.len() <= MAX_QUOTE_ITEMS, EngineError::QuoteSize);
        args.legs.iter().try_for_each(TradeLeg::validate)?;
        require!(args.transfers.iter().all(|transfer| transfer.amount != 0), EngineError::QuoteTransfer);
        Ok(())
    }

    /// Computes the margin that an account would have after transfers and legs, as `margin_check` returns it. Writes nothing:
    /// everything happens in a copy.
    pub fn handle(ctx: Context<'info, Self>, args: MarginQuoteArgs) -> Result<MarginReport> {
        ctx.accounts.validate(&args)?;
        let now = Clock::get()?.unix_timestamp;
        let engine_key = ctx.accounts.engine.key();
        let engine = ctx.accounts.engine.load()?;
        let account = ctx.accounts.margin_account.load()?;
        let required = args.required_markets(&engine, &account)?;
        let markets = RiskAccounts::load(&engine_key, ctx.remaining_accounts, required, args.check.usage, now)?;
        args.judge(&account, &markets, &engine, now)
    }
}

impl MarginQuoteArgs {
    /// Markets of what the account holds, of every leg and of every token transferred.
    pub fn required_markets(&self, engine: &Engine, account: &MarginAccount) -> Result<RequiredMarkets> {
        let mut required = RequiredMarkets::of_engine(engine);
        required.add_account(engine, account, self.check.judged_mode(account)?)?;
        for transfer in self.transfers.iter().filter(|transfer| transfer.collateral != Collateral::QUOTE_INDEX) {
            required.add_collateral(transfer.collateral)?;
        }
        for leg in &self.legs {
            required.add_underlying(leg.instrument.underlying)?;
        }
        Ok(required)
    }

    /// Transfers, then legs, in a copy of the account, which is then judged.
    pub fn judge(
        &self,
        account: &MarginAccount,
        markets: &RiskAccounts,
        engine: &Engine,
        now: i64,
    ) -> Result<MarginReport> {
        // Too large for the stack.
        let mut copy: Box<MarginAccount> = bytemuck::zeroed_box();
        bytemuck::bytes_of_mut(&mut *copy).copy_from_slice(bytemuck::bytes_of(account));
        copy.accrue_interest(engine, now)?;
        for transfer in &self.transfers {
            transfer.apply(&mut copy)?;
        }
        for leg in &self.legs {
            let priced = PricedLeg::new(leg, markets, engine.quote_decimals, self.check.usage, now)?;
            priced.settle(&mut copy, Side::Taker)?;
        }
        self.check.judge(&copy, markets, engine, now)
    }
}

impl QuoteTransfer {
    /// Cash may become negative, as losses make it; a token balance may not.
    fn apply(&self, account: &mut MarginAccount) -> Result<()> {
        if self.collateral == Collateral::QUOTE_INDEX {
            return account.add_cash(I80F48::checked_from_num(self.amount).ok_or(EngineError::Overflow)?);
        }
        let held = account.balance_of(self.collateral);
        let error = if self.amount < 0 { EngineError::InsufficientBalance } else { EngineError::Overflow };
        account.set_balance(self.collateral, held.checked_add_signed(self.amount).ok_or(error)?)
    }
}
