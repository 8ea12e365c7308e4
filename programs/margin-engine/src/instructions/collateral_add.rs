use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};
use bytemuck::Zeroable;
use margin_core::portfolio as core;

use crate::{
    constants::{COLLATERAL_SEED, LAYOUT_VERSION, MAX_COLLATERALS, VAULT_SEED},
    error::EngineError,
    events::CollateralAdded,
    mint_policy::require_plain_mint,
    state::{
        Collateral, CollateralHaircuts, CollateralLink, ConfidenceCharge, Engine, EngineFeatures, FlowLimit,
        InsuranceFund, OracleArgs, OracleConfig,
    },
};

#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct CollateralAddArgs {
    /// Needed, but for a quote token that counts at face value.
    pub oracle: Option<OracleArgs>,
    pub haircuts: CollateralHaircuts,
    pub confidence: ConfidenceCharge,
    pub link: CollateralLink,
    /// The underlying that `link` is about; otherwise 0.
    pub underlying: u16,
    /// precision: token atoms.
    pub deposit_cap: u64,
}

#[event_cpi]
#[derive(Accounts)]
pub struct CollateralAdd<'info> {
    #[account(mut)]
    pub admin: Signer<'info>,
    #[account(mut)]
    pub engine: AccountLoader<'info, Engine>,
    #[account(mint::token_program = token_program)]
    pub mint: InterfaceAccount<'info, Mint>,
    #[account(
        init,
        payer = admin,
        space = 8 + ::core::mem::size_of::<Collateral>(),
        seeds = [COLLATERAL_SEED, engine.key().as_ref(), mint.key().as_ref()],
        bump,
    )]
    pub collateral: AccountLoader<'info, Collateral>,
    #[account(
        init,
        payer = admin,
        seeds = [VAULT_SEED, collateral.key().as_ref()],
        bump,
        token::mint = mint,
        token::authority = engine,
        token::token_program = token_program,
    )]
    pub vault: InterfaceAccount<'info, TokenAccount>,
    pub token_program: Interface<'info, TokenInterface>,
    pub system_program: Program<'info, System>,
}

impl<'info> CollateralAdd<'info> {
    fn validate(&self, args: &CollateralAddArgs) -> Result<()> {
        // admin: the engine's admin, checked here; pays.
        let engine = self.engine.load()?;
        require_keys_eq!(self.admin.key(), engine.admin, EngineError::NotAdmin);
        // engine: this program's, by its type.
        require!(engine.collateral_count < MAX_COLLATERALS, EngineError::CollateralLimit);
        // mint: of the given token program (attribute), without surprising extensions.
        require_plain_mint(&self.mint.to_account_info())?;
        require!(self.mint.decimals <= 18, EngineError::CollateralDecimals);
        // Cash is collateral number 0, so the quote token comes first and only once (the PDA sees to that).
        let is_quote = self.mint.key() == engine.quote_mint;
        require!(is_quote == (engine.collateral_count == 0), EngineError::QuoteCollateralOrder);
        if is_quote {
            require!(
                args.haircuts == CollateralHaircuts::default()
                    && args.confidence == ConfidenceCharge::default()
                    && args.link == CollateralLink::None,
                EngineError::QuoteCollateralParameters
            );
        } else {
            require!(args.oracle.is_some(), EngineError::OracleMissing);
        }
        args.haircuts.validate()?;
        core::ConfidenceCharge::from(&args.confidence).validate().map_err(EngineError::from)?;
        let linked = args.link != CollateralLink::None;
        require!(args.underlying < engine.underlying_count || !linked, EngineError::CollateralLink);
        require!(args.underlying == 0 || linked, EngineError::CollateralLink);
        Ok(())
        // collateral, vault: new PDAs (attribute). token_program, system_program: checked by their types.
    }

    /// Lists a token and creates its vault.
    pub fn handle(ctx: Context<'info, Self>, args: CollateralAddArgs) -> Result<()> {
        ctx.accounts.validate(&args)?;
        let has_oracle = args.oracle.is_some();
        let oracle = match args.oracle {
            Some(oracle) => oracle.into_config()?,
            None => OracleConfig::zeroed(),
        };
        let index = {
            let mut engine = ctx.accounts.engine.load_mut()?;
            let index = engine.collateral_count;
            engine.collateral_count = index.checked_add(1).ok_or(EngineError::Overflow)?;
            if index == Collateral::QUOTE_INDEX && has_oracle {
                engine.features |= EngineFeatures::QUOTE_ORACLE;
            }
            index
        };
        {
            let mut collateral = ctx.accounts.collateral.load_init()?;
            collateral.version = LAYOUT_VERSION;
            collateral.bump = ctx.bumps.collateral;
            collateral.vault_bump = ctx.bumps.vault;
            collateral.decimals = ctx.accounts.mint.decimals;
            collateral.index = index;
            collateral.engine = ctx.accounts.engine.key();
            collateral.mint = ctx.accounts.mint.key();
            collateral.vault = ctx.accounts.vault.key();
            collateral.token_program = ctx.accounts.token_program.key();
            collateral.oracle = oracle;
            collateral.haircuts = args.haircuts;
            collateral.confidence = args.confidence;
            collateral.link = args.link as u8;
            collateral.underlying = args.underlying;
            collateral.deposit_cap = args.deposit_cap;
            collateral.flow = FlowLimit::none();
            collateral.insurance = InsuranceFund::empty();
            collateral.pool.updated_at = Clock::get()?.unix_timestamp;
        }
        emit_cpi!(CollateralAdded {
            engine: ctx.accounts.engine.key(),
            collateral: ctx.accounts.collateral.key(),
            mint: ctx.accounts.mint.key(),
            index,
        });
        Ok(())
    }
}
