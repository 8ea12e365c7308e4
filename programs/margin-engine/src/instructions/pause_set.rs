use anchor_lang::prelude::*;

use crate::{
    constants::MAX_PAUSE_SECONDS,
    error::EngineError,
    events::PauseSet as PauseSetEvent,
    state::{Engine, PauseBits, PauseState},
};

#[event_cpi]
#[derive(Accounts)]
pub struct PauseSet<'info> {
    pub authority: Signer<'info>,
    #[account(mut)]
    pub engine: AccountLoader<'info, Engine>,
}

impl<'info> PauseSet<'info> {
    fn validate(&self, bits: u8, until: i64, now: i64) -> Result<()> {
        // authority: the engine's admin or guardian. engine: this program's, by its type.
        let engine = self.engine.load()?;
        let is_admin = *self.authority.key == engine.admin;
        require!(is_admin || engine.is_guardian(self.authority.key), EngineError::NotAdminOrGuardian);
        require!(bits & !PauseBits::ALL == 0, EngineError::PauseBits);
        if is_admin && bits == 0 {
            return Ok(());
        }
        require!(bits != 0, EngineError::PauseBits);
        let latest = now.saturating_add(MAX_PAUSE_SECONDS);
        require!(until > now && until <= latest, EngineError::PauseDuration);
        if is_admin {
            return Ok(());
        }
        let paused = engine.paused(now);
        let longer = paused == 0 || until >= engine.pause.until;
        require!(bits & paused == paused && longer, EngineError::GuardianUnpauses);
        // All that a guardian does without the admin ends within a week of when it began.
        let since = engine.pause.guardian_since;
        let spent = since != 0 && until > since.saturating_add(MAX_PAUSE_SECONDS);
        require!(!spent, EngineError::GuardianPauseSpent);
        Ok(())
    }

    /// Pauses what `bits` name until a time; without bits ends a pause. Whatever the admin sets gives the guardian a new week.
    pub fn handle(ctx: Context<'info, Self>, bits: u8, until: i64) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        ctx.accounts.validate(bits, until, now)?;
        let event = {
            let mut engine = ctx.accounts.engine.load_mut()?;
            let before = engine.pause;
            let guardian_since = match before.guardian_since {
                _ if *ctx.accounts.authority.key == engine.admin => 0,
                0 => now,
                since => since,
            };
            let until = if bits == 0 { 0 } else { until };
            engine.pause = PauseState { until, guardian_since, bits, ..Default::default() };
            PauseSetEvent {
                engine: ctx.accounts.engine.key(),
                authority: ctx.accounts.authority.key(),
                bits_before: before.bits,
                until_before: before.until,
                bits_after: bits,
                until_after: until,
            }
        };
        emit_cpi!(event);
        Ok(())
    }
}
