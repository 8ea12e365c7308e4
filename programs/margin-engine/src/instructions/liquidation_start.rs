use anchor_lang::prelude::*;

use crate::{
    error::EngineError,
    events::LiquidationStarted,
    liquidation::Court,
    oracle::PriceUse,
    risk::{Check, Witness, Workspace, usd_to_atoms_ceil, usd_to_atoms_floor},
    risk_accounts::{RequiredMarkets, RiskAccounts},
    state::{Engine, LiquidationState, MarginAccount},
};

/// Names the scenarios that prove something of an account.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct WitnessArgs {
    /// One scenario number (254: forward contingency, 255: none) for each underlying the account is exposed to, by index:
    /// only they are looked at. `None`: all are, at many times the cost, and the worst ones are found.
    pub witness: Option<Vec<u8>>,
}

impl WitnessArgs {
    pub fn scenarios(&self) -> Witness<'_> {
        self.witness.as_deref().map_or(Witness::All, Witness::Listed)
    }
}

/// Remaining accounts: the markets of what the account holds ([`RiskAccounts`]).
#[event_cpi]
#[derive(Accounts)]
pub struct LiquidationStart<'info> {
    pub liquidator: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub margin_account: AccountLoader<'info, MarginAccount>,
}

impl<'info> LiquidationStart<'info> {
    fn validate(&self) -> Result<()> {
        // liquidator: anyone. engine, margin_account: this program's, by their types; of each other.
        let account = self.margin_account.load()?;
        require_keys_eq!(account.engine, self.engine.key(), EngineError::ForeignEngine);
        require!(!account.in_liquidation(), EngineError::AlreadyInLiquidation);
        // In the middle of a transaction of trades it may look worse than at the end.
        require!(account.checks_deferred == 0, EngineError::ChecksDeferred);
        Ok(())
    }

    /// Puts an account whose equity is below its maintenance margin, under the witness, into liquidation. The witness is kept:
    /// bids are judged under it.
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
            let check = Check { witness: args.scenarios(), ..court.check(&account)? };
            let found = check.assess_witnesses(&mut Workspace::new())?;
            require!(!found.risk.safe(), EngineError::AccountHealthy);
            let mut state = LiquidationState::started(now, found.witness, found.greatest);
            if court.is_insolvent(&state, &found.risk) {
                state.insolvent_at = now;
            }
            account.liquidation = state;
            LiquidationStarted {
                account: ctx.accounts.margin_account.key(),
                liquidator: ctx.accounts.liquidator.key(),
                equity: usd_to_atoms_floor(found.risk.equity, engine.quote_decimals)?,
                maintenance_margin: usd_to_atoms_ceil(found.risk.maintenance_margin, engine.quote_decimals)?,
                insolvent: state.insolvent_at != 0,
            }
        };
        emit_cpi!(event);
        Ok(())
    }
}
