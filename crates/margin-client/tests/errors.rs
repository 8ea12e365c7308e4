//! Error codes as integrators meet them.

use margin_client::errors::{ENGINE_ERRORS, EngineError, ErrorSource, engine_error, explain};

#[test]
fn every_error_of_the_program_is_explained_by_its_own_words() {
    for error in ENGINE_ERRORS {
        let explained = explain(u32::from(*error)).unwrap();
        assert_eq!(explained.source_of_error, ErrorSource::Engine);
        assert_eq!(explained.name, error.name());
        assert_eq!(explained.message, error.to_string());
        // Each variant has a message of its own: without one Anchor prints the variant's name.
        assert_ne!(explained.message, explained.name);
    }
    let messages: std::collections::HashSet<String> = ENGINE_ERRORS.iter().map(ToString::to_string).collect();
    assert_eq!(messages.len(), ENGINE_ERRORS.len());
}

#[test]
fn published_codes_do_not_move() {
    // Some of each block; integrators match on these numbers.
    let codes = [
        (6000, "Overflow"),
        (6020, "NotAdmin"),
        (6021, "NotOwner"),
        (6040, "QuoteDecimals"),
        (6080, "ExpiryTime"),
        (6120, "OracleOwner"),
        (6123, "OracleVerification"),
        (6124, "OracleStale"),
        (6160, "RiskAccountMissing"),
        (6200, "AccountHasCash"),
        (6210, "BelowInitialMargin"),
        (6240, "TradeLegs"),
        (6280, "KernelForward"),
        (6320, "AccountHealthy"),
        (6360, "ModelAlreadySet"),
        (6364, "ParameterVolRange"),
    ];
    for (code, name) in codes {
        assert_eq!(explain(code).unwrap().name, name, "{code}");
        assert_eq!(engine_error(code).unwrap().name(), name);
    }
}

#[test]
fn anchor_errors_and_foreign_codes_are_told_apart() {
    let anchor = explain(2003).unwrap();
    assert_eq!((anchor.source_of_error, anchor.name.as_str()), (ErrorSource::Anchor, "ConstraintRaw"));
    assert_eq!(explain(3010).unwrap().name, "AccountNotSigner");
    assert_eq!(explain(4102).unwrap().name, "InvalidNumericConversion");
    // 1: the token program's "insufficient funds". 6019 and 7000: between and beyond the program's blocks.
    for foreign in [0, 1, 99, 6019, 7000, u32::MAX] {
        assert_eq!(explain(foreign), None, "{foreign}");
    }
    assert!(engine_error(2003).is_none());
}

#[test]
fn an_explained_error_reads_well() {
    let text = explain(u32::from(EngineError::OracleStale)).unwrap().to_string();
    assert_eq!(text, "The price is too old (OracleStale, error 6124)");
}
