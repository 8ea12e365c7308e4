use anchor_lang::prelude::*;

use crate::{
    error::EngineError,
    oracle::PriceUse,
    risk::{Check, MarginReport, ReportOptions, Witness},
    risk_accounts::{RequiredMarkets, RiskAccounts},
    state::{AccountMode, Engine, MarginAccount},
};

/// How an account is judged. The default is its own mode, every scenario, liquidation's tolerance of prices.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct MarginCheckArgs {
    /// Another mode than the account's: what the same book would need in it.
    pub mode: Option<AccountMode>,
    /// How fresh and sure prices must be.
    pub usage: PriceUse,
    /// One scenario number (254: forward contingency, 255: none) for each underlying the account is exposed to, by index:
    /// a lower bound of the requirements at a fraction of the cost.
    pub witness: Option<Vec<u8>>,
    pub minimum: MinimumHealth,
    /// Whether net Greeks are wanted.
    pub greeks: bool,
    /// Number of the first underlying to report; a report holds four.
    pub first_underlying: u8,
}

/// Quote atoms that must be left; the instruction fails below. None: anything goes.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, Default)]
pub struct MinimumHealth {
    /// Least equity over initial margin.
    pub initial: Option<i64>,
    /// Least equity over maintenance margin.
    pub maintenance: Option<i64>,
}

impl Default for MarginCheckArgs {
    fn default() -> Self {
        Self {
            mode: None,
            usage: PriceUse::Liquidation,
            witness: None,
            minimum: MinimumHealth::default(),
            greeks: true,
            first_underlying: 0,
        }
    }
}

/// Remaining accounts: the markets of what the account holds ([`RiskAccounts`]).
#[derive(Accounts)]
pub struct MarginCheck<'info> {
    pub engine: AccountLoader<'info, Engine>,
    pub margin_account: AccountLoader<'info, MarginAccount>,
}

impl<'info> MarginCheck<'info> {
    fn validate(&self, account: &MarginAccount) -> Result<()> {
        // engine, margin_account: this program's, by their types; the account belongs to the engine.
        require_keys_eq!(account.engine, self.engine.key(), EngineError::ForeignEngine);
        Ok(())
    }

    /// Computes the margin of an account; the result is the instruction's return data. Writes nothing.
    pub fn handle(ctx: Context<'info, Self>, args: MarginCheckArgs) -> Result<MarginReport> {
        let account = ctx.accounts.margin_account.load()?;
        ctx.accounts.validate(&account)?;
        let now = Clock::get()?.unix_timestamp;
        let engine_key = ctx.accounts.engine.key();
        let engine = ctx.accounts.engine.load()?;
        let mut required = RequiredMarkets::of_engine(&engine);
        required.add_account(&engine, &account, args.judged_mode(&account)?)?;
        let markets = RiskAccounts::load(&engine_key, ctx.remaining_accounts, required, args.usage, now)?;
        args.judge(&account, &markets, &engine, now)
    }
}

impl MarginCheckArgs {
    /// The mode an account is judged in.
    pub(super) fn judged_mode(&self, account: &MarginAccount) -> Result<AccountMode> {
        self.mode.map_or_else(|| account.mode(), Ok)
    }

    /// Margin of an account, stored or hypothetical.
    #[inline(never)]
    pub fn judge(
        &self,
        account: &MarginAccount,
        markets: &RiskAccounts,
        engine: &Engine,
        now: i64,
    ) -> Result<MarginReport> {
        let mode = self.judged_mode(account)?;
        let witness = self.witness.as_deref().map_or(Witness::All, Witness::Listed);
        let check = Check { account, markets, engine, mode, usage: self.usage, now, witness };
        let report = check.report(ReportOptions { first: self.first_underlying, greeks: self.greeks })?;
        self.minimum.demand(&report)?;
        Ok(report)
    }
}

impl MinimumHealth {
    fn demand(&self, report: &MarginReport) -> Result<()> {
        for (least, requirement) in
            [(self.initial, report.initial_margin), (self.maintenance, report.maintenance_margin)]
        {
            if let Some(least) = least {
                let left = report.equity.checked_sub(requirement).ok_or(EngineError::Overflow)?;
                require!(left >= least, EngineError::HealthBelowMinimum);
            }
        }
        Ok(())
    }
}
