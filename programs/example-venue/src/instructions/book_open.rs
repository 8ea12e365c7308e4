use anchor_lang::prelude::*;

use crate::{
    constants::{AUTHORITY_SEED, BOOK_SEED},
    events::BookOpened,
    margin_engine::accounts::Engine,
    state::Book,
};

#[event_cpi]
#[derive(Accounts)]
pub struct BookOpen<'info> {
    #[account(mut)]
    pub operator: Signer<'info>,
    pub engine: AccountLoader<'info, Engine>,
    #[account(
        init,
        payer = operator,
        space = 8 + Book::INIT_SPACE,
        seeds = [BOOK_SEED, engine.key().as_ref(), operator.key().as_ref()],
        bump,
    )]
    pub book: Account<'info, Book>,
    pub system_program: Program<'info, System>,
}

impl<'info> BookOpen<'info> {
    fn validate(&self) -> Result<()> {
        // operator: signs, pays. engine: the margin engine's, by its type, and laid out as this program knows it.
        // book: new PDA (attribute). system_program: by its type.
        self.engine.load().map(drop)
    }

    /// Opens a book; its authority settles nothing before the engine's admin registers it.
    pub fn handle(ctx: Context<'info, Self>) -> Result<()> {
        ctx.accounts.validate()?;
        let book = ctx.accounts.book.key();
        let (engine, operator) = (ctx.accounts.engine.key(), ctx.accounts.operator.key());
        let (authority, authority_bump) = Pubkey::find_program_address(&[AUTHORITY_SEED, book.as_ref()], &crate::ID);
        ctx.accounts.book.set_inner(Book { engine, operator, authority, authority_bump, bump: ctx.bumps.book });
        emit_cpi!(BookOpened { book, engine, operator, authority });
        Ok(())
    }
}
