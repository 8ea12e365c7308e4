//! Which mints may be listed.

use anchor_lang::prelude::*;
use anchor_spl::token_2022::spl_token_2022::{
    extension::{BaseStateWithExtensions, ExtensionType, StateWithExtensions},
    state::Mint,
};

use crate::error::EngineError;

/// Accepts classic SPL mints and Token-2022 mints whose extensions cannot change an amount on its way, stop a
/// transfer, take tokens from a vault or run foreign code. Extensions that this program does not know are refused.
///
/// A plain freeze authority is accepted: the large stablecoins have one, and it is visible to every depositor.
pub fn require_plain_mint(mint: &AccountInfo) -> Result<()> {
    if *mint.owner != anchor_spl::token_2022::ID {
        return Ok(());
    }
    let data = mint.try_borrow_data()?;
    let state = StateWithExtensions::<Mint>::unpack(&data)?;
    for extension in state.get_extension_types()? {
        match extension {
            ExtensionType::MetadataPointer
            | ExtensionType::TokenMetadata
            | ExtensionType::GroupPointer
            | ExtensionType::TokenGroup
            | ExtensionType::GroupMemberPointer
            | ExtensionType::TokenGroupMember => {}
            // Also with a fee of zero today: its authority may raise it.
            ExtensionType::TransferFeeConfig | ExtensionType::ConfidentialTransferFeeConfig => {
                return err!(EngineError::MintTransferFee);
            }
            ExtensionType::TransferHook => return err!(EngineError::MintTransferHook),
            ExtensionType::PermanentDelegate => return err!(EngineError::MintPermanentDelegate),
            ExtensionType::DefaultAccountState | ExtensionType::Pausable => return err!(EngineError::MintFreezable),
            ExtensionType::NonTransferable => return err!(EngineError::MintNonTransferable),
            ExtensionType::MintCloseAuthority => return err!(EngineError::MintCloseAuthority),
            _ => return err!(EngineError::MintUnknownExtension),
        }
    }
    Ok(())
}
