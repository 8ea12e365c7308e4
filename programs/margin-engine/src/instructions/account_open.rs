use anchor_lang::prelude::*;

use crate::{
    constants::{ACCOUNT_SEED, LAYOUT_VERSION},
    events::AccountOpened,
    state::{AccountMode, Engine, MarginAccount},
};

#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct AccountOpenArgs {
    /// The owner's number for the account.
    pub index: u16,
    /// May trade and deposit; the default address: nobody.
    pub delegate: Pubkey,
    pub mode: AccountMode,
}

#[event_cpi]
#[derive(Accounts)]
#[instruction(args: AccountOpenArgs)]
pub struct AccountOpen<'info> {
    pub owner: Signer<'info>,
    #[account(mut)]
    pub payer: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(
        init,
        payer = payer,
        space = 8 + core::mem::size_of::<MarginAccount>(),
        seeds = [ACCOUNT_SEED, engine.key().as_ref(), owner.key().as_ref(), args.index.to_le_bytes().as_ref()],
        bump,
    )]
    pub margin_account: AccountLoader<'info, MarginAccount>,
    pub system_program: Program<'info, System>,
}

impl<'info> AccountOpen<'info> {
    fn validate(&self) -> Result<()> {
        // owner: signs, so that nobody opens accounts in another's name. payer: signs and pays the rent.
        // engine: this program's, by its type. margin_account: new PDA (attribute). system_program: by its type.
        Ok(())
    }

    /// Opens an empty margin account.
    pub fn handle(ctx: Context<'info, Self>, args: AccountOpenArgs) -> Result<()> {
        ctx.accounts.validate()?;
        let (engine, owner) = (ctx.accounts.engine.key(), ctx.accounts.owner.key());
        {
            let borrow_index = ctx.accounts.engine.load()?.borrow.at(Clock::get()?.unix_timestamp);
            let mut account = ctx.accounts.margin_account.load_init()?;
            account.version = LAYOUT_VERSION;
            account.bump = ctx.bumps.margin_account;
            account.mode = args.mode as u8;
            account.index = args.index;
            account.engine = engine;
            account.owner = owner;
            account.delegate = args.delegate;
            // Nothing is owed for the time before; the deposit index is set with the first deposit.
            account.interest.borrow_index = borrow_index;
        }
        let account = ctx.accounts.margin_account.key();
        emit_cpi!(AccountOpened { account, engine, owner, index: args.index, mode: args.mode });
        Ok(())
    }
}
