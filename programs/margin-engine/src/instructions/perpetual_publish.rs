use anchor_lang::prelude::*;

use crate::{
    constants::RATIO_ONE,
    error::EngineError,
    events::PerpetualPublished,
    state::{PerpetualSlot, Underlying},
};

/// What a publisher says about the perpetual.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct PerpetualPublishArgs {
    /// precision: 1e-12 USD.
    pub mark: u64,
    /// precision: 1e-12 USD. Spot when the mark was taken; later the mark moves with spot in proportion.
    pub spot_reference: u64,
    /// precision: 1e-9. Confidence in the mark; one: certain.
    pub confidence: u64,
    /// Unix seconds at which the publisher took the mark. Publications must come in order, and its age counts from here.
    pub observed_at: i64,
}

#[event_cpi]
#[derive(Accounts)]
pub struct PerpetualPublish<'info> {
    pub publisher: Signer<'info>,
    #[account(mut)]
    pub underlying: AccountLoader<'info, Underlying>,
}

impl<'info> PerpetualPublish<'info> {
    fn validate(&self, args: &PerpetualPublishArgs, now: i64) -> Result<()> {
        // publisher: the underlying's. underlying: this program's, by its type.
        let underlying = self.underlying.load()?;
        require_keys_eq!(self.publisher.key(), underlying.publisher, EngineError::NotPublisher);

        require!(args.observed_at > 0 && args.observed_at <= now, EngineError::SurfaceTime);
        require!(args.observed_at >= underlying.perpetual.updated_at, EngineError::SurfaceOutOfOrder);
        // Within 50 % of spot; written without a division.
        let (mark, spot) = (u128::from(args.mark), u128::from(args.spot_reference));
        require!(spot > 0 && 2 * mark >= spot && 2 * mark <= 3 * spot, EngineError::PerpetualRange);
        require!(args.confidence <= RATIO_ONE, EngineError::PublishedConfidence);
        Ok(())
    }

    /// Replaces the perpetual's mark.
    pub fn handle(ctx: Context<'info, Self>, args: PerpetualPublishArgs) -> Result<()> {
        ctx.accounts.validate(&args, Clock::get()?.unix_timestamp)?;
        {
            let slot = &mut ctx.accounts.underlying.load_mut()?.perpetual;
            *slot = PerpetualSlot {
                updated_at: args.observed_at,
                mark: args.mark,
                spot_reference: args.spot_reference,
                confidence: args.confidence,
                funding: slot.funding,
            };
        }
        emit_cpi!(PerpetualPublished {
            underlying: ctx.accounts.underlying.key(),
            mark: args.mark,
            spot_reference: args.spot_reference,
            confidence: args.confidence,
        });
        Ok(())
    }
}
