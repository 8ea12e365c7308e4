//! How an account in liquidation, and who buys of it, are judged.

use anchor_lang::prelude::*;
use margin_core::{Usd, portfolio::AccountRisk};

use crate::{
    error::EngineError,
    oracle::PriceUse,
    risk::{Check, Witness, Workspace, margin_error},
    risk_accounts::RiskAccounts,
    state::{AccountMode, Engine, LiquidationParameters, LiquidationState, MarginAccount},
};

/// Who may buy of whom: the bidder's account has nothing to do with the other one, and is not for sale itself.
pub fn require_buyer(signer: &Pubkey, engine: &Pubkey, buyer: &MarginAccount, account: &MarginAccount) -> Result<()> {
    require_keys_eq!(buyer.engine, *engine, EngineError::ForeignEngine);
    require_keys_eq!(account.engine, *engine, EngineError::ForeignEngine);
    require!(buyer.may_trade(signer), EngineError::NotOwnerOrDelegate);
    require!(!buyer.in_liquidation(), EngineError::AccountInLiquidation);
    require_keys_neq!(buyer.owner, account.owner, EngineError::SelfLiquidation);
    require!(account.in_liquidation(), EngineError::NotInLiquidation);
    Ok(())
}

/// One place and time of judgement.
#[derive(Clone, Copy)]
pub struct Court<'a> {
    pub engine: &'a Engine,
    pub markets: &'a RiskAccounts<'a>,
    /// Unix seconds.
    pub now: i64,
}

impl Court<'_> {
    pub fn parameters(&self) -> &LiquidationParameters {
        &self.engine.liquidation
    }

    /// An account in liquidation under its witness.
    pub fn under_witness(&self, account: &MarginAccount, workspace: &mut Workspace) -> Result<AccountRisk> {
        let witness = Witness::Stored(&account.liquidation.witness);
        Check { witness, ..self.check(account)? }.assess_in(workspace)
    }

    /// An account under every scenario.
    pub fn in_full(&self, account: &MarginAccount, workspace: &mut Workspace) -> Result<AccountRisk> {
        self.check(account)?.assess_in(workspace)
    }

    pub fn check<'b>(&'b self, account: &'b MarginAccount) -> Result<Check<'b>> {
        Check::new(account, self.markets, self.engine, PriceUse::Liquidation, self.now)
    }

    /// `B`.
    pub fn buffer_margin(&self, risk: &AccountRisk) -> Result<Usd> {
        Ok(risk.buffer_margin(self.parameters().buffer()).map_err(margin_error)?)
    }

    /// A buyer must end with initial margin, at once or - where his checks are deferred - at their end.
    pub fn require_buyer_margin(&self, buyer: &MarginAccount, workspace: &mut Workspace) -> Result<()> {
        if buyer.checks_deferred == 0 {
            let risk = self.in_full(buyer, workspace)?;
            require!(risk.initially_healthy(), EngineError::BelowInitialMargin);
        }
        Ok(())
    }

    /// Whether only the insolvent auction sells the account: nothing is left at its marks, or the first auction has run out.
    pub fn is_insolvent(&self, state: &LiquidationState, risk: &AccountRisk) -> bool {
        let share = self.parameters().solvent_auction().share_paid(state.elapsed(self.now));
        risk.equity.0 <= 0 || share.is_none()
    }

    /// Whether an account is judged by all scenarios although it has a witness.
    pub fn sees_everything(&self, account: &MarginAccount) -> Result<bool> {
        Ok(match account.mode()? {
            AccountMode::Standard => true,
            AccountMode::Portfolio => self.markets.correlation().is_some(),
            AccountMode::Isolated => false,
        })
    }
}
