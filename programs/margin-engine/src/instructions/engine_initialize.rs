use anchor_lang::prelude::*;
use anchor_spl::token_interface::Mint;

use crate::{
    constants::{ENGINE_SEED, LAYOUT_VERSION},
    error::EngineError,
    events::EngineInitialized,
    state::{Engine, LiquidationParameters},
};

#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct EngineInitializeArgs {
    /// May list collaterals, underlyings and expiries.
    pub admin: Pubkey,
    /// May pause and tighten limits; the default address: nobody.
    pub guardian: Pubkey,
    pub liquidation: LiquidationParameters,
}

#[event_cpi]
#[derive(Accounts)]
pub struct EngineInitialize<'info> {
    #[account(mut)]
    pub creator: Signer<'info>,
    #[account(
        init,
        payer = creator,
        space = 8 + core::mem::size_of::<Engine>(),
        seeds = [ENGINE_SEED, creator.key().as_ref()],
        bump,
    )]
    pub engine: AccountLoader<'info, Engine>,
    pub quote_mint: InterfaceAccount<'info, Mint>,
    pub system_program: Program<'info, System>,
}

impl<'info> EngineInitialize<'info> {
    fn validate(&self, args: &EngineInitializeArgs) -> Result<()> {
        // creator: signs and is the seed of the address.
        // engine: new, PDA of the creator (checked in the attribute).
        // quote_mint: a mint of one of the token programs (checked by its type); its extensions are checked when it
        // is listed as collateral number 0, before anything can be deposited.
        require!(self.quote_mint.decimals <= 9, EngineError::QuoteDecimals);
        // system_program: checked by its type.
        args.liquidation.validate()
    }

    /// Creates an engine at the PDA of its creator.
    pub fn handle(ctx: Context<'info, Self>, args: EngineInitializeArgs) -> Result<()> {
        ctx.accounts.validate(&args)?;
        let quote_mint = ctx.accounts.quote_mint.key();
        {
            let mut engine = ctx.accounts.engine.load_init()?;
            engine.version = LAYOUT_VERSION;
            engine.bump = ctx.bumps.engine;
            engine.quote_decimals = ctx.accounts.quote_mint.decimals;
            engine.creator = ctx.accounts.creator.key();
            engine.admin = args.admin;
            engine.guardian = args.guardian;
            engine.borrow.published_at = Clock::get()?.unix_timestamp;
            engine.quote_mint = quote_mint;
            engine.liquidation = args.liquidation;
        }
        emit_cpi!(EngineInitialized {
            engine: ctx.accounts.engine.key(),
            admin: args.admin,
            guardian: args.guardian,
            quote_mint,
        });
        Ok(())
    }
}
