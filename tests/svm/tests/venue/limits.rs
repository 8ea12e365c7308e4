//! What the venue may not do, whoever asks it to.

use example_venue::error::VenueError as V;
use margin_client::{errors::EngineError as E, instructions::VenueEnable, state::VenueLimits};
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tests_svm::{AnchorError, BTC, ETH, Trader, buy, lots_of};

use crate::desk::{Desk, option};

/// A taker and a maker who has quoted on his request.
fn quoted(mut desk: Desk) -> (Desk, Trader, Trader, Pubkey) {
    let limits = desk.world.wide_limits();
    let [taker, maker] = [100_000.0, 100_000.0].map(|cash| desk.world.funded(cash));
    if desk.world.svm.get_account(&margin_client::addresses::venue(&desk.world.engine, &desk.authority)).is_some() {
        for trader in [&taker, &maker] {
            desk.world.approve(trader, desk.authority, limits);
        }
    }
    let terms = desk.terms(1, 10, 2_500.0);
    let request = desk.request(&taker, terms);
    desk.quote(&maker, request, 10, 2_400.0);
    (desk, taker, maker, request)
}

#[test]
fn approvals_bind_the_venue() {
    let (mut desk, taker, maker, request) = quoted(Desk::new());
    let fill = desk.fill(taker.owner(), request, &taker, &[&maker]).instruction();
    let authority = desk.authority;
    let good = desk.world.wide_limits();
    // 0.1 BTC at the index.
    let notional = 9_412_889_000;
    let cases = [
        (VenueLimits { notional: 0, ..good }, E::VenueNotApproved),
        (VenueLimits { underlyings: !(1 << BTC), ..good }, E::ApprovalUnderlying),
        (VenueLimits { underlyings: 1 << ETH, ..good }, E::ApprovalUnderlying),
        (VenueLimits { notional: notional - 1, ..good }, E::ApprovalNotional),
    ];
    for trader in [&taker, &maker] {
        for (limits, error) in cases {
            desk.world.approve(trader, authority, limits);
            desk.refuse_code(fill.clone(), &[&taker.key], u32::from(error), &error.name());
        }
        desk.world.approve(trader, authority, VenueLimits { expires_at: desk.world.now() + 5, ..good });
        desk.world.advance(5);
        let error = E::ApprovalExpired;
        desk.refuse_code(fill.clone(), &[&taker.key], u32::from(error), &error.name());
        desk.world.approve(trader, authority, VenueLimits { notional, ..good });
    }
    desk.accept(fill, &[&taker.key]);
    for trader in [&taker, &maker] {
        assert_eq!(desk.world.account(trader).venue_limits(&authority).notional, 0, "used up to the atom");
    }
}

#[test]
fn the_admin_stops_the_venue() {
    let (mut desk, taker, maker, request) = quoted(Desk::new());
    let fill = desk.fill(taker.owner(), request, &taker, &[&maker]).instruction();
    let admin = desk.world.admin.insecure_clone();
    let (engine, authority) = (desk.world.engine, desk.authority);
    let enable = |enabled| VenueEnable { admin: admin.pubkey(), engine, authority, enabled }.instruction();
    desk.accept(enable(false), &[&admin]);
    desk.refuse_code(fill.clone(), &[&taker.key], u32::from(E::VenueDisabled), "VenueDisabled");
    desk.accept(enable(true), &[&admin]);
    desk.accept(fill, &[&taker.key]);
}

#[test]
fn a_book_that_is_not_registered_settles_nothing() {
    let (mut desk, taker, maker, request) = quoted(Desk::unregistered());
    let fill = desk.fill(taker.owner(), request, &taker, &[&maker]).instruction();
    desk.world.refuse_anchor(fill, &[&taker.key], AnchorError::AccountOwnedByWrongProgram);
}

#[test]
fn the_operator_moves_nothing() {
    let (mut desk, taker, maker, request) = quoted(Desk::new());
    let operator = desk.operator.insecure_clone();
    // Not through the book before the auction ends, whatever he names.
    for makers in [&[&maker][..], &[]] {
        let fill = desk.fill(operator.pubkey(), request, &taker, makers).instruction();
        desk.refuse(fill, &[&operator], V::AuctionRunning);
    }
    // Not past it: only the book's authority settles, and nobody has its key.
    let leg = buy(10, option(), 2_400.0);
    let direct = desk.world.settlement(desk.authority, &[&taker, &maker], &[(0, 1, leg)]).instruction();
    let mut unsigned = direct.clone();
    unsigned.accounts[0].is_signer = false;
    desk.world.refuse_anchor(unsigned, &[], AnchorError::AccountNotSigner);
    let mut own = direct;
    own.accounts[0].pubkey = operator.pubkey();
    desk.refuse_code(own, &[&operator], u32::from(E::NotVenueAuthority), "NotVenueAuthority");
    assert_eq!(lots_of(&desk.world.account(&taker), option()), 0);
}
