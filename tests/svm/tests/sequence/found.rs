//! What sequences have found.

use margin_client::state::AccountMode;
use tests_svm::{ETH, NEAR, World, buy, digital_put};

/// Between expiry and settlement a digital option has no vol to divide by.
#[test]
fn an_expired_digital_option_is_judged() {
    let mut world = World::new();
    let (maker, taker) = (world.funded(1_000_000.0), world.funded(10_000.0));
    world.fill(&maker, &taker, &[buy(1, digital_put(ETH, NEAR, 3_726), 0.9)]);
    world.set_time(NEAR + 100);
    world.refresh_prices();
    for mode in [AccountMode::Standard, AccountMode::Isolated, AccountMode::Portfolio] {
        world.set_mode(&taker, mode);
        let report = world.report(&taker);
        // It pays: 0.1 USD for the lot.
        assert_eq!(report.positions_value, 100_000, "{mode:?}");
        world.report(&maker);
    }
}
