//! A venue that settles batches of fills, and what accounts let it do.

use std::rc::Rc;

use margin_client::{instructions::VenueEnable, state::VenueLimits};
use solana_signer::Signer;
use tests_svm::Trader;

use crate::desk::Desk;

/// Up to four fills between two to four accounts.
pub fn settle_fills(desk: &mut Desk) {
    let mut parties: Vec<Rc<Trader>> = Vec::new();
    let wanted = desk.rng.pick(&[2, 2, 3, 4]);
    while parties.len() < wanted {
        let party = desk.trader();
        if parties.iter().all(|other| other.account != party.account) {
            parties.push(party);
        }
    }
    let mut fills = Vec::new();
    for _ in 0..desk.rng.within(1, 3) {
        let last = wanted as i64 - 1;
        let (taker, maker) = (desk.rng.within(0, last), desk.rng.within(0, last));
        let maker = if taker == maker && !desk.rng.one_in(20) { (taker + 1) % (last + 1) } else { maker };
        let legs = desk.legs(&parties[maker as usize], &parties[taker as usize]);
        fills.extend(legs.into_iter().take(2).map(|leg| (taker as u8, maker as u8, leg)));
    }
    let parties: Vec<&Trader> = parties.iter().map(|party| &**party).collect();
    let mut settle = desk.world.settlement(desk.venue.pubkey(), &parties, &fills);
    if desk.rng.one_in(10) {
        settle.args.reduce_only = desk.rng.within(1, 15) as u8;
    }
    let venue = desk.venue.insecure_clone();
    let _ = desk.attempt("fill_settle", &[settle.instruction()], &[&venue]);
}

/// Wide limits, narrow ones, or none.
pub fn approve(desk: &mut Desk) {
    let trader = desk.trader();
    let wide = VenueLimits { expires_at: desk.world.now() + 90 * 86_400, ..desk.world.wide_limits() };
    let limits = match desk.rng.within(0, 9) {
        0 => VenueLimits { notional: 0, ..wide },
        1 => VenueLimits { notional: 5_000_000_000, ..wide },
        2 => VenueLimits { underlyings: 0b010, ..wide },
        3 => VenueLimits { expires_at: desk.world.now() + 900, ..wide },
        4 => VenueLimits { expires_at: 1, ..wide },
        _ => wide,
    };
    let approve = desk.world.approval(&trader, desk.venue.pubkey(), limits);
    let _ = desk.attempt("venue_approve", &[approve.instruction()], &[&trader.key]);
}

/// The admin disables the venue, which settles nothing then, and enables it again.
pub fn enable(desk: &mut Desk) {
    let (admin, engine, authority) = (desk.world.admin.pubkey(), desk.world.engine, desk.venue.pubkey());
    let off = VenueEnable { admin, engine, authority, enabled: false };
    desk.must("venue_enable", off.instruction(), &[]);
    settle_fills(desk);
    let on = VenueEnable { enabled: true, ..off };
    desk.must("venue_enable", on.instruction(), &[]);
}
