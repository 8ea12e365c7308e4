//! What every bid must have done, whatever the books: shares, price, conservation.

use fixed::types::I80F48;
use margin_client::{
    Loaded,
    errors::EngineError as E,
    events::{EngineEvent, LiquidationBid},
    state::{LiquidationParameters, MarginAccount},
};
use tests_svm::{SOL_TOKEN, Trader, World};

use crate::liquidation::WHOLE;

/// Sends a bid that must succeed.
#[track_caller]
pub fn take(world: &mut World, keeper: &Trader, trader: &Trader, fraction: u64) -> LiquidationBid {
    let bid = world.bid(keeper, trader, fraction);
    let mut events = world.accept(bid.instruction(), &[&keeper.key]).events();
    match events.pop() {
        Some(EngineEvent::LiquidationBid(event)) if events.is_empty() => event,
        _ => panic!("one event of a bid"),
    }
}

/// Sends a bid that may be too thin: `None` if it was refused because it would have left the account worse off.
#[track_caller]
pub fn offer(world: &mut World, keeper: &Trader, trader: &Trader, fraction: u64) -> Option<LiquidationBid> {
    let bid = world.bid(keeper, trader, fraction).instruction();
    world.svm.expire_blockhash();
    match world.svm.simulate_transaction(world.transaction(std::slice::from_ref(&bid), &[&keeper.key])) {
        Ok(_) => Some(take(world, keeper, trader, fraction)),
        Err(_) => {
            // What is left after earlier bids may be worth nothing.
            let error = if world.report(trader).equity > 0 { E::BidWorsens } else { E::AuctionInsolvent };
            world.refuse(bid, &[&keeper.key], error);
            None
        }
    }
}

/// Both sides of a bid at one moment.
pub struct Books {
    pub account: Loaded<MarginAccount>,
    pub bidder: Loaded<MarginAccount>,
}

impl Books {
    pub fn of(world: &World, trader: &Trader, keeper: &Trader) -> Self {
        Self { account: world.account(trader), bidder: world.account(keeper) }
    }

    /// Cash less what perpetuals have still to settle: what money the two have between them.
    fn claims(&self) -> I80F48 {
        [&self.account, &self.bidder].into_iter().fold(I80F48::ZERO, |sum, account| {
            let unsettled = account.positions().iter().map(|position| I80F48::from_num(position.settled_value));
            sum + account.cash() - unsettled.sum::<I80F48>()
        })
    }

    pub fn balance(&self) -> u64 {
        self.account.balance_of(SOL_TOKEN) + self.bidder.balance_of(SOL_TOKEN)
    }
}

pub fn from_bids(account: &MarginAccount) -> I80F48 {
    I80F48::from_le_bytes(account.liquidation.cash_from_bids)
}

/// `n / d` rounded up, for positive `d`.
fn div_ceil(n: i128, d: i128) -> i128 {
    -(-n).div_euclid(d)
}

/// Everything that one bid must have done, whatever the books.
#[track_caller]
pub fn assert_bid(before: &Books, after: &Books, event: &LiquidationBid, parameters: LiquidationParameters) {
    let one = i128::from(WHOLE);
    let fraction = i128::from(event.fraction);
    // Each position gives its share, rounded away from zero, and nothing is lost on the way.
    for position in before.account.positions() {
        let instrument = position.instrument().expect("a known kind");
        let share = div_ceil(i128::from(position.lots.unsigned_abs()) * fraction, one) as i64 * position.lots.signum();
        let lots = |account: &MarginAccount| account.position(&instrument).map_or(0, |position| position.lots);
        assert_eq!(lots(&after.account), position.lots - share, "{instrument:?} of the account");
        assert_eq!(lots(&after.bidder), lots(&before.bidder) + share, "{instrument:?} of the bidder");
        let settled = i128::from(position.settled_value) * i128::from(share) / i128::from(position.lots);
        let left = after.account.position(&instrument).map_or(0, |position| position.settled_value);
        assert_eq!(i128::from(left), i128::from(position.settled_value) - settled, "{instrument:?} unsettled");
    }
    // Of tokens and of cash that no earlier bid brought, the share rounds down.
    let tokens = (i128::from(before.account.balance_of(SOL_TOKEN)) * fraction / one) as u64;
    assert_eq!(after.account.balance_of(SOL_TOKEN), before.account.balance_of(SOL_TOKEN) - tokens);
    let own: i128 = (before.account.cash() - from_bids(&before.account)).to_num();
    let cash = (own * fraction).div_euclid(one) - i128::from(event.price);
    assert_eq!(after.account.cash(), before.account.cash() - I80F48::from_num(cash));
    assert_eq!(after.balance(), before.balance(), "tokens are conserved");
    assert_eq!(after.claims(), before.claims(), "money is conserved");

    // The price is the value's undiscounted part, rounded up, never negative. The event's value is rounded down.
    let paid = i128::from(event.share_paid);
    let auction = parameters.solvent_auction();
    assert!((auction.fast_end.0..=auction.start.0).contains(&event.share_paid), "within the fast part");
    let value = i128::from(event.slice_value);
    let prices = div_ceil(value.max(0) * paid, one)..=div_ceil((value + 1).max(0) * paid, one);
    assert!(prices.contains(&i128::from(event.price)), "price {} of a slice worth {value}", event.price);
    // What the account lost is the slice, what it gained the price (each figure is off by less than an atom).
    let lost = event.equity_before - event.equity_after + event.price;
    assert!((lost - event.slice_value).abs() <= 1, "{lost} is not {}", event.slice_value);

    assert_eq!(event.released, after.account.liquidation.active == 0);
    let expected =
        if event.released { I80F48::ZERO } else { from_bids(&before.account) + I80F48::from_num(event.price) };
    assert_eq!(from_bids(&after.account), expected, "cash from bids");
}

/// Largest fraction by the closed form of the risk model, from figures in atoms.
pub fn closed_form(event: &LiquidationBid, cash_from_bids: f64, parameters: LiquidationParameters) -> f64 {
    let (equity, requirement) = (event.equity_before as f64, event.maintenance_margin_before as f64);
    let paid = event.share_paid as f64 * 1e-9;
    let buffer = equity - requirement * (1.0 + f64::from(parameters.buffer) * 1e-9);
    (buffer / (buffer - equity * paid - cash_from_bids * (1.0 - paid))).min(1.0)
}
