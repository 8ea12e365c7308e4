use anchor_lang::prelude::*;

use super::WitnessArgs;
use crate::{
    error::EngineError,
    events::WitnessReplaced,
    liquidation::Court,
    oracle::PriceUse,
    risk::{Check, Workspace, usd_to_atoms_ceil, usd_to_atoms_floor},
    risk_accounts::{RequiredMarkets, RiskAccounts},
    state::{Engine, MarginAccount},
};

/// Remaining accounts: the markets of what the account holds ([`RiskAccounts`]).
#[event_cpi]
#[derive(Accounts)]
pub struct LiquidationReplaceWitness<'info> {
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub margin_account: AccountLoader<'info, MarginAccount>,
}

impl<'info> LiquidationReplaceWitness<'info> {
    fn validate(&self) -> Result<()> {
        // engine, margin_account: this program's, by their types; of each other. Anyone may call.
        let account = self.margin_account.load()?;
        require_keys_eq!(account.engine, self.engine.key(), EngineError::ForeignEngine);
        require!(account.in_liquidation(), EngineError::NotInLiquidation);
        Ok(())
    }

    /// Keeps a witness that demands more than the one that is kept, and with it names the underlying whose insurance pays first:
    /// whoever started could have chosen it by a weak one. The auction goes on as it was.
    pub fn handle(ctx: Context<'info, Self>, args: WitnessArgs) -> Result<()> {
        ctx.accounts.validate()?;
        let now = Clock::get()?.unix_timestamp;
        let engine_key = ctx.accounts.engine.key();
        let event = {
            let mut account = ctx.accounts.margin_account.load_mut()?;
            let engine = ctx.accounts.engine.load()?;
            let required = RequiredMarkets::of_accounts(&engine, &[&account])?;
            let markets =
                RiskAccounts::load(&engine_key, ctx.remaining_accounts, required, PriceUse::Liquidation, now)?;
            let court = Court { engine: &engine, markets: &markets, now };
            let mut workspace = Workspace::new();
            let kept = court.under_witness(&account, &mut workspace)?;
            let check = Check { witness: args.scenarios(), ..court.check(&account)? };
            let found = check.assess_witnesses(&mut workspace)?;
            require!(found.risk.maintenance_margin > kept.maintenance_margin, EngineError::WitnessNotWorse);
            account.liquidation.witness = found.witness;
            account.liquidation.insured_underlying = found.greatest;
            WitnessReplaced {
                account: ctx.accounts.margin_account.key(),
                equity: usd_to_atoms_floor(kept.equity, engine.quote_decimals)?,
                maintenance_margin_before: usd_to_atoms_ceil(kept.maintenance_margin, engine.quote_decimals)?,
                maintenance_margin_after: usd_to_atoms_ceil(found.risk.maintenance_margin, engine.quote_decimals)?,
            }
        };
        emit_cpi!(event);
        Ok(())
    }
}
