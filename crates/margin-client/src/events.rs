//! Events of the program.
//!
//! The program emits them by calling itself, so they are inner instructions of a transaction, not log lines that a
//! node may truncate. A caller passes the data of inner instructions whose program is the margin engine.

use anchor_lang::{AnchorDeserialize, Discriminator, event::EVENT_IX_TAG_LE};
pub use margin_engine::{events::*, liquidation::LossPayment};
use solana_pubkey::Pubkey;

use crate::addresses::PROGRAM_ID;

/// Why an event cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    #[error("an event of a type this client does not know (discriminator {0:02x?})")]
    UnknownType(Vec<u8>),
    #[error("the bytes of event {event} do not decode: {reason}")]
    Malformed { event: &'static str, reason: String },
}

macro_rules! engine_events {
    ($($event:ident),* $(,)?) => {
        /// Any event of the program.
        pub enum EngineEvent {
            $($event($event)),*
        }

        impl EngineEvent {
            /// Names of all types of event.
            pub const NAMES: &[&str] = &[$(stringify!($event)),*];

            /// Name of the event's type.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$event(_) => stringify!($event)),*
                }
            }

            fn from_payload(payload: &[u8]) -> Result<Self, EventError> {
                $(if let Some(body) = payload.strip_prefix($event::DISCRIMINATOR) {
                    return $event::try_from_slice(body).map(Self::$event).map_err(|error| EventError::Malformed {
                        event: stringify!($event),
                        reason: error.to_string(),
                    });
                })*
                Err(EventError::UnknownType(payload[..payload.len().min(8)].to_vec()))
            }
        }
    };
}

engine_events!(
    EngineInitialized,
    CollateralAdded,
    UnderlyingAdded,
    ModelSet,
    ScenariosSet,
    CorrelationSet,
    ExpiryListed,
    SurfacePublished,
    PerpetualPublished,
    AccountOpened,
    AccountModeSet,
    DelegateSet,
    AccountClosed,
    AccountTransferred,
    CashSynced,
    InterestSet,
    InterestAccrued,
    CollateralLimitsSet,
    PauseSet,
    Deposited,
    Withdrawn,
    TradeExecuted,
    FillsSettled,
    VenueAdded,
    VenueEnabled,
    VenueApproved,
    OpenInterestSynced,
    QuotesCancelled,
    TradingSet,
    FundingUpdated,
    SettlementSampled,
    SettlementFinalised,
    SettlementFixed,
    PositionsSettled,
    SeriesFreed,
    FeesCollected,
    FeesWithdrawn,
    LiquidationStarted,
    WitnessReplaced,
    LiquidationConverted,
    LiquidationBid,
    CollateralBid,
    InsolventBid,
    LiquidationStopped,
    BankruptcyResolved,
    InsuranceDeposited,
    InsuranceRequested,
    InsuranceWithdrawn,
    InsuranceLimited,
    PriceChallenged,
    PriceAnswered,
);

impl EngineEvent {
    /// Decodes the data of an inner instruction of the margin engine; `None` if it is not an event.
    ///
    /// Only the program can have written it: it accepts such an instruction from its own event authority alone.
    pub fn decode(data: &[u8]) -> Result<Option<Self>, EventError> {
        data.strip_prefix(EVENT_IX_TAG_LE).map(Self::from_payload).transpose()
    }

    /// Events of a transaction in their order, from its inner instructions as (program's index, data).
    pub fn collect<'a>(
        account_keys: &[Pubkey],
        inner_instructions: impl IntoIterator<Item = (u8, &'a [u8])>,
    ) -> Result<Vec<Self>, EventError> {
        inner_instructions
            .into_iter()
            .filter(|(program, _)| account_keys.get(usize::from(*program)) == Some(&PROGRAM_ID))
            .filter_map(|(_, data)| Self::decode(data).transpose())
            .collect()
    }
}
