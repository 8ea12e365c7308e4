use margin_client::{
    decimal::{Decimal, DecimalError},
    errors::ProgramError,
    margin::MarginFailure,
};

/// Why a portfolio cannot be judged. `path` names the member of the JSON text, as in `underlyings[0].expiries[2].svi`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortfolioError {
    /// Not JSON, a member that the format does not have, one that is missing, or a value of the wrong kind.
    #[error("{path}: {problem}")]
    Json { path: String, problem: String },
    #[error("{path}: '{symbol}' is listed twice; give every symbol once")]
    Duplicate { path: String, symbol: String },
    #[error("{path}: '{symbol}' is no symbol; use one to sixteen letters and digits")]
    Symbol { path: String, symbol: String },
    #[error("{path}: no underlying has the symbol '{symbol}'; add it to `underlyings`")]
    UnknownUnderlying { path: String, symbol: String },
    #[error("{path}: no collateral has the symbol '{symbol}'; add it to `collaterals`")]
    UnknownCollateral { path: String, symbol: String },
    #[error("{path}: no preset is called '{name}'; there are {known}, or write the model as an object")]
    UnknownPreset { path: String, name: String, known: String },
    #[error("{path}: {count} are too many; the program holds {most}")]
    TooMany { path: String, count: usize, most: usize },
    /// A margin model or another parameter breaks a rule of the program.
    #[error("{path}: {rule}")]
    Rule { path: String, rule: String },
    #[error("{path}: {error}")]
    Number { path: String, error: DecimalError },
    #[error("{path}: {value} does not fit the program's integers; use a smaller amount")]
    Overflow { path: String, value: Decimal },
    #[error("{path}: {quantity} is not a whole number of lots of {lot_size}; change it or `lot_size`")]
    PartOfALot { path: String, quantity: Decimal, lot_size: Decimal },
    #[error("{path}: zero; leave it out")]
    Zero { path: String },
    #[error("{path}: missing; {needs}")]
    Missing { path: String, needs: &'static str },
    #[error("{path}: does not belong here; {why}")]
    Unexpected { path: String, why: &'static str },
    #[error("{path}: the underlying lists no expiry at {expiry}; add it to its `expiries`")]
    UnknownExpiry { path: String, expiry: i64 },
    #[error(
        "{path}: a price of {price} and a confidence of {confidence} fit no price account exactly; use fewer digits"
    )]
    PriceAccount { path: String, price: Decimal, confidence: Decimal },
}

/// Why a book could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    /// The program refuses the check.
    #[error(transparent)]
    Program(ProgramError),
    /// The check cannot run: accounts are missing, or the runtime fails.
    #[error("{0}")]
    Runtime(String),
    #[error("the virtual machine does not take the program: {0}")]
    Binary(String),
    #[error("the program's answer cannot be read: {0}")]
    Answer(String),
}

impl From<MarginFailure> for EvaluateError {
    fn from(failure: MarginFailure) -> Self {
        match failure {
            MarginFailure::Program(error) => Self::Program(error),
            other => Self::Runtime(other.to_string()),
        }
    }
}
