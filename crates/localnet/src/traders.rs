//! People with margin accounts, and the trades they sign with each other.

use margin_client::instructions::{
    AccountOpen, AccountOpenArgs, Deposit, TradeExecute, TradeExecuteArgs, TradeLeg, Withdraw, WithdrawArgs,
};
use margin_client::{Loaded, addresses, presets, state::AccountMode, state::Collateral, state::MarginAccount};
use solana_keypair::{Keypair, Signature};
use solana_pubkey::Pubkey;
use solana_signer::Signer as _;

use crate::keys::test_key;
use crate::market::Snapshot;
use crate::quotes::{Order, quote};
use crate::seed::STARTING_LAMPORTS;
use crate::venue::Venue;
use crate::{Result, Sender, cheats, tokens};

/// Seconds a signed trade stays valid.
const TRADE_VALIDITY: i64 = 30;

/// Someone with one margin account.
#[derive(Debug)]
pub struct Trader {
    pub name: &'static str,
    pub key: Keypair,
    pub account: Pubkey,
    /// What it deposited.
    pub funds: Funds,
}

/// What a new account starts with, in atoms of each token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funds {
    pub usdc: u64,
    pub sol: u64,
}

impl Trader {
    /// Funds a wallet, opens its margin account and deposits everything.
    pub fn open(sender: &Sender, venue: &Venue, name: &'static str, funds: Funds) -> Result<Self> {
        let key = test_key(&format!("margin {name}"));
        let account = addresses::margin_account(&venue.engine, &key.pubkey(), 0);
        cheats::fund(sender.client(), &key.pubkey(), STARTING_LAMPORTS)?;
        let open = AccountOpen {
            owner: key.pubkey(),
            payer: key.pubkey(),
            engine: venue.engine,
            args: AccountOpenArgs { index: 0, delegate: Pubkey::default(), mode: AccountMode::Portfolio },
        };
        sender.send(&[open.instruction()], &key, &[])?;
        for (collateral, amount) in [(venue.quote, funds.usdc), (venue.sol, funds.sol)] {
            if amount == 0 {
                continue;
            }
            let source = tokens::mint_to(sender, &venue.admin, &collateral.mint, &key.pubkey(), amount)?;
            let deposit = Deposit {
                authority: key.pubkey(),
                engine: venue.engine,
                margin_account: account,
                collateral,
                source,
                amount,
            };
            sender.send(&[deposit.instruction()], &key, &[])?;
        }
        Ok(Self { name, key, account, funds })
    }

    /// Takes cash out of the account, also what it does not have.
    pub fn borrow(&self, sender: &Sender, venue: &Venue, amount: u64) -> Result<()> {
        let destination = tokens::mint_to(sender, &venue.admin, &venue.quote.mint, &self.key.pubkey(), 0)?;
        let state = self.fetch(sender, venue)?;
        let withdraw = Withdraw {
            owner: self.key.pubkey(),
            engine: venue.engine,
            margin_account: self.account,
            collateral: venue.quote,
            destination,
            args: WithdrawArgs { amount, allow_borrow: true },
            markets: venue.directory.for_withdrawal(&state, Collateral::QUOTE_INDEX, amount)?,
        };
        sender.send(&[withdraw.instruction()], &self.key, &[]).map(drop)
    }

    /// The account as it is on the network.
    pub fn fetch(&self, sender: &Sender, venue: &Venue) -> Result<Loaded<MarginAccount>> {
        venue.fetch_account(sender, &self.account)
    }

    /// Asks `maker` for a two-way price on every order and trades them all at once: both sign, both are checked once.
    pub fn trade(
        &self,
        sender: &Sender,
        venue: &Venue,
        market: &Snapshot,
        maker: &Trader,
        orders: &[Order],
    ) -> Result<(Signature, Vec<TradeLeg>)> {
        let legs = orders.iter().map(|order| quote(venue, market, order)).collect::<Result<Vec<_>>>()?;
        let (maker_state, taker_state) = (maker.fetch(sender, venue)?, self.fetch(sender, venue)?);
        let trade = TradeExecute {
            maker: maker.key.pubkey(),
            taker: self.key.pubkey(),
            engine: venue.engine,
            maker_account: maker.account,
            taker_account: self.account,
            args: TradeExecuteArgs {
                legs: legs.clone(),
                deadline: sender.time()?.saturating_add(TRADE_VALIDITY),
                maker_sequence: Some(maker_state.sequence),
                taker_sequence: Some(taker_state.sequence),
                maker_reduce_only: false,
                taker_reduce_only: false,
            },
            markets: venue.directory.for_trade(&maker_state, &taker_state, &legs)?,
        };
        let limit = presets::compute_unit_limit(presets::MAX_COMPUTE_UNITS);
        let signature = sender.send(&[limit, trade.instruction()], &self.key, &[&maker.key])?;
        Ok((signature, legs))
    }
}
