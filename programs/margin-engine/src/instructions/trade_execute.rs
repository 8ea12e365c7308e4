use anchor_lang::prelude::*;

use crate::{
    constants::MAX_TRADE_LEGS,
    error::EngineError,
    events::TradeExecuted,
    oracle::PriceUse,
    risk_accounts::{RequiredMarkets, RiskAccounts},
    state::{Engine, MarginAccount},
    trading::{Batch, Fill, Party, TradeLeg, write_records},
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
    /// The maker's side only brings positions closer to zero: it passes below initial margin if health does not fall.
    pub maker_reduce_only: bool,
    /// The same for the taker's side.
    pub taker_reduce_only: bool,
}

/// Remaining accounts: the markets of what both accounts hold after the trade ([`RiskAccounts`]); the underlyings of the
/// legs writable.
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
        // maker, taker: owner or delegate of their accounts. maker_account, taker_account: this program's, by their
        // types; of this engine (which is this program's, by its type) and able to trade.
        for (signer, account, sequence, reduce_only) in [
            (&self.maker, &self.maker_account, args.maker_sequence, args.maker_reduce_only),
            (&self.taker, &self.taker_account, args.taker_sequence, args.taker_reduce_only),
        ] {
            let account = account.load()?;
            require!(account.may_trade(signer.key), EngineError::NotOwnerOrDelegate);
            require_keys_eq!(account.engine, self.engine.key(), EngineError::ForeignEngine);
            require!(!account.in_liquidation() || reduce_only, EngineError::AccountInLiquidation);
            require!(sequence.is_none_or(|wanted| wanted == account.sequence), EngineError::TradeSequence);
        }
        require!(now <= args.deadline, EngineError::TradeDeadline);
        Ok(())
    }

    /// Settles every leg between two accounts that both sign, then requires initial margin of each, once; of a side that only
    /// reduces, that its health does not fall.
    pub fn handle(ctx: Context<'info, Self>, args: TradeExecuteArgs) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        ctx.accounts.validate(&args, now)?;
        let trade = AgreedTrade {
            engine: &ctx.accounts.engine,
            maker: (&ctx.accounts.maker_account, args.maker_reduce_only),
            taker: (&ctx.accounts.taker_account, args.taker_reduce_only),
            markets: ctx.remaining_accounts,
            now,
        };
        let event = trade.settle(args.legs)?;
        emit_cpi!(event);
        Ok(())
    }
}

/// A trade that two accounts agreed to, however they said so.
pub(super) struct AgreedTrade<'a, 'info> {
    pub engine: &'a AccountLoader<'info, Engine>,
    /// With whether it only reduces.
    pub maker: (&'a AccountLoader<'info, MarginAccount>, bool),
    pub taker: (&'a AccountLoader<'info, MarginAccount>, bool),
    pub markets: &'a [AccountInfo<'info>],
    pub now: i64,
}

impl AgreedTrade<'_, '_> {
    /// Settles and checks; nothing stays borrowed, so that the event can be emitted.
    #[inline(never)]
    pub fn settle(&self, legs: Vec<TradeLeg>) -> Result<TradeExecuted> {
        let (engine_key, now) = (self.engine.key(), self.now);
        require_keys_neq!(self.maker.0.key(), self.taker.0.key(), EngineError::TradeWithSelf);
        require!((1..=MAX_TRADE_LEGS).contains(&legs.len()), EngineError::TradeLegs);
        legs.iter().try_for_each(TradeLeg::validate)?;

        let settled = {
            let engine = self.engine.load()?;
            let mut maker = self.maker.0.load_mut()?;
            let mut taker = self.taker.0.load_mut()?;
            let mut required = RequiredMarkets::of_accounts(&engine, &[&maker, &taker])?;
            for leg in &legs {
                required.add_leg(&leg.instrument)?;
            }
            let markets = RiskAccounts::load(&engine_key, self.markets, required, PriceUse::RaiseRisk, now)?;
            let fills: Vec<Fill> = legs.into_iter().map(|leg| Fill { taker: 1, maker: 0, leg }).collect();
            let mut parties = [
                Party { key: self.maker.0.key(), account: &mut maker, reduce_only: self.maker.1 },
                Party { key: self.taker.0.key(), account: &mut taker, reduce_only: self.taker.1 },
            ];
            Batch { engine: &engine, markets: &markets, now, venue: None }.settle(&mut parties, &fills)?
        };
        write_records(self.markets, &settled.records)?;
        let [maker, taker] = *settled.changes.as_slice() else { return err!(EngineError::FillAccount) };
        Ok(TradeExecuted { maker, taker, legs: settled.legs })
    }
}
