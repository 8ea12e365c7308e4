use anchor_lang::prelude::*;
use solana_instructions_sysvar as instructions_sysvar;

use super::trade_execute::AgreedTrade;
use crate::{
    error::EngineError,
    state::{Engine, MarginAccount},
    trading::{Quote, SignedMessage},
};

#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct QuoteExecuteArgs {
    /// Number of the transaction's instruction of the Ed25519 program that carries the maker's signed [`Quote`].
    pub signature_instruction: u16,
    /// If given, the taker's sequence number must still be this.
    pub taker_sequence: Option<u64>,
    /// The taker's side only brings positions closer to zero.
    pub taker_reduce_only: bool,
}

/// Remaining accounts: as `trade_execute`.
#[event_cpi]
#[derive(Accounts)]
pub struct QuoteExecute<'info> {
    pub taker: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(mut)]
    pub maker_account: AccountLoader<'info, MarginAccount>,
    #[account(mut)]
    pub taker_account: AccountLoader<'info, MarginAccount>,
    /// CHECK: the sysvar of the transaction's instructions, by its address.
    #[account(address = instructions_sysvar::ID)]
    pub instructions: UncheckedAccount<'info>,
}

impl<'info> QuoteExecute<'info> {
    fn validate(&self, args: &QuoteExecuteArgs, signed: &SignedMessage, quote: &Quote, now: i64) -> Result<()> {
        // engine, maker_account, taker_account: this program's, by their types; of each other and of the quote.
        let (maker, taker) = (self.maker_account.load()?, self.taker_account.load()?);
        require_keys_eq!(maker.engine, self.engine.key(), EngineError::ForeignEngine);
        require_keys_eq!(taker.engine, self.engine.key(), EngineError::ForeignEngine);
        require_keys_eq!(quote.engine, self.engine.key(), EngineError::QuoteMessage);
        require_keys_eq!(quote.maker_account, self.maker_account.key(), EngineError::QuoteMessage);
        require!(quote.taker_account.is_none_or(|wanted| wanted == self.taker_account.key()), EngineError::QuoteTaker);
        // The maker: owner or delegate of his account, by his signature. taker: owner or delegate of his.
        require!(maker.may_trade(&signed.signer), EngineError::QuoteSigner);
        require!(taker.may_trade(self.taker.key), EngineError::NotOwnerOrDelegate);
        // instructions: the sysvar (attribute).

        require!(!maker.in_liquidation() || quote.reduce_only, EngineError::AccountInLiquidation);
        require!(!taker.in_liquidation() || args.taker_reduce_only, EngineError::AccountInLiquidation);
        require!(quote.maker_sequence.is_none_or(|wanted| wanted == maker.sequence), EngineError::TradeSequence);
        require!(args.taker_sequence.is_none_or(|wanted| wanted == taker.sequence), EngineError::TradeSequence);
        require!(now <= quote.deadline, EngineError::TradeDeadline);
        Ok(())
    }

    /// Settles a quote that its maker signed off-line and that the taker submits, as `trade_execute` does.
    pub fn handle(ctx: Context<'info, Self>, args: QuoteExecuteArgs) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let signed = SignedMessage::load(&ctx.accounts.instructions, args.signature_instruction)?;
        let quote = Quote::from_message(&signed.message)?;
        ctx.accounts.validate(&args, &signed, &quote, now)?;
        ctx.accounts.maker_account.load_mut()?.quotes.spend(quote.nonce)?;
        let trade = AgreedTrade {
            engine: &ctx.accounts.engine,
            maker: (&ctx.accounts.maker_account, quote.reduce_only),
            taker: (&ctx.accounts.taker_account, args.taker_reduce_only),
            markets: ctx.remaining_accounts,
            now,
        };
        let event = trade.settle(quote.legs)?;
        emit_cpi!(event);
        Ok(())
    }
}
