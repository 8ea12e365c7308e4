//! Proves from the ledger's state that no token and no contract was created or lost.
//!
//! The search is over every margin account the program owns, not over those the demo knows.

use std::collections::BTreeMap;

use margin_client::constants::USD_DECIMALS;
use margin_client::state::{Collateral, Engine, Instrument, InstrumentKind, MarginAccount, load_cash};
use margin_client::{AccountKind, Loaded, PROGRAM_ID, constants};

use crate::venue::Venue;
use crate::{LocalnetError, Result, Sender, tokens};

/// Bits of the fraction in stored cash (`I80F48`).
const CASH_FRACTION_BITS: u32 = 48;

/// Quote atoms that payments of funding may leave in the vault: less than one each.
const MOST_DUST: i128 = 1_000;

/// Both sides of the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    pub accounts: usize,
    /// Quote atoms in the vault.
    pub quote_vault: u64,
    /// Σ over accounts of cash with its interest and uncollected fees, less what linear positions have already paid into it and
    /// the funding they owe, and what the pool and the listing keep, in 2⁻⁴⁸ quote atoms. What one side of a position has
    /// settled and the other has not cancels here, so this is what is in the vault but for the odd parts of atoms that
    /// payments of funding leave there.
    pub quote_claims: i128,
    /// Fees of trades that wait in accounts, quote atoms.
    pub fees: u64,
    /// What accounts owe, in whole quote atoms, and what of the interest the pool has kept.
    pub borrowed: u64,
    pub reserve: i128,
    /// Atoms of the SOL token in its vault, and Σ of the accounts' balances.
    pub sol_vault: u64,
    pub sol_claims: u128,
    /// Instruments whose lots do not add up to zero.
    pub open_contracts: Vec<(Instrument, i128)>,
}

impl Audit {
    /// Whether vaults equal claims and every contract has two sides.
    pub fn balanced(&self) -> bool {
        let surplus = (i128::from(self.quote_vault) << CASH_FRACTION_BITS) - self.quote_claims;
        (0..MOST_DUST << CASH_FRACTION_BITS).contains(&surplus)
            && u128::from(self.sol_vault) == self.sol_claims
            && self.open_contracts.is_empty()
    }

    /// Quote claims in whole atoms, rounded down.
    pub fn quote_claims_atoms(&self) -> i128 {
        self.quote_claims >> CASH_FRACTION_BITS
    }
}

/// Adds up the whole engine.
pub fn audit(sender: &Sender, venue: &Venue) -> Result<Audit> {
    let mut audit = Audit {
        accounts: 0,
        quote_vault: tokens::balance(sender, &venue.quote.vault)?,
        quote_claims: 0,
        fees: 0,
        borrowed: 0,
        reserve: 0,
        sol_vault: tokens::balance(sender, &venue.sol.vault)?,
        sol_claims: 0,
        open_contracts: Vec::new(),
    };
    let (engine, mut pool) = (venue.fetch_engine(sender)?, venue.fetch_quote(sender)?);
    audit.borrowed = pool.pool.borrowed;
    audit.reserve = load_cash(pool.pool.reserve).to_bits() >> CASH_FRACTION_BITS;
    // One time for all that is not before any account's last contact. Interest up to it is the same on both sides.
    let now = engine.borrow.published_at.saturating_add(constants::MAX_INTEREST_SECONDS);
    let snapshot = venue.fetch(sender)?;
    let atom = 10i128.pow(USD_DECIMALS.saturating_sub(u32::from(engine.quote_decimals)));
    let mut lots: BTreeMap<Instrument, i128> = BTreeMap::new();
    for mut account in all_accounts(sender, venue)? {
        settle(&mut pool, &mut account, &engine, now)?;
        audit.accounts += 1;
        audit.quote_claims += account.cash().to_bits();
        audit.fees = audit.fees.saturating_add(account.fees);
        audit.sol_claims += u128::from(account.balance_of(venue.sol_index));
        for position in account.positions() {
            audit.quote_claims -= i128::from(position.settled_value) << CASH_FRACTION_BITS;
            let instrument = position.instrument().ok_or_else(|| LocalnetError::AccountInvalid {
                what: "margin account",
                address: account.address,
                reason: "a position of unknown kind".to_owned(),
            })?;
            if instrument.kind == InstrumentKind::Perpetual {
                let market = snapshot.underlying(instrument.underlying)?;
                let owed = position.funding(market.perpetual.funding.index, market.lot_size);
                // Rounded up, as it will be paid.
                audit.quote_claims += (-owed.0).div_euclid(atom) << CASH_FRACTION_BITS;
            }
            *lots.entry(instrument).or_default() += i128::from(position.lots);
        }
    }
    let kept = |amount| load_cash(amount).to_bits();
    let fees = i128::from(audit.fees) + i128::from(pool.fees);
    audit.quote_claims += kept(pool.pool.reserve) + kept(pool.pool.pot) + (fees << CASH_FRACTION_BITS);
    audit.open_contracts = lots.into_iter().filter(|(_, total)| *total != 0).collect();
    Ok(audit)
}

/// Pays an account's interest up to a time, in copies: what the program does when the account meets the pool.
fn settle(
    quote: &mut Loaded<Collateral>,
    account: &mut Loaded<MarginAccount>,
    engine: &Engine,
    now: i64,
) -> Result<()> {
    let address = account.address;
    quote.state_mut().settle_interest(account.state_mut(), engine, now).map_err(|error| LocalnetError::AccountInvalid {
        what: "margin account",
        address,
        reason: format!("interest: {error}"),
    })
}

/// Every margin account of the engine.
pub fn all_accounts(sender: &Sender, venue: &Venue) -> Result<Vec<Loaded<MarginAccount>>> {
    let found = sender.client().get_program_accounts(&PROGRAM_ID).map_err(LocalnetError::rpc("getProgramAccounts"))?;
    let mut accounts = Vec::new();
    for (address, account) in found {
        if AccountKind::of(&account.data) != Some(AccountKind::MarginAccount) {
            continue;
        }
        let loaded: Loaded<MarginAccount> = Loaded::from_account(address, &account)
            .map_err(|source| LocalnetError::Account { what: "margin account", address, source })?;
        if loaded.engine == venue.engine {
            accounts.push(loaded);
        }
    }
    Ok(accounts)
}
