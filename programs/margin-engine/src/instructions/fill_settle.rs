use core::{cell::RefMut, ops::DerefMut};

use anchor_lang::prelude::*;

use crate::{
    constants::MAX_TRADE_LEGS,
    error::EngineError,
    events::FillsSettled,
    oracle::PriceUse,
    risk_accounts::{RequiredMarkets, RiskAccounts},
    state::{Engine, MarginAccount, Venue},
    trading::{Batch, Fill, Party, Settled, write_records},
};

#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct FillSettleArgs {
    /// How many of the remaining accounts, at their beginning, are the margin accounts of the fills.
    pub accounts: u8,
    /// Parties are named by the numbers of these accounts.
    pub fills: Vec<Fill>,
    /// One bit for each account: it only brings positions closer to zero.
    pub reduce_only: u8,
}

/// Remaining accounts: the margin accounts, writable; then the markets of what they hold after the fills
/// ([`RiskAccounts`]), the underlyings of the fills writable.
#[event_cpi]
#[derive(Accounts)]
pub struct FillSettle<'info> {
    pub authority: Signer<'info>,
    pub venue: AccountLoader<'info, Venue>,
    pub engine: AccountLoader<'info, Engine>,
}

impl<'info> FillSettle<'info> {
    fn validate(&self, args: &FillSettleArgs) -> Result<()> {
        let venue = self.venue.load()?;
        // authority: the venue's; a PDA that the venue's program signs for. venue: this program's, by its type.
        require_keys_eq!(self.authority.key(), venue.authority, EngineError::NotVenueAuthority);
        require!(venue.enabled != 0, EngineError::VenueDisabled);
        // engine: this program's, by its type; the venue's.
        require_keys_eq!(venue.engine, self.engine.key(), EngineError::ForeignEngine);

        require!((1..=MAX_TRADE_LEGS).contains(&args.fills.len()), EngineError::TradeLegs);
        require!((2..=MAX_TRADE_LEGS).contains(&usize::from(args.accounts)), EngineError::FillAccount);
        for fill in &args.fills {
            require!(fill.taker < args.accounts && fill.maker < args.accounts, EngineError::FillAccount);
            require!(fill.taker != fill.maker, EngineError::TradeWithSelf);
            fill.leg.validate()?;
        }
        // A bystander has approved nothing, not even that his sequence number moves.
        let takes_part = |account| args.fills.iter().any(|fill| fill.taker == account || fill.maker == account);
        require!((0..args.accounts).all(takes_part), EngineError::FillAccount);
        Ok(())
    }

    /// Settles a venue's fills between accounts that approved it, then checks each account once.
    pub fn handle(ctx: Context<'info, Self>, args: FillSettleArgs) -> Result<()> {
        ctx.accounts.validate(&args)?;
        let (accounts, markets) =
            ctx.remaining_accounts.split_at_checked(usize::from(args.accounts)).ok_or(EngineError::FillAccount)?;
        let now = Clock::get()?.unix_timestamp;
        let settled = ctx.accounts.settle(&args, accounts, markets, now)?;
        write_records(markets, &settled.records)?;
        emit_cpi!(FillsSettled { venue: ctx.accounts.venue.key(), accounts: settled.changes, legs: settled.legs });
        Ok(())
    }

    #[inline(never)]
    fn settle(
        &self,
        args: &FillSettleArgs,
        accounts: &'info [AccountInfo<'info>],
        markets: &[AccountInfo<'info>],
        now: i64,
    ) -> Result<Settled> {
        let engine_key = self.engine.key();
        let engine = self.engine.load()?;
        let loaders: Vec<AccountLoader<MarginAccount>> =
            accounts.iter().map(AccountLoader::try_from).collect::<Result<_>>()?;
        let mut books: Vec<RefMut<MarginAccount>> = Vec::with_capacity(loaders.len());
        for (number, loader) in loaders.iter().enumerate() {
            require!(accounts[number].is_writable, EngineError::FillAccountReadOnly);
            // Twice the same account could not be borrowed; this says so.
            let again = accounts[..number].iter().any(|earlier| earlier.key == accounts[number].key);
            require!(!again, EngineError::FillAccountDuplicate);
            let book = loader.load_mut()?;
            require_keys_eq!(book.engine, engine_key, EngineError::ForeignEngine);
            require!(!book.in_liquidation() || args.reduces(number), EngineError::AccountInLiquidation);
            books.push(book);
        }
        let mut required = {
            let held: Vec<&MarginAccount> = books.iter().map(|book| &**book).collect();
            RequiredMarkets::of_accounts(&engine, &held)?
        };
        for fill in &args.fills {
            required.add_leg(&fill.leg.instrument)?;
        }
        let markets = RiskAccounts::load(&engine_key, markets, required, PriceUse::RaiseRisk, now)?;
        let mut parties: Vec<Party> = books
            .iter_mut()
            .enumerate()
            .map(|(number, book)| Party {
                key: *accounts[number].key,
                account: book.deref_mut(),
                reduce_only: args.reduces(number),
            })
            .collect();
        let venue = Some(self.authority.key());
        Batch { engine: &engine, markets: &markets, now, venue }.settle(&mut parties, &args.fills)
    }
}

impl FillSettleArgs {
    fn reduces(&self, account: usize) -> bool {
        u32::try_from(account).is_ok_and(|bit| u32::from(self.reduce_only).checked_shr(bit).unwrap_or(0) & 1 != 0)
    }
}
