use anchor_lang::prelude::*;
use margin_core::{
    Price, Seconds, Svi, Vol,
    portfolio::{AdaptiveRange as CoreAdaptiveRange, GridScenario, Ratio},
};

use crate::{
    constants::{MAX_TIME_TO_EXPIRY, RATIO_ONE},
    error::EngineError,
    events::SurfacePublished,
    state::{Scenario, SviParameters, Underlying},
};

/// What a publisher says about one expiry.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct SurfacePublishArgs {
    pub expiry: i64,
    /// precision: 1e-12 USD.
    pub forward: u64,
    /// precision: 1e-12 USD. Spot when the forward was taken; later the forward moves with spot in proportion.
    pub spot_reference: u64,
    /// precision: 1e-10 a year, continuous.
    pub rate: i64,
    pub svi: SviParameters,
    /// precision: 1e-9. Least confidence in forward, rate and surface; one: certain.
    pub confidence: u64,
    /// Unix seconds at which the publisher took the figures. Publications must come in order, and its age counts from here.
    pub observed_at: i64,
}

#[event_cpi]
#[derive(Accounts)]
pub struct SurfacePublish<'info> {
    pub publisher: Signer<'info>,
    #[account(mut)]
    pub underlying: AccountLoader<'info, Underlying>,
}

impl<'info> SurfacePublish<'info> {
    fn validate(&self, args: &SurfacePublishArgs, now: i64) -> Result<()> {
        // publisher: the underlying's. underlying: this program's, by its type.
        let underlying = self.underlying.load()?;
        require_keys_eq!(self.publisher.key(), underlying.publisher, EngineError::NotPublisher);

        let slot = underlying.expiry(args.expiry).ok_or(EngineError::ExpiryUnknown)?;
        require!(args.expiry > now, EngineError::SeriesExpired);
        require!(args.observed_at > 0 && args.observed_at <= now, EngineError::SurfaceTime);
        require!(args.observed_at >= slot.updated_at, EngineError::SurfaceOutOfOrder);

        // Within 50 % of spot; written without a division.
        let (forward, spot) = (u128::from(args.forward), u128::from(args.spot_reference));
        require!(spot > 0 && 2 * forward >= spot && 2 * forward <= 3 * spot, EngineError::ForwardRange);
        require!(args.rate.unsigned_abs() <= 10_000_000_000, EngineError::RateRange);
        require!(
            args.svi.forward > 0 && args.svi.time > 0 && args.svi.time <= MAX_TIME_TO_EXPIRY as u64,
            EngineError::SviReference
        );
        Svi::from(&args.svi).validate().map_err(|_| EngineError::SviParameters)?;
        require!(args.confidence <= RATIO_ONE, EngineError::PublishedConfidence);
        Ok(())
    }

    /// Replaces forward, rate and vol surface of one expiry, and lets an adaptive risk grid follow the market's vol.
    pub fn handle(ctx: Context<'info, Self>, args: SurfacePublishArgs) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        ctx.accounts.validate(&args, now)?;
        let grid_scale = {
            let mut underlying = ctx.accounts.underlying.load_mut()?;
            let slot = underlying
                .expiries
                .iter_mut()
                .find(|slot| slot.expiry == args.expiry)
                .ok_or(EngineError::ExpiryUnknown)?;
            slot.updated_at = args.observed_at;
            slot.forward = args.forward;
            slot.spot_reference = args.spot_reference;
            slot.rate = args.rate;
            slot.set_surface(args.svi)?;
            slot.confidence = args.confidence;
            underlying.adapt(now)?;
            underlying.adaptive.scale
        };
        emit_cpi!(SurfacePublished {
            underlying: ctx.accounts.underlying.key(),
            expiry: args.expiry,
            forward: args.forward,
            spot_reference: args.spot_reference,
            rate: args.rate,
            confidence: args.confidence,
            grid_scale,
        });
        Ok(())
    }
}

impl Underlying {
    /// Brings an adaptive grid up to date: it follows the highest at-the-money vol of the live expiries.
    #[inline(never)]
    fn adapt(&mut self, now: i64) -> Result<()> {
        let range = CoreAdaptiveRange::from(&self.adaptive);
        if range.reference == Ratio::ZERO || self.scenario_count == 0 {
            return Ok(());
        }
        let mut highest = Vol::ZERO;
        for slot in self.expiries.iter().filter(|slot| slot.updated_at > 0 && slot.expiry > now) {
            let surface = Svi::from(&slot.svi);
            // A surface that the kernel cannot value must not keep the other expiries from being published.
            if let Ok(vol) = surface.prepare().and_then(|slice| slice.vol(surface.forward)) {
                highest = highest.max(vol);
            }
        }
        // The first publication starts the clock.
        let since = if self.adaptive.scaled_at == 0 { now } else { self.adaptive.scaled_at };
        let elapsed = Seconds(now.saturating_sub(since).max(0).unsigned_abs());
        let scale = range.next(Ratio(self.adaptive.scale), elapsed, highest);
        let count = self.scenarios().len();
        for scenario in &mut self.scenarios[..count] {
            // A skew scenario's multiplier is one, and stays it.
            let design = GridScenario::from(&Scenario { spot: scenario.design_spot, ..*scenario });
            let shock = design.scaled(scale).map_err(|_| EngineError::ScenarioSpot)?.shock;
            (scenario.spot, scenario.ln_spot) = (shock.spot.0, shock.ln_spot);
        }
        (self.adaptive.scale, self.adaptive.scaled_at) = (scale.0, now);
        self.prepare_grid()
    }
}

impl From<&SviParameters> for Svi {
    fn from(stored: &SviParameters) -> Self {
        Self {
            a: stored.a,
            b: stored.b,
            rho: stored.rho,
            m: stored.m,
            sigma: stored.sigma,
            forward: Price(stored.forward),
            time: Seconds(stored.time),
        }
    }
}
