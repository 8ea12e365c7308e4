//! The portfolio format: one JSON object, decimals as numbers or strings.

use margin_client::{
    decimal::{Decimal, Scaled},
    presets::{
        ModelFile,
        file::{ConfidenceCharge, Mode, VolShock},
    },
};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::value::RawValue;

use crate::PortfolioError;

/// 1e-12 USD.
pub type Price = Scaled<u64, 12>;
/// A share, 1e-9.
pub type Ratio = Scaled<u64, 9>;
/// A share of a token's value, 1e-9.
pub type Share = Scaled<u32, 9>;
/// A parameter of an SVI slice, 1e-15.
pub type SviParameter = Scaled<i64, 15>;

/// A market, a margin model and one account.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Portfolio {
    /// Unix seconds at which it is judged.
    pub time: i64,
    #[serde(default)]
    pub quote: Quote,
    pub underlyings: Vec<Underlying>,
    #[serde(default)]
    pub collaterals: Vec<Collateral>,
    /// The cross-underlying model; left out: off.
    #[serde(default)]
    pub correlation: Option<Correlation>,
    pub account: Account,
}

/// The token in which cash is counted.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quote {
    /// Of one token; at most nine.
    pub decimals: u8,
    /// USD; left out: the token has no oracle and counts as one dollar.
    pub price: Option<Price>,
    /// How sure that price is, up to one.
    pub confidence: Ratio,
}

impl Default for Quote {
    fn default() -> Self {
        Self { decimals: 6, price: None, confidence: certain() }
    }
}

fn certain() -> Ratio {
    Scaled(1_000_000_000)
}

fn milli() -> Ratio {
    Scaled(1_000_000)
}

/// An asset with its market and its margin model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Underlying {
    /// Letters and digits, at most sixteen.
    pub symbol: String,
    /// Index price in USD.
    pub spot: Price,
    /// How sure it is, up to one.
    #[serde(default = "certain")]
    pub confidence: Ratio,
    /// Left out: the perpetual is marked at the index.
    #[serde(default)]
    pub perpetual: Option<Perpetual>,
    /// Units in one lot; 0.001 if left out.
    #[serde(default = "milli")]
    pub lot_size: Ratio,
    /// Seconds before an expiry over which its settlement averages the index; 0: no average.
    #[serde(default)]
    pub settlement_window: u32,
    pub model: ModelSource,
    #[serde(default)]
    pub expiries: Vec<Expiry>,
}

/// Mark of the perpetual.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Perpetual {
    pub mark: Price,
    #[serde(default = "certain")]
    pub confidence: Ratio,
}

/// The name of a preset, or a model as in a model file.
#[derive(Clone, Debug)]
pub enum ModelSource {
    Preset(String),
    Inline(Box<ModelFile>),
}

impl<'de> Deserialize<'de> for ModelSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        if raw.get().starts_with('"') {
            return serde_json::from_str(raw.get()).map(Self::Preset).map_err(D::Error::custom);
        }
        read_model(raw.get()).map(|model| Self::Inline(Box::new(model))).map_err(D::Error::custom)
    }
}

/// Reads a model file.
///
/// # Errors
/// `Json` with the path of the member at fault.
pub fn read_model(text: &str) -> Result<ModelFile, PortfolioError> {
    read(text)
}

/// A moment: unix seconds as a number, or seconds from `time` as a string with a sign (`"+604800"`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Unix(i64),
    FromNow(i64),
}

impl Moment {
    /// Unix seconds, seen from `now`; saturating.
    #[must_use]
    pub const fn at(self, now: i64) -> i64 {
        match self {
            Self::Unix(seconds) => seconds,
            Self::FromNow(seconds) => now.saturating_add(seconds),
        }
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const HELP: &str = "a moment is unix seconds as a number, or seconds from `time` as in \"+604800\"";
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        let moment = match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            Some(signed) if signed.starts_with(['+', '-']) => signed.parse().map(Self::FromNow).ok(),
            Some(_) => None,
            None => text.parse().map(Self::Unix).ok(),
        };
        moment.ok_or_else(|| D::Error::custom(format!("{text} is no moment: {HELP}")))
    }
}

/// One expiry of an underlying.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expiry {
    pub expiry: Moment,
    /// USD; left out: the index.
    #[serde(default)]
    pub forward: Option<Price>,
    /// A year, continuous.
    #[serde(default)]
    pub rate: Scaled<i64, 10>,
    /// Left out: only futures and passed expiries can be valued.
    #[serde(default)]
    pub svi: Option<Svi>,
    /// The least confidence in forward, rate and surface, up to one.
    #[serde(default = "certain")]
    pub confidence: Ratio,
    /// Average of the index over the part of the settlement window that has passed; left out: the forward stands in.
    #[serde(default)]
    pub observed_average: Option<Price>,
}

/// Raw SVI, `w(k) = a + b·(ρ·(k − m) + √((k − m)² + σ²))`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Svi {
    pub a: SviParameter,
    pub b: SviParameter,
    pub rho: SviParameter,
    pub m: SviParameter,
    pub sigma: SviParameter,
    /// Forward that k refers to; left out: the expiry's.
    #[serde(default)]
    pub forward: Option<Price>,
    /// Seconds that total variance refers to; left out: the time left.
    #[serde(default)]
    pub time: Option<u64>,
}

/// A token that accounts may hold besides cash.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collateral {
    pub symbol: String,
    /// Of one token; at most eighteen.
    pub decimals: u8,
    /// USD.
    pub price: Price,
    #[serde(default = "certain")]
    pub confidence: Ratio,
    #[serde(default)]
    pub haircuts: Haircuts,
    /// Initial margin only: charge where its oracle or its underlying's index is unsure.
    #[serde(default)]
    pub confidence_charge: ConfidenceCharge,
    #[serde(default)]
    pub link: Link,
    /// Symbol of the underlying that `link` is about.
    #[serde(default)]
    pub underlying: Option<String>,
}

/// Share of a token's value that does not count.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Haircuts {
    /// In both margins.
    pub maintenance: Share,
    /// On top in initial margin.
    pub initial: Share,
}

/// What a token has to do with an underlying.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    #[default]
    None,
    /// It is no surer than the underlying's index.
    Index,
    /// It moves with the underlying as well and offsets positions.
    CancelsRisk,
}

/// The cross-underlying model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correlation {
    /// Least share of the stand-alone scan risks.
    pub floor: Ratio,
    pub scenarios: Vec<FactorScenario>,
}

/// A scenario of the market factor.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactorScenario {
    /// Move of the factor.
    pub market_move: Scaled<i64, 9>,
    #[serde(default)]
    pub vol: VolShock,
    /// One if left out.
    #[serde(default = "certain")]
    pub weight: Ratio,
}

/// The account to be judged.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    #[serde(default)]
    pub mode: Mode,
    /// Quote tokens; may be negative.
    #[serde(default)]
    pub cash: Decimal,
    #[serde(default)]
    pub balances: Vec<Balance>,
    #[serde(default)]
    pub positions: Vec<Position>,
}

/// A token balance.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    pub symbol: String,
    /// Tokens.
    pub amount: Decimal,
}

/// What a position is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Call,
    Put,
    Future,
    Perpetual,
    /// Pays one USD a unit above its strike.
    DigitalCall,
    /// Pays one USD a unit at its strike and below.
    DigitalPut,
}

impl Kind {
    /// Whether it has a strike and settles its premium at once.
    #[must_use]
    pub const fn is_option(self) -> bool {
        matches!(self, Self::Call | Self::Put | Self::DigitalCall | Self::DigitalPut)
    }
}

/// One position.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Symbol of the underlying.
    pub underlying: String,
    pub kind: Kind,
    /// Of options and futures.
    #[serde(default)]
    pub expiry: Option<Moment>,
    /// Of options, USD.
    #[serde(default)]
    pub strike: Option<Price>,
    /// Units of the underlying, negative for a short position; a whole number of lots.
    pub quantity: Decimal,
    /// Of futures and perpetuals: price at which the position was last settled.
    #[serde(default)]
    pub entry: Option<Price>,
    /// Of futures and perpetuals, instead of `entry`: its value then, in quote tokens, less funding earned since.
    #[serde(default)]
    pub settled_value: Option<Decimal>,
}

impl Portfolio {
    /// Reads the JSON text of a portfolio.
    ///
    /// # Errors
    /// `Json` with the path of the member at fault.
    pub fn from_json(text: &str) -> Result<Self, PortfolioError> {
        read(text)
    }
}

fn read<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, PortfolioError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| PortfolioError::Json {
        path: error.path().to_string(),
        problem: error.into_inner().to_string(),
    })?;
    deserializer.end().map_err(|error| PortfolioError::Json { path: ".".to_owned(), problem: error.to_string() })?;
    Ok(value)
}
