use anchor_lang::prelude::*;

use crate::{
    constants::{
        LAYOUT_VERSION, MAX_ORACLE_AGE_SECONDS, MAX_SETTLEMENT_WINDOW, MAX_UNDERLYINGS, RATIO_ONE, UNDERLYING_SEED,
    },
    error::EngineError,
    events::UnderlyingAdded,
    state::{Engine, InsuranceFund, OracleArgs, Underlying},
};

#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct UnderlyingAddArgs {
    /// ASCII letters and digits, zero-padded.
    pub symbol: [u8; 16],
    pub publisher: Pubkey,
    pub oracle: OracleArgs,
    /// precision: 1e-9 units of the underlying.
    pub lot_size: u64,
    /// precision: seconds. Oldest surface, and mark of the perpetual, that may raise risk. Liquidation takes a surface of any age.
    pub max_surface_age: u32,
    /// precision: seconds. Oldest mark of the perpetual that liquidation takes; beyond it the index is the mark.
    pub liquidation_max_mark_age: u32,
    /// precision: seconds. Before an expiry, options settle on the average over this window; 0: on one price.
    pub settlement_window: u32,
}

#[event_cpi]
#[derive(Accounts)]
pub struct UnderlyingAdd<'info> {
    #[account(mut)]
    pub admin: Signer<'info>,
    #[account(mut)]
    pub engine: AccountLoader<'info, Engine>,
    #[account(
        init,
        payer = admin,
        space = 8 + core::mem::size_of::<Underlying>(),
        seeds = [UNDERLYING_SEED, engine.key().as_ref(), engine.load()?.underlying_count.to_le_bytes().as_ref()],
        bump,
    )]
    pub underlying: AccountLoader<'info, Underlying>,
    pub system_program: Program<'info, System>,
}

impl<'info> UnderlyingAdd<'info> {
    fn validate(&self, args: &UnderlyingAddArgs) -> Result<()> {
        // admin: the engine's admin, checked here; pays.
        let engine = self.engine.load()?;
        require_keys_eq!(self.admin.key(), engine.admin, EngineError::NotAdmin);
        // engine: this program's, by its type.
        require!(engine.underlying_count < MAX_UNDERLYINGS, EngineError::UnderlyingLimit);
        // underlying: new PDA of the next index (attribute). system_program: by its type.

        require!(is_symbol(&args.symbol), EngineError::SymbolParameter);
        require!(args.lot_size > 0 && args.lot_size <= RATIO_ONE * RATIO_ONE, EngineError::LotSizeParameter);
        require!(
            args.max_surface_age > 0
                && args.max_surface_age <= args.liquidation_max_mark_age
                && args.liquidation_max_mark_age <= MAX_ORACLE_AGE_SECONDS,
            EngineError::SurfaceAgeParameter
        );
        require!(args.settlement_window <= MAX_SETTLEMENT_WINDOW, EngineError::SettlementWindow);
        Ok(())
    }

    /// Lists an underlying with its oracle and lot size. It trades once its margin model is set.
    pub fn handle(ctx: Context<'info, Self>, args: UnderlyingAddArgs) -> Result<()> {
        ctx.accounts.validate(&args)?;
        let index = {
            let mut engine = ctx.accounts.engine.load_mut()?;
            let index = engine.underlying_count;
            engine.underlying_count = index.checked_add(1).ok_or(EngineError::Overflow)?;
            index
        };
        {
            let mut underlying = ctx.accounts.underlying.load_init()?;
            underlying.version = LAYOUT_VERSION;
            underlying.bump = ctx.bumps.underlying;
            underlying.index = index;
            underlying.symbol = args.symbol;
            underlying.engine = ctx.accounts.engine.key();
            underlying.publisher = args.publisher;
            underlying.oracle = args.oracle.into_config()?;
            underlying.lot_size = args.lot_size;
            underlying.max_surface_age = args.max_surface_age;
            underlying.liquidation_max_mark_age = args.liquidation_max_mark_age;
            underlying.settlement_window = args.settlement_window;
            underlying.insurance = InsuranceFund::empty();
        }
        emit_cpi!(UnderlyingAdded {
            engine: ctx.accounts.engine.key(),
            underlying: ctx.accounts.underlying.key(),
            index,
            symbol: args.symbol,
        });
        Ok(())
    }
}

/// 1 to 16 ASCII letters or digits, then zeros.
fn is_symbol(symbol: &[u8; 16]) -> bool {
    let length = symbol.iter().position(|b| *b == 0).unwrap_or(symbol.len());
    let (text, padding) = symbol.split_at(length);
    !text.is_empty() && text.iter().all(u8::is_ascii_alphanumeric) && padding.iter().all(|b| *b == 0)
}
