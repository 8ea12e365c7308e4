use anchor_lang::prelude::*;
use anchor_spl::token_interface::{self, Mint, TokenAccount, TokenInterface, TransferChecked};

use crate::{
    error::EngineError,
    events::InsuranceDeposited,
    state::{Collateral, Engine, LiquidationState, Underlying},
};

#[event_cpi]
#[derive(Accounts)]
pub struct InsuranceDeposit<'info> {
    pub donor: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub quote: AccountLoader<'info, Collateral>,
    /// `None`: the common fund.
    #[account(mut)]
    pub underlying: Option<AccountLoader<'info, Underlying>>,
    pub mint: InterfaceAccount<'info, Mint>,
    #[account(mut)]
    pub vault: InterfaceAccount<'info, TokenAccount>,
    #[account(mut)]
    pub source: InterfaceAccount<'info, TokenAccount>,
    pub token_program: Interface<'info, TokenInterface>,
}

impl<'info> InsuranceDeposit<'info> {
    fn validate(&self, amount: u64) -> Result<()> {
        let quote = self.quote.load()?;
        // donor: anyone; the token program checks that he may move `source`.
        // engine, quote, underlying: this program's, by their types; of one engine, its cash.
        require_keys_eq!(quote.engine, self.engine.key(), EngineError::ForeignEngine);
        require!(quote.is_quote(), EngineError::NotQuoteCollateral);
        if let Some(underlying) = &self.underlying {
            require_keys_eq!(underlying.load()?.engine, self.engine.key(), EngineError::ForeignEngine);
        }
        // mint, vault, token_program: the quote token's.
        // source: a token account of the mint, checked by the token program; never the vault itself.
        let (mint, vault, token_program) = (self.mint.key(), self.vault.key(), self.token_program.key());
        quote.require_vault(&mint, &vault, &token_program, &self.source.key())?;

        require!(amount > 0, EngineError::AmountZero);
        Ok(())
    }

    /// Gives cash to an insurance fund. It is a gift: only the admin withdraws, after a delay.
    pub fn handle(ctx: Context<'info, Self>, amount: u64) -> Result<()> {
        ctx.accounts.validate(amount)?;
        let accounts = &ctx.accounts;
        let transfer = TransferChecked {
            from: accounts.source.to_account_info(),
            mint: accounts.mint.to_account_info(),
            to: accounts.vault.to_account_info(),
            authority: accounts.donor.to_account_info(),
        };
        let context = CpiContext::new(accounts.token_program.key(), transfer);
        token_interface::transfer_checked(context, amount, accounts.mint.decimals)?;
        let event = {
            let mut quote = accounts.quote.load_mut()?;
            let vault = quote.total_deposits;
            quote.pool.advance(vault, &accounts.engine.load()?.borrow, Clock::get()?.unix_timestamp)?;
            let more = |held: u64| held.checked_add(amount).ok_or(EngineError::Overflow);
            quote.total_deposits = more(quote.total_deposits)?;
            quote.insured = more(quote.insured)?;
            let (index, before) = match &accounts.underlying {
                Some(loader) => {
                    let mut underlying = loader.load_mut()?;
                    let before = underlying.insurance.amount;
                    underlying.insurance.amount = more(before)?;
                    (underlying.index, before)
                }
                None => {
                    let before = quote.insurance.amount;
                    quote.insurance.amount = more(before)?;
                    (LiquidationState::NO_UNDERLYING, before)
                }
            };
            InsuranceDeposited { underlying: index, donor: accounts.donor.key(), amount, before, after: more(before)? }
        };
        emit_cpi!(event);
        Ok(())
    }
}
