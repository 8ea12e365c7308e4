use anchor_lang::{
    Discriminator,
    prelude::*,
    solana_program::instruction::{TRANSACTION_LEVEL_STACK_HEIGHT, get_stack_height},
};
use solana_instructions_sysvar::{
    self as instructions_sysvar, load_current_index_checked, load_instruction_at_checked,
};

use crate::{
    error::EngineError,
    instruction,
    state::{MarginAccount, Venue},
};

/// This program's instructions that may stand between `checks_begin` and `checks_end`: none of them takes value out of an
/// account without its consent, or out of one whose checks are deferred.
const ALLOWED: [&[u8]; 7] = [
    instruction::TradeExecute::DISCRIMINATOR,
    instruction::QuoteExecute::DISCRIMINATOR,
    instruction::Deposit::DISCRIMINATOR,
    // Who has no room for a slice takes it, closes it elsewhere, and is checked with what is left.
    instruction::LiquidationBid::DISCRIMINATOR,
    instruction::CollateralBid::DISCRIMINATOR,
    instruction::InsolventBid::DISCRIMINATOR,
    // Of another account, or a second end of this one, which fails.
    instruction::ChecksBegin::DISCRIMINATOR,
];

/// Remaining accounts: the venues on whose programs the account trades before `checks_end`.
#[derive(Accounts)]
pub struct ChecksBegin<'info> {
    pub authority: Signer<'info>,
    #[account(mut)]
    pub margin_account: AccountLoader<'info, MarginAccount>,
    /// CHECK: the sysvar of the transaction's instructions, by its address.
    #[account(address = instructions_sysvar::ID)]
    pub instructions: UncheckedAccount<'info>,
}

impl<'info> ChecksBegin<'info> {
    fn validate(&self, venues: &'info [AccountInfo<'info>]) -> Result<()> {
        let account = self.margin_account.load()?;
        // authority: owner or delegate. margin_account: this program's, by its type. instructions: the sysvar (attribute).
        require!(account.may_trade(self.authority.key), EngineError::NotOwnerOrDelegate);
        require!(!account.in_liquidation(), EngineError::AccountInLiquidation);
        require!(account.checks_deferred == 0, EngineError::ChecksDeferred);
        // Who calls from another program could run instructions of his own in between.
        require!(get_stack_height() == TRANSACTION_LEVEL_STACK_HEIGHT, EngineError::DeferredLevel);
        let engine = account.engine;
        drop(account);
        self.validate_rest(&venue_programs(venues, &engine)?)
    }

    /// Up to this account's `checks_end`, the transaction has only trades, bids and deposits of this program, and what the
    /// venues' programs do.
    fn validate_rest(&self, venues: &[Pubkey]) -> Result<()> {
        let sysvar = &self.instructions;
        let current = load_current_index_checked(sysvar).map_err(|_| EngineError::DeferredEnd)?;
        for index in usize::from(current).saturating_add(1).. {
            let next = load_instruction_at_checked(index, sysvar).map_err(|_| EngineError::DeferredEnd)?;
            let is = |discriminator: &[u8]| next.program_id == crate::ID && next.data.starts_with(discriminator);
            if is(instruction::ChecksEnd::DISCRIMINATOR) {
                // The account is the second of its accounts.
                if next.accounts.get(1).is_some_and(|meta| meta.pubkey == self.margin_account.key()) {
                    return Ok(());
                }
                continue;
            }
            let allowed = venues.contains(&next.program_id) || ALLOWED.into_iter().any(is);
            require!(allowed, EngineError::DeferredInstruction);
        }
        err!(EngineError::DeferredEnd)
    }

    /// Defers the checks of an account to `checks_end`, which must follow in the same transaction.
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate(ctx.remaining_accounts)?;
        ctx.accounts.margin_account.load_mut()?.checks_deferred = 1;
        Ok(())
    }
}

/// Programs of enabled venues of the engine.
fn venue_programs<'info>(venues: &'info [AccountInfo<'info>], engine: &Pubkey) -> Result<Vec<Pubkey>> {
    let program_of = |account| {
        let loader: AccountLoader<Venue> = AccountLoader::try_from(account)?;
        let venue = loader.load()?;
        require_keys_eq!(venue.engine, *engine, EngineError::ForeignEngine);
        require!(venue.enabled != 0, EngineError::VenueDisabled);
        // The system program's address is the default one: no venue's.
        require_keys_neq!(venue.program, Pubkey::default(), EngineError::VenueProgram);
        Ok(venue.program)
    };
    venues.iter().map(program_of).collect()
}
