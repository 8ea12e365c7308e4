//! The books of the demo. Both traders bring the same funds and sell the same puts; one of them hedges.

use crate::quotes::Order;
use crate::traders::Funds;

const USDC: u64 = 1_000_000;
const SOL: u64 = 1_000_000_000;

/// Takes the other side of every order.
pub const MAKER_FUNDS: Funds = Funds { usdc: 5_000_000 * USDC, sol: 0 };
/// Buys what is liquidated.
pub const KEEPER_FUNDS: Funds = Funds { usdc: 1_000_000 * USDC, sol: 0 };
/// Brings SOL and takes cash on credit.
pub const BORROWER_FUNDS: Funds = Funds { usdc: 0, sol: 30_000 * SOL };
pub const BORROWED: u64 = 2_000_000 * USDC;
/// Both traders bring the same: cash, and SOL that counts less a haircut.
pub const TRADER_FUNDS: Funds = Funds { usdc: 45_000 * USDC, sol: 100 * SOL };

/// One trade: what it is, and its legs.
pub struct Strategy {
    pub name: &'static str,
    pub orders: &'static [Order],
}

/// Three strategies, each with its own hedge, that also offset within an underlying.
pub const HEDGED: [Strategy; 3] = [
    Strategy {
        name: "short BTC strangle, its puts covered by lower puts and a short perpetual",
        orders: &[
            Order::put("BTC", "2026-03-27", 80_000, -3.0),
            Order::call("BTC", "2026-03-27", 115_000, -3.0),
            Order::put("BTC", "2026-03-27", 72_000, 3.0),
            Order::call("BTC", "2026-03-27", 130_000, 3.0),
            Order::perpetual("BTC", -0.2),
        ],
    },
    Strategy {
        name: "ETH call spread",
        orders: &[Order::call("ETH", "2026-01-30", 3_300, -20.0), Order::call("ETH", "2026-01-30", 3_700, 20.0)],
    },
    Strategy {
        name: "SOL perpetual, covered by puts",
        orders: &[Order::perpetual("SOL", 300.0), Order::put("SOL", "2026-02-27", 130, 300.0)],
    },
];

/// The same sold puts and the same perpetual with nothing bought against them, and more of it.
pub const NAKED: [Strategy; 3] = [
    Strategy { name: "naked short BTC puts", orders: &[Order::put("BTC", "2026-03-27", 80_000, -3.0)] },
    Strategy { name: "naked short ETH puts", orders: &[Order::put("ETH", "2026-01-30", 3_000, -20.0)] },
    Strategy { name: "leveraged SOL perpetual", orders: &[Order::perpetual("SOL", 400.0)] },
];
