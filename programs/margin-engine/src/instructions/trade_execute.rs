use anchor_lang::prelude::*;

use crate::{
    constants::MAX_TRADE_LEGS,
    error::EngineError,
    events::{SettledLeg, TradeExecuted},
    oracle::PriceUse,
    risk::{Check, cash_atoms_floor},
    risk_accounts::{RequiredMarkets, RiskAccounts},
    state::{Engine, MarginAccount, PauseBits},
    trading::{PricedLeg, TradeLeg},
};

#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct TradeExecuteArgs {
    /// The taker's side.
    pub legs: Vec<TradeLeg>,
    /// Unix seconds; the trade is refused after it.
    pub deadline: i64,
    /// If given, the maker's sequence number must still be this.
    pub maker_sequence: Option<u64>,
    /// If given, the taker's sequence number must still be this.
    pub taker_sequence: Option<u64>,
}

/// Remaining accounts: the markets of what both accounts hold after the trade ([`RiskAccounts`]).
#[event_cpi]
#[derive(Accounts)]
pub struct TradeExecute<'info> {
    pub maker: Signer<'info>,
    pub taker: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub maker_account: AccountLoader<'info, MarginAccount>,
    #[account(mut)]
    pub taker_account: AccountLoader<'info, MarginAccount>,
}

impl<'info> TradeExecute<'info> {
    fn validate(&self, args: &TradeExecuteArgs, now: i64) -> Result<()> {
        require_keys_neq!(self.maker_account.key(), self.taker_account.key(), EngineError::TradeWithSelf);
        // maker, taker: owner or delegate of their accounts. maker_account, taker_account: this program's, by their
        // types; of this engine (which is this program's, by its type) and not in liquidation.
        for (signer, account, sequence) in [
            (&self.maker, &self.maker_account, args.maker_sequence),
            (&self.taker, &self.taker_account, args.taker_sequence),
        ] {
            let account = account.load()?;
            require!(account.may_trade(signer.key), EngineError::NotOwnerOrDelegate);
            require_keys_eq!(account.engine, self.engine.key(), EngineError::ForeignEngine);
            require!(!account.in_liquidation(), EngineError::AccountInLiquidation);
            require!(sequence.is_none_or(|wanted| wanted == account.sequence), EngineError::TradeSequence);
        }
        require!(now <= args.deadline, EngineError::TradeDeadline);
        require!((1..=MAX_TRADE_LEGS).contains(&args.legs.len()), EngineError::TradeLegs);
        args.legs.iter().try_for_each(TradeLeg::validate)
    }

    /// Settles every leg between two accounts that both sign, then requires initial margin of each, once.
    ///
    /// A leg's cost is rounded up to a whole quote atom: its payer pays that, its receiver gets it.
    pub fn handle(ctx: Context<'info, Self>, args: TradeExecuteArgs) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        ctx.accounts.validate(&args, now)?;
        let engine_key = ctx.accounts.engine.key();
        let engine = ctx.accounts.engine.load()?;
        let mut maker = ctx.accounts.maker_account.load_mut()?;
        let mut taker = ctx.accounts.taker_account.load_mut()?;
        let maker_cash_before = cash_atoms_floor(maker.cash())?;
        let taker_cash_before = cash_atoms_floor(taker.cash())?;

        engine.require_running(PauseBits::TRADING, now)?;
        maker.accrue_interest(&engine, now)?;
        taker.accrue_interest(&engine, now)?;

        let mut required = RequiredMarkets::of_accounts(&engine, &[&maker, &taker])?;
        for leg in &args.legs {
            required.add_underlying(leg.instrument.underlying)?;
        }
        let markets = RiskAccounts::load(&engine_key, ctx.remaining_accounts, required, PriceUse::RaiseRisk, now)?;

        let mut settled = Vec::with_capacity(args.legs.len());
        for leg in args.legs {
            let priced = PricedLeg::new(&leg, &markets, engine.quote_decimals, PriceUse::RaiseRisk, now)?;
            let cost = priced.cost;
            priced.settle(&mut taker, leg.lots, cost)?;
            priced.settle(&mut maker, leg.lots.checked_neg().ok_or(EngineError::Overflow)?, -cost)?;
            settled.push(SettledLeg { instrument: leg.instrument, lots: leg.lots, price: leg.price, cost });
        }

        for account in [&mut maker, &mut taker] {
            account.sequence = account.sequence.checked_add(1).ok_or(EngineError::Overflow)?;
            let risk = Check::new(account, &markets, &engine, PriceUse::RaiseRisk, now)?.assess()?;
            require!(risk.initially_healthy(), EngineError::BelowInitialMargin);
        }

        let event = TradeExecuted {
            maker: ctx.accounts.maker_account.key(),
            taker: ctx.accounts.taker_account.key(),
            legs: settled,
            maker_cash_before,
            maker_cash_after: cash_atoms_floor(maker.cash())?,
            taker_cash_before,
            taker_cash_after: cash_atoms_floor(taker.cash())?,
        };
        // Nothing may be borrowed during the CPI that emits the event.
        drop((engine, maker, taker, markets));
        emit_cpi!(event);
        Ok(())
    }
}
