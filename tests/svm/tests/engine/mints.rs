//! Which mints are refused, each for its own reason, and that a plain Token-2022 mint works from end to end.

use margin_client::{errors::EngineError as E, pyth::feeds, state::CollateralHaircuts};
use spl_token_2022_interface::extension::ExtensionType;
use tests_svm::{BTC, MintOptions, NEAR, SOL_TOKEN, USDC, World, buy, call, sell, token_balance, usdc};

fn refuse_extension(extension: ExtensionType, error: E) {
    // As collateral.
    let mut world = World::bare();
    world.list_quote();
    let admin = world.admin.insecure_clone();
    let token = world.mint(&MintOptions::token_2022(9, &[extension]));
    let add = world.token_listing(token, feeds::SOL_USD, CollateralHaircuts::default());
    world.refuse(add.instruction(), &[&admin], error);
    // As quote token: an engine may name it, but nothing can be deposited.
    let mut world = World::with_quote(&MintOptions::token_2022(6, &[extension]));
    let admin = world.admin.insecure_clone();
    let add = world.quote_listing();
    world.refuse(add.instruction(), &[&admin], error);
}

#[test]
fn a_mint_whose_transfers_may_cost_a_fee_is_refused() {
    refuse_extension(ExtensionType::TransferFeeConfig, E::MintTransferFee);
}

#[test]
fn a_mint_whose_transfers_run_foreign_code_is_refused() {
    refuse_extension(ExtensionType::TransferHook, E::MintTransferHook);
}

#[test]
fn a_mint_whose_delegate_can_empty_the_vault_is_refused() {
    refuse_extension(ExtensionType::PermanentDelegate, E::MintPermanentDelegate);
}

#[test]
fn a_mint_whose_accounts_start_frozen_is_refused() {
    refuse_extension(ExtensionType::DefaultAccountState, E::MintFreezable);
}

#[test]
fn a_mint_that_can_be_paused_is_refused() {
    refuse_extension(ExtensionType::Pausable, E::MintFreezable);
}

#[test]
fn a_mint_that_can_be_closed_is_refused() {
    refuse_extension(ExtensionType::MintCloseAuthority, E::MintCloseAuthority);
}

#[test]
fn a_mint_that_cannot_be_transferred_is_refused() {
    refuse_extension(ExtensionType::NonTransferable, E::MintNonTransferable);
}

#[test]
fn a_mint_with_an_extension_that_is_not_known_to_be_harmless_is_refused() {
    refuse_extension(ExtensionType::InterestBearingConfig, E::MintUnknownExtension);
}

#[test]
fn plain_token_2022_mints_serve_as_quote_and_collateral_end_to_end() {
    // Metadata is harmless; so is a freeze authority, which the large stablecoins have.
    let quote = MintOptions { freeze_authority: true, ..MintOptions::token_2022(6, &[ExtensionType::MetadataPointer]) };
    let mut world = World::with_tokens(&quote, &MintOptions::token_2022(9, &[]));
    let maker = world.funded(100_000.0);
    let taker = world.trader();
    world.fund(&taker, SOL_TOKEN, 200_000_000_000);
    world.fund(&taker, USDC, usdc(1_000.0));

    world.fill(&maker, &taker, &[sell(1, call(BTC, NEAR, 100_000), 2_500.0)]);
    world.fill(&maker, &taker, &[buy(1, call(BTC, NEAR, 100_000), 2_400.0)]);
    assert_eq!(world.cash(&taker), usdc(1_001.0) as i64);

    let withdraw = world.withdraw(&taker, USDC, usdc(1_001.0));
    world.accept(withdraw.instruction(), &[&taker.key]);
    let withdraw = world.withdraw(&taker, SOL_TOKEN, 200_000_000_000);
    world.accept(withdraw.instruction(), &[&taker.key]);
    assert_eq!(token_balance(&world.svm, &taker.wallets[0]), usdc(1_001.0));
    assert_eq!(token_balance(&world.svm, &taker.wallets[1]), 200_000_000_000);
}

#[test]
fn quote_decimals_may_differ_from_six() {
    for decimals in [0, 9] {
        let mut world = World::with_tokens(&MintOptions::spl(decimals), &MintOptions::spl(9));
        let atom = 10u64.pow(u32::from(decimals));
        let maker = world.trader();
        let taker = world.trader();
        world.fund(&maker, USDC, 100_000 * atom);
        world.fund(&taker, USDC, 10_000 * atom);
        // 0.01 BTC at 2 500: 25 tokens.
        world.fill(&maker, &taker, &[buy(1, call(BTC, NEAR, 100_000), 2_500.0)]);
        assert_eq!(world.cash(&taker), ((10_000 - 25) * atom) as i64, "{decimals} decimals");
    }
}
