//! What there is to do for series that end, and the instructions that do it.
//!
//! A keeper calls [`settlement_steps`] with what the chain shows and sends the steps in their order. The rules are the
//! program's own code, so a step is only proposed where the program will accept it.

use margin_engine::state::{MarginAccount, Underlying};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

use crate::{
    Loaded,
    instructions::{PositionSettle, SettlementFinalise, SettlementSample},
    margin::PriceView,
};

/// Margin accounts in one settlement: they fit a transaction without an address look-up table.
pub const ACCOUNTS_IN_SETTLEMENT: usize = 20;

/// One instruction of a keeper.
#[derive(Clone, Debug)]
pub enum SettlementStep {
    /// The oracle's price goes into a series' average.
    Sample(SettlementSample),
    /// The average becomes the settlement price.
    Finalise(SettlementFinalise),
    /// Positions are paid.
    Settle(PositionSettle),
}

impl SettlementStep {
    #[must_use]
    pub fn expiry(&self) -> i64 {
        match self {
            Self::Sample(sample) => sample.expiry,
            Self::Finalise(finalise) => finalise.expiry,
            Self::Settle(settle) => settle.expiry,
        }
    }

    #[must_use]
    pub fn instruction(self) -> Instruction {
        match self {
            Self::Sample(sample) => sample.instruction(),
            Self::Finalise(finalise) => finalise.instruction(),
            Self::Settle(settle) => settle.instruction(),
        }
    }
}

/// What can be done for an underlying's series at `now`, soonest expiry first.
///
/// `price`: the price account and what it holds under the policy for trading; `None`: no usable price, so nothing is sampled.
/// `accounts`: all margin accounts of the engine. `settler` is the margin account that receives the rewards.
#[must_use]
pub fn settlement_steps(
    underlying: &Loaded<Underlying>,
    price: Option<(Pubkey, PriceView)>,
    accounts: &[Loaded<MarginAccount>],
    settler: &Pubkey,
    now: i64,
) -> Vec<SettlementStep> {
    let mut steps = Vec::new();
    let expiries: Vec<i64> = underlying.listed_expiries().iter().map(|slot| slot.expiry).collect();
    // Every step is applied, so that the next one may build on it.
    let mut market = underlying.clone();
    let (address, engine) = (underlying.address, underlying.engine);
    for expiry in expiries {
        if let Some((account, view)) = &price
            && market.state_mut().take_sample(expiry, view, now).is_ok()
        {
            steps.push(SettlementStep::Sample(SettlementSample { underlying: address, price: *account, expiry }));
        }
        if market.state_mut().finalise(expiry, now).is_ok() {
            steps.push(SettlementStep::Finalise(SettlementFinalise { underlying: address, expiry }));
        }
        if market.expiry(expiry).is_none_or(|slot| slot.finalised == 0) {
            continue;
        }
        let holds = |account: &&Loaded<MarginAccount>| {
            let mut positions = account.positions().iter();
            account.engine == engine && positions.any(|p| (p.underlying, p.expiry) == (underlying.index, expiry))
        };
        let holders: Vec<Pubkey> = accounts.iter().filter(holds).map(|account| account.address).collect();
        steps.extend(holders.chunks(ACCOUNTS_IN_SETTLEMENT).map(|holders| {
            SettlementStep::Settle(PositionSettle {
                engine,
                underlying: address,
                settler_account: *settler,
                expiry,
                margin_accounts: holders.to_vec(),
            })
        }));
    }
    steps
}
