use anchor_lang::{prelude::*, system_program};

use crate::{
    constants::CHALLENGE_BOND,
    error::EngineError,
    events::PriceChallenged,
    state::{Collateral, PriceChallenge as Challenge},
};

#[event_cpi]
#[derive(Accounts)]
pub struct PriceChallenge<'info> {
    #[account(mut)]
    pub challenger: Signer<'info>,
    #[account(mut)]
    pub collateral: AccountLoader<'info, Collateral>,
    pub system_program: Program<'info, System>,
}

impl<'info> PriceChallenge<'info> {
    fn validate(&self) -> Result<()> {
        // challenger: anyone; pays the bond. collateral: this program's, by its type. system_program: by its type.
        let collateral = self.collateral.load()?;
        require!(!collateral.is_quote(), EngineError::ChallengeQuote);
        require!(collateral.challenge.since == 0, EngineError::AlreadyChallenged);
        Ok(())
    }

    /// Claims that nobody can bring a usable price of a token. Anyone, for a bond that whoever brings one is paid.
    ///
    /// A claim that stands for [`CHALLENGE_SECONDS`](crate::constants::CHALLENGE_SECONDS) lets liquidation go on without the
    /// price: the token then counts for nothing.
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let now = Clock::get()?.unix_timestamp;
        let Self { challenger, collateral, system_program, .. } = &*ctx.accounts;
        let pay = system_program::Transfer { from: challenger.to_account_info(), to: collateral.to_account_info() };
        system_program::transfer(CpiContext::new(system_program.key(), pay), CHALLENGE_BOND)?;
        collateral.load_mut()?.challenge = Challenge { since: now, bond: CHALLENGE_BOND };
        emit_cpi!(PriceChallenged {
            collateral: collateral.key(),
            challenger: challenger.key(),
            bond: CHALLENGE_BOND,
            since: now,
        });
        Ok(())
    }
}
