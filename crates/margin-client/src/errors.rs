//! Names and messages of the error codes that the program returns.
//!
//! Both tables come from the enums themselves: the program's by `build.rs`, which lists its variants, and Anchor's by a
//! match that does not compile when a variant is missing.

use anchor_lang::error::ErrorCode;
pub use margin_engine::error::EngineError;

/// Who raised an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorSource {
    /// A check of the margin engine.
    Engine,
    /// A check of Anchor: signers, account types, seeds, instruction data.
    Anchor,
}

/// What a custom error code of the program means.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({name}, error {code})")]
pub struct ProgramError {
    pub code: u32,
    pub name: String,
    pub message: String,
    pub source_of_error: ErrorSource,
}

/// All errors of the program, in the order of their codes.
pub const ENGINE_ERRORS: &[EngineError] = include!(concat!(env!("OUT_DIR"), "/engine_errors.rs"));

/// Explains the code of a transaction's `Custom` instruction error. `None`: neither the program nor Anchor has it, so
/// another program of the transaction returned it (the token program's codes are small numbers).
#[must_use]
pub fn explain(code: u32) -> Option<ProgramError> {
    let engine = ENGINE_ERRORS.iter().find(|error| u32::from(**error) == code).map(|error| ProgramError {
        code,
        name: error.name(),
        message: error.to_string(),
        source_of_error: ErrorSource::Engine,
    });
    engine.or_else(|| {
        ANCHOR_ERRORS.iter().find(|error| u32::from(**error) == code).map(|error| ProgramError {
            code,
            name: error.name(),
            message: error.to_string(),
            source_of_error: ErrorSource::Anchor,
        })
    })
}

/// The program's error of a code.
#[must_use]
pub fn engine_error(code: u32) -> Option<EngineError> {
    ENGINE_ERRORS.iter().copied().find(|error| u32::from(*error) == code)
}

/// Lists the variants of an enum that has no list of its own; the match makes the list complete.
macro_rules! all_variants {
    ($name:ident: $enum:ident { $($variant:ident),* $(,)? }) => {
        const $name: &[$enum] = &[$($enum::$variant),*];
        const _: fn($enum) = |error| match error {
            $($enum::$variant => {}),*
        };
    };
}

all_variants!(ANCHOR_ERRORS: ErrorCode {
    InstructionMissing,
    InstructionFallbackNotFound,
    InstructionDidNotDeserialize,
    InstructionDidNotSerialize,
    IdlInstructionStub,
    IdlInstructionInvalidProgram,
    IdlAccountNotEmpty,
    EventInstructionStub,
    ConstraintMut,
    ConstraintHasOne,
    ConstraintSigner,
    ConstraintRaw,
    ConstraintOwner,
    ConstraintRentExempt,
    ConstraintSeeds,
    ConstraintExecutable,
    ConstraintState,
    ConstraintAssociated,
    ConstraintAssociatedInit,
    ConstraintClose,
    ConstraintAddress,
    ConstraintZero,
    ConstraintTokenMint,
    ConstraintTokenOwner,
    ConstraintMintMintAuthority,
    ConstraintMintFreezeAuthority,
    ConstraintMintDecimals,
    ConstraintSpace,
    ConstraintAccountIsNone,
    ConstraintTokenTokenProgram,
    ConstraintMintTokenProgram,
    ConstraintAssociatedTokenTokenProgram,
    ConstraintMintGroupPointerExtension,
    ConstraintMintGroupPointerExtensionAuthority,
    ConstraintMintGroupPointerExtensionGroupAddress,
    ConstraintMintGroupMemberPointerExtension,
    ConstraintMintGroupMemberPointerExtensionAuthority,
    ConstraintMintGroupMemberPointerExtensionMemberAddress,
    ConstraintMintMetadataPointerExtension,
    ConstraintMintMetadataPointerExtensionAuthority,
    ConstraintMintMetadataPointerExtensionMetadataAddress,
    ConstraintMintCloseAuthorityExtension,
    ConstraintMintCloseAuthorityExtensionAuthority,
    ConstraintMintPermanentDelegateExtension,
    ConstraintMintPermanentDelegateExtensionDelegate,
    ConstraintMintTransferHookExtension,
    ConstraintMintTransferHookExtensionAuthority,
    ConstraintMintTransferHookExtensionProgramId,
    ConstraintDuplicateMutableAccount,
    AccountAlreadyMigrated,
    AccountNotMigrated,
    ConstraintMintPausableExtension,
    ConstraintMintPausableAuthority,
    RequireViolated,
    RequireEqViolated,
    RequireKeysEqViolated,
    RequireNeqViolated,
    RequireKeysNeqViolated,
    RequireGtViolated,
    RequireGteViolated,
    AccountDiscriminatorAlreadySet,
    AccountDiscriminatorNotFound,
    AccountDiscriminatorMismatch,
    AccountDidNotDeserialize,
    AccountDidNotSerialize,
    AccountNotEnoughKeys,
    AccountNotMutable,
    AccountOwnedByWrongProgram,
    InvalidProgramId,
    InvalidProgramExecutable,
    AccountNotSigner,
    AccountNotSystemOwned,
    AccountNotInitialized,
    AccountNotProgramData,
    AccountNotAssociatedTokenAccount,
    AccountSysvarMismatch,
    AccountReallocExceedsLimit,
    AccountDuplicateReallocs,
    DeclaredProgramIdMismatch,
    TryingToInitPayerAsProgramAccount,
    InvalidNumericConversion,
    Deprecated,
});
