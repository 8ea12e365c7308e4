//! What the venue reads of the engine's accounts and asks of its instructions.

use anchor_lang::prelude::*;

use crate::{
    error::VenueError,
    margin_engine::{
        accounts::MarginAccount,
        cpi,
        program::MarginEngine,
        types::{Instrument, MarginCheckArgs, MarginQuoteArgs, MinimumHealth, PriceUse, TradeLeg},
    },
};

/// A margin account for which `signer` may trade, in the book's engine.
pub fn require_trader(account: &MarginAccount, signer: &Pubkey, engine: &Pubkey) -> Result<()> {
    require_keys_eq!(account.engine, *engine, VenueError::ForeignEngine);
    require!(may_trade(account, signer), VenueError::NotOwnerOrDelegate);
    Ok(())
}

/// The owner, or the delegate if there is one.
pub fn may_trade(account: &MarginAccount, signer: &Pubkey) -> bool {
    *signer == account.owner || (account.delegate != Pubkey::default() && *signer == account.delegate)
}

/// Whether two instruments are the same; types of a declared program do not compare themselves.
pub fn same_instrument(a: &Instrument, b: &Instrument) -> bool {
    let key =
        |instrument: &Instrument| (instrument.underlying, instrument.expiry, instrument.strike, instrument.kind as u8);
    key(a) == key(b)
}

impl anchor_lang::Space for Instrument {
    const INIT_SPACE: usize = 2 + 8 + 8 + 1;
}

/// Fails unless the account would have its initial margin after the leg, with fees, at today's prices: `markets` are those of
/// what it holds and of the leg.
pub fn require_margin_for<'info>(
    program: &Program<'info, MarginEngine>,
    engine: AccountInfo<'info>,
    margin_account: AccountInfo<'info>,
    markets: &[AccountInfo<'info>],
    leg: TradeLeg,
) -> Result<()> {
    let accounts = cpi::accounts::MarginQuote { engine, margin_account };
    let context = CpiContext::new(program.key(), accounts).with_remaining_accounts(markets.to_vec());
    let check = MarginCheckArgs {
        mode: None,
        usage: PriceUse::RaiseRisk,
        witness: None,
        minimum: MinimumHealth { initial: Some(0), maintenance: None },
        greeks: false,
        first_underlying: 0,
    };
    // The engine refuses below the minimum; the report itself is not needed here.
    cpi::margin_quote(context, MarginQuoteArgs { legs: vec![leg], transfers: Vec::new(), check }).map(drop)
}
