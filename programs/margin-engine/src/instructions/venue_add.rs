use anchor_lang::prelude::*;

use crate::{
    constants::{LAYOUT_VERSION, VENUE_SEED},
    error::EngineError,
    events::VenueAdded,
    state::{Engine, Venue},
};

#[event_cpi]
#[derive(Accounts)]
#[instruction(authority: Pubkey)]
pub struct VenueAdd<'info> {
    #[account(mut)]
    pub admin: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(
        init,
        payer = admin,
        space = 8 + core::mem::size_of::<Venue>(),
        seeds = [VENUE_SEED, engine.key().as_ref(), authority.as_ref()],
        bump,
    )]
    pub venue: AccountLoader<'info, Venue>,
    pub system_program: Program<'info, System>,
}

impl<'info> VenueAdd<'info> {
    fn validate(&self, authority: &Pubkey, program: &Pubkey) -> Result<()> {
        // admin: the engine's admin; pays. engine: this program's, by its type. venue: new PDA (attribute).
        // system_program: by its type.
        require_keys_eq!(self.admin.key(), self.engine.load()?.admin, EngineError::NotAdmin);
        // The default address marks a free entry among an account's approvals.
        require_keys_neq!(*authority, Pubkey::default(), EngineError::VenueAuthority);
        // This program's own instructions are named one by one where it matters.
        require_keys_neq!(*program, crate::ID, EngineError::VenueProgram);
        Ok(())
    }

    /// Registers a venue by the authority that will sign its settlements, and its program. Accounts still have to approve it,
    /// each for itself.
    pub fn handle(ctx: Context<'info, Self>, authority: Pubkey, program: Pubkey) -> Result<()> {
        ctx.accounts.validate(&authority, &program)?;
        {
            let mut venue = ctx.accounts.venue.load_init()?;
            venue.version = LAYOUT_VERSION;
            venue.bump = ctx.bumps.venue;
            venue.enabled = 1;
            venue.engine = ctx.accounts.engine.key();
            venue.authority = authority;
            venue.program = program;
        }
        emit_cpi!(VenueAdded {
            engine: ctx.accounts.engine.key(),
            venue: ctx.accounts.venue.key(),
            authority,
            program
        });
        Ok(())
    }
}
