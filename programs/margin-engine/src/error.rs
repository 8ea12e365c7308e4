//! One error for each check. Codes are stable: new ones go at the end of their block's range.

use anchor_lang::prelude::*;

#[error_code]
pub enum EngineError {
    // --- arithmetic and stored data -----------------------------------------------------------
    #[msg("An amount does not fit its type")]
    Overflow = 0,
    #[msg("A stored account was written with a layout this program does not know")]
    UnknownLayout,
    #[msg("The account belongs to another engine")]
    ForeignEngine,

    // --- authority ----------------------------------------------------------------------------
    #[msg("Only the engine's admin may do this")]
    NotAdmin = 20,
    #[msg("Only the account's owner may do this")]
    NotOwner,
    #[msg("Only the account's owner or delegate may do this")]
    NotOwnerOrDelegate,
    #[msg("Only the underlying's publisher may do this")]
    NotPublisher,
    #[msg("Only the engine's admin or guardian may do this")]
    NotAdminOrGuardian,
    #[msg("The guardian may only tighten limits")]
    GuardianLoosens,
    #[msg("The guardian may only add to a pause and extend it")]
    GuardianUnpauses,
    #[msg("The guardian's pauses end a week after the first; the next needs the admin")]
    GuardianPauseSpent,
    #[msg("A pause names what it stops, and nothing unknown")]
    PauseBits,
    #[msg("A pause must end in the future and within a week")]
    PauseDuration,
    #[msg("This is paused")]
    Paused,

    // --- listing ------------------------------------------------------------------------------
    #[msg("Quote token decimals must be between 0 and 9")]
    QuoteDecimals = 40,
    #[msg("Collateral token decimals must be at most 18")]
    CollateralDecimals,
    #[msg("The first collateral must be the quote token, and the quote token must be the first")]
    QuoteCollateralOrder,
    #[msg("The quote token takes no haircut, no charge and no underlying")]
    QuoteCollateralParameters,
    #[msg("A collateral other than the quote token needs an oracle")]
    OracleMissing,
    #[msg("No more collaterals can be listed")]
    CollateralLimit,
    #[msg("No more underlyings can be listed")]
    UnderlyingLimit,
    #[msg("Haircuts must add up to at most 100 %")]
    HaircutParameter,
    #[msg("The oracle's feed id or address is missing")]
    OracleFeedMissing,
    #[msg("Oracle ages must satisfy 0 < max_age <= liquidation_max_age <= 86400")]
    OracleAgeParameter,
    #[msg("Oracle confidence limits must satisfy 0 < max_confidence <= liquidation_max_confidence < 100 %")]
    OracleConfidenceParameter,
    #[msg("The liquidation discount must be below 100 %")]
    LiquidationDiscountParameter,
    #[msg("The liquidation buffer must be at most 100 %")]
    LiquidationBufferParameter,
    #[msg("Token-2022 mints with a transfer fee are not accepted")]
    MintTransferFee,
    #[msg("Token-2022 mints with a transfer hook are not accepted")]
    MintTransferHook,
    #[msg("Token-2022 mints with a permanent delegate are not accepted")]
    MintPermanentDelegate,
    #[msg("Token-2022 mints whose accounts start frozen or can be paused are not accepted")]
    MintFreezable,
    #[msg("Token-2022 mints that cannot be transferred are not accepted")]
    MintNonTransferable,
    #[msg("Token-2022 mints that can be closed are not accepted")]
    MintCloseAuthority,
    #[msg("The mint has an extension that is not known to be harmless")]
    MintUnknownExtension,
    #[msg("The lot size must be positive and at most 1e9 units")]
    LotSizeParameter,
    #[msg("Surface ages must satisfy 0 < max <= liquidation max <= 86400")]
    SurfaceAgeParameter,
    #[msg("The symbol must be 1 to 16 ASCII letters or digits")]
    SymbolParameter,
    #[msg("The settlement window must be at most a day")]
    SettlementWindow,
    #[msg("An oracle's full scale of confidence must be at most 100 %")]
    OracleConfidenceScale,
    #[msg("A collateral is linked to an underlying that is not listed")]
    CollateralLink,
    #[msg("A borrow rate must be at most 1 000 % a year")]
    RateMaximum,
    #[msg("Borrow rates must rise from no utilisation to the kink to full utilisation")]
    RateOrder,
    #[msg("The kink must be at most 100 % utilisation")]
    RateKink,
    #[msg("The reserve's share of interest must be at most 100 %")]
    RateReserveShare,
    #[msg("The utilisation that borrowers may reach must be at most 100 %")]
    RateUtilisation,
    #[msg("Interest is on the quote token's pool")]
    NotQuoteCollateral,
    #[msg("Interest was published less than a minute ago")]
    InterestTooSoon,
    #[msg("The window of an outflow limit must be one second to 30 days; without a limit there is none")]
    OutflowWindow,

    // --- expiries and surfaces ----------------------------------------------------------------
    #[msg("The expiry must be in the future and within three years")]
    ExpiryTime = 80,
    #[msg("The expiry is listed already")]
    ExpiryListed,
    #[msg("No free expiry slot")]
    ExpiryTableFull,
    #[msg("The expiry is not listed on this underlying")]
    ExpiryUnknown,
    #[msg("The series has expired")]
    SeriesExpired,
    #[msg("The forward must be within 50 % of the spot it was taken at")]
    ForwardRange,
    #[msg("The rate must be within -100 % and +100 % a year")]
    RateRange,
    #[msg("The SVI parameters are outside their range or allow negative variance")]
    SviParameters,
    #[msg("The SVI reference forward or time is missing or out of range")]
    SviReference,
    #[msg("No surface has been published for the expiry")]
    SurfaceMissing,
    #[msg("The vol surface is too old")]
    SurfaceStale,
    #[msg("The publication carries no time or one in the future")]
    SurfaceTime,
    #[msg("The publication is older than the one it would replace")]
    SurfaceOutOfOrder,
    #[msg("A published confidence must be at most 1")]
    PublishedConfidence,
    #[msg("The perpetual's mark must be within 50 % of the spot it was taken at")]
    PerpetualRange,
    #[msg("The perpetual's mark is too old")]
    PerpetualStale,

    // --- oracles ------------------------------------------------------------------------------
    #[msg("The price account is not owned by the oracle's program")]
    OracleOwner = 120,
    #[msg("The price account is not a price account of this provider")]
    OracleAccount,
    #[msg("The price account carries another feed")]
    OracleFeed,
    #[msg("The price update is not fully verified")]
    OracleVerification,
    #[msg("The price is too old")]
    OracleStale,
    #[msg("The price lies in the future")]
    OracleFuture,
    #[msg("The price is zero, negative or out of range")]
    OraclePrice,
    #[msg("The price's confidence interval is too wide")]
    OracleConfidence,
    #[msg("The oracle does not trade now")]
    OracleHalted,
    #[msg("The stored oracle provider is unknown")]
    OracleProvider,
    #[msg("The price of the quote token cannot be challenged")]
    ChallengeQuote,
    #[msg("The token's price is challenged already")]
    AlreadyChallenged,
    #[msg("The token's price is not challenged")]
    NotChallenged,

    // --- trading parameters and settlement ----------------------------------------------------
    #[msg("A fee must be at most 1 %")]
    FeeParameter = 140,
    #[msg("The cap of option fees must be at most 100 %")]
    FeeCapParameter,
    #[msg("The price band must be above zero, its parts at most 100 %")]
    BandParameter,
    #[msg("The funding period must be at most a week")]
    FundingPeriodParameter,
    #[msg("The funding cap must be at most 10 %")]
    FundingCapParameter,
    #[msg("The funding gap must be at most a week, and zero only without funding")]
    FundingGapParameter,
    #[msg("The fade of the premium must be at most a week")]
    PremiumFadeParameter,
    #[msg("At least one settlement sample is needed, and all must fit the settlement window")]
    SampleParameter,
    #[msg("The settler's reward must be at most 10 quote tokens")]
    SettlerRewardParameter,
    #[msg("The settlement window of the series has not begun")]
    SampleTooEarly,
    #[msg("The price was published before the settlement window")]
    SamplePriceTime,
    #[msg("The price was published too soon after the last sample's, or before it")]
    SampleSpacing,
    #[msg("The series has expired with all the samples that it needs")]
    SettlementCovered,
    #[msg("The settlement average lacks samples")]
    SettlementUncovered,
    #[msg("The settlement price is final")]
    SettlementFinal,
    #[msg("The settlement price is not final yet")]
    SettlementNotFinal,
    #[msg("The series has not expired")]
    SeriesAlive,
    #[msg("The admin may set a settlement price only three days after the expiry")]
    SettlementFixGrace,
    #[msg("The price must be within 50 % of the last average, or of the forward where there is none")]
    SettlementFixPrice,

    // --- accounts a check needs ---------------------------------------------------------------
    #[msg("A collateral or underlying that the account holds was not passed")]
    RiskAccountMissing = 160,
    #[msg("An account was passed that the check does not need")]
    RiskAccountUnexpected,
    #[msg(
        "Risk accounts must be in order: collaterals by index, then underlyings by index, each followed by its price"
    )]
    RiskAccountOrder,
    #[msg("A risk account is not owned by this program")]
    RiskAccountOwner,
    #[msg("A risk account is neither a collateral nor an underlying")]
    RiskAccountKind,
    #[msg("A risk account was passed twice")]
    RiskAccountDuplicate,
    #[msg("The first risk account must be the engine's cross-underlying model")]
    RiskAccountCorrelation,

    // --- account life cycle -------------------------------------------------------------------
    #[msg("The account still has cash")]
    AccountHasCash = 200,
    #[msg("The account still has token balances")]
    AccountHasBalances,
    #[msg("The account still has positions")]
    AccountHasPositions,
    #[msg("The account is in liquidation")]
    AccountInLiquidation,
    #[msg("No more token balances fit this account")]
    BalanceTableFull,
    #[msg("No more positions fit this account")]
    PositionTableFull,
    #[msg("The amount must be above zero")]
    AmountZero,
    #[msg("The deposit would pass the collateral's cap")]
    DepositCap,
    #[msg("The account does not have that much")]
    InsufficientBalance,
    #[msg("The vault does not hold that much at the moment")]
    VaultLiquidity,
    #[msg("The account would fall below its initial margin")]
    BelowInitialMargin,
    #[msg("The mint is not the collateral's")]
    WrongMint,
    #[msg("The token account is not the collateral's vault, or is the vault where another belongs")]
    WrongVault,
    #[msg("The token program is not the collateral's")]
    WrongTokenProgram,
    #[msg("The account still has fees that were not collected")]
    AccountHasFees,
    #[msg("Not so many fees have been collected")]
    InsufficientFees,
    #[msg("The withdrawal would pass the limit of the token's net outflow")]
    OutflowLimit,
    #[msg("The withdrawal would lend out more of the pool than is allowed")]
    BorrowLimit,
    #[msg("Cash moves between different accounts of one owner only")]
    TransferOwner,
    #[msg("An account cannot transfer to itself")]
    TransferToSelf,

    // --- trading ------------------------------------------------------------------------------
    #[msg("A trade needs 1 to 8 legs")]
    TradeLegs = 240,
    #[msg("Maker and taker must be different accounts")]
    TradeWithSelf,
    #[msg("The trade's deadline has passed")]
    TradeDeadline,
    #[msg("The account's sequence number is not the one the trade was signed for")]
    TradeSequence,
    #[msg("A leg's quantity must not be zero")]
    LegQuantity,
    #[msg("A leg's price is out of range")]
    LegPrice,
    #[msg("A leg's strike is out of range")]
    LegStrike,
    #[msg("A perpetual has no expiry and no strike, a future no strike; an option has both")]
    LegInstrument,
    #[msg("The underlying's trading parameters are not set: nothing trades yet")]
    TradingNotSet,
    #[msg("A leg's price is too far from the mark")]
    PriceBand,
    #[msg("A reduce-only side may only bring its positions closer to zero")]
    ReduceOnly,
    #[msg("The account is below its initial margin and the trade lowers its health")]
    ReduceOnlyHealth,
    #[msg("An underlying that is traded must be passed writable")]
    UnderlyingReadOnly,
    #[msg("The quote's nonce is spent, cancelled or lapsed")]
    QuoteSpent,
    #[msg(
        "The instruction named for the signature is not one of the Ed25519 program with one signature over its own data"
    )]
    QuoteSignature,
    #[msg("The signed message is not a quote of this engine and program")]
    QuoteMessage,
    #[msg("The quote was signed by neither owner nor delegate of the maker's account")]
    QuoteSigner,
    #[msg("The quote is for another taker")]
    QuoteTaker,
    #[msg("The venue is disabled")]
    VenueDisabled,
    #[msg("The account has not approved the venue")]
    VenueNotApproved,
    #[msg("The account's approval of the venue has expired")]
    ApprovalExpired,
    #[msg("The account has not approved the venue for this underlying")]
    ApprovalUnderlying,
    #[msg("The fill passes the notional that the account has approved")]
    ApprovalNotional,
    #[msg("No more venues fit this account")]
    ApprovalTableFull,
    #[msg("An approval must expire in the future and name an underlying")]
    ApprovalLimits,
    #[msg("A fill names a margin account that was not passed")]
    FillAccount,
    #[msg("A margin account of a fill must be passed writable")]
    FillAccountReadOnly,
    #[msg("A margin account of the fills was passed twice")]
    FillAccountDuplicate,
    #[msg("Only the venue's authority may settle its fills")]
    NotVenueAuthority,
    #[msg("A venue needs an authority")]
    VenueAuthority,
    #[msg("Checks are deferred at the top level of a transaction only")]
    DeferredLevel,
    #[msg("No checks_end of this account follows in the transaction")]
    DeferredEnd,
    #[msg(
        "Between checks_begin and checks_end only trades, bids and deposits of this program and the venues' programs may stand"
    )]
    DeferredInstruction,
    #[msg("The account's checks are deferred: only trades and deposits are allowed until checks_end")]
    ChecksDeferred,
    #[msg("The account's checks are not deferred")]
    ChecksNotDeferred,
    #[msg("The venue has no program of its own")]
    VenueProgram,

    // --- margin -------------------------------------------------------------------------------
    #[msg("The forward is outside the pricing kernel's range")]
    KernelForward = 280,
    #[msg("The strike is outside the pricing kernel's range")]
    KernelStrike,
    #[msg("Time to expiry is outside the pricing kernel's range")]
    KernelTime,
    #[msg("The vol is outside the pricing kernel's range")]
    KernelVol,
    #[msg("The rate is outside the pricing kernel's range")]
    KernelRate,
    #[msg("The vol surface has negative variance at this strike")]
    KernelSvi,
    #[msg("A value inside the margin calculation does not fit its type")]
    KernelOverflow,
    #[msg("The account is below the health that was asked for")]
    HealthBelowMinimum,
    #[msg("The grid has no scenario of that number")]
    UnknownScenario,
    #[msg("A witness names one scenario for each underlying of the account")]
    WitnessCount,
    #[msg("This mode or measure cannot be judged by one scenario")]
    WitnessUnsupported,
    #[msg("The underlying does not offer standard margin")]
    StandardNotOffered,
    #[msg("An isolated account holds positions of one underlying only")]
    IsolatedUnderlying,
    #[msg("The account holds no position of that number in the underlying")]
    UnknownPosition,
    #[msg("A quote takes at most 8 legs and 8 transfers")]
    QuoteSize,
    #[msg("A transfer must not be zero")]
    QuoteTransfer,
    #[msg("The account's sequence number is not the expected one")]
    SequenceMismatch,

    // --- liquidation --------------------------------------------------------------------------
    #[msg("The account is at or above its maintenance margin")]
    AccountHealthy = 320,
    #[msg("The account is not in liquidation")]
    NotInLiquidation,
    #[msg("The account is in liquidation already")]
    AlreadyInLiquidation,
    #[msg("The account has not recovered its maintenance margin and buffer")]
    NotRecovered,
    #[msg("An account cannot bid for itself, nor an owner for his own account")]
    SelfLiquidation,
    #[msg("The fraction must be above 0 and at most 1")]
    BidFraction,
    #[msg("The slice costs more than the bidder's limit")]
    BidPriceLimit,
    #[msg("The fraction is too small to move anything")]
    BidTooSmall,
    #[msg("A slice this thin would leave the account worse off: it takes too much of the small positions")]
    BidWorsens,
    #[msg("A part of an auction lasts at most 30 days, the slow part of the first at least a second")]
    LiquidationDurationParameter,
    #[msg("The delay of insurance withdrawals must be between a day and 90 days")]
    InsuranceDelayParameter,
    #[msg("The new witness does not demand more than the one that is stored")]
    WitnessNotWorse,
    #[msg(
        "Only the insolvent auction sells the account: it has no value at its marks, or its first auction has run out"
    )]
    AuctionInsolvent,
    #[msg("The account is in the solvent auction: it has value at its marks, and its first auction has not run out")]
    AuctionSolvent,
    #[msg("The insolvent auction runs already, or the solvent one does: there is nothing to convert")]
    AuctionUnchanged,
    #[msg("The account has changed since the legs of the bid were chosen")]
    BidSequence,
    #[msg("The bid names a position or a token that the account does not hold, or none")]
    BidLegs,
    #[msg("The account must hold nothing but debt")]
    NotBankrupt,
    #[msg("The loss exceeds what depositors have")]
    LossExceedsDeposits,
    #[msg("The account's insured underlying must be passed, and no other one")]
    InsuranceUnderlying,
    #[msg("The fund does not hold that much")]
    InsufficientInsurance,
    #[msg("No withdrawal of the fund's insurance was requested")]
    InsuranceNotRequested,
    #[msg("The requested insurance may not be withdrawn yet")]
    InsuranceDelay,

    // --- margin model -------------------------------------------------------------------------
    #[msg("The margin model is set already")]
    ModelAlreadySet = 360,
    #[msg("The margin model's parameters must be set before its scenarios")]
    ModelMissing,
    #[msg("The underlying has no risk grid yet")]
    ModelIncomplete,
    #[msg("Inverse models serve comparisons of perpetuals and futures only; accounts are in quote tokens")]
    ModelInverse,
    #[msg("range_up must be at most 10, range_down at most 1")]
    ParameterVolRange,
    #[msg("A tenor power must be at most 10")]
    ParameterTenorPower,
    #[msg("The tenor floor must be one hour to 400 days")]
    ParameterTenorFloor,
    #[msg("The least vol of Up scenarios must be at most 1 000 %")]
    ParameterMinVolUp,
    #[msg("The maintenance factor must be above 0, both factors at most 10")]
    ParameterScanFactor,
    #[msg("The initial factor must not be below the maintenance factor")]
    ParameterInitialBelowMaintenance,
    #[msg("Expected shortfall takes at most 40 scenarios")]
    ParameterShortfallCount,
    #[msg("The gain haircut must be at most 100 %")]
    ParameterGainHaircut,
    #[msg("The extended range must be at most 8")]
    ParameterExtended,
    #[msg("The markdown of assets must be 0 to 100 %")]
    ParameterLongMarkdown,
    #[msg("The markup of liabilities must be at most 300 %")]
    ParameterShortMarkup,
    #[msg("Rate scales and additions of the static discount must be at most 10")]
    ParameterDiscountRate,
    #[msg("A skew cap must be at most 10, its slope within -10 and 10")]
    ParameterSkewCap,
    #[msg("The least skew width must be at most 10, and above 0 in a grid with skew scenarios")]
    ParameterSkewWidth,
    #[msg("The width scale must be at most 10, the vols of the skew width within -20 and 20")]
    ParameterSkewVol,
    #[msg("Forward shocks must satisfy 0 < down < 1 < up <= 8")]
    ParameterBasisShock,
    #[msg("Forward contingency factors must be at most 20")]
    ParameterBasisFactor,
    #[msg("A charge on notional must be at most 300 %")]
    ParameterPositionCharge,
    #[msg("Minimum-delta shares must satisfy hedged <= unhedged <= 100 %")]
    ParameterMinimumDelta,
    #[msg("A roll move must be at most 100 %")]
    ParameterRollMove,
    #[msg("The vega range must be at most 10")]
    ParameterVegaRange,
    #[msg("The vega offset must be at most 100 %")]
    ParameterVegaOffset,
    #[msg("A concentration rate must be at most 100 %")]
    ParameterConcentrationRate,
    #[msg("A confidence threshold must be at most 1")]
    ParameterConfidenceThreshold,
    #[msg("A confidence factor must be at most 20")]
    ParameterConfidenceFactor,
    #[msg("The peg threshold must be at most one USD")]
    ParameterPegThreshold,
    #[msg("The peg factor must be at most 10")]
    ParameterPegFactor,
    #[msg("A share of the standard model must be at most 300 %, a share of collateral at most 100 %")]
    ParameterStandardShare,
    #[msg("The standard model could ask for less initial than maintenance margin")]
    ParameterStandardInitialBelowMaintenance,
    #[msg("Adaptive bounds must satisfy 0 < least <= 1 <= most <= 8")]
    ParameterAdaptiveBounds,
    #[msg("Adaptive moves must be at most 1, deviations at most 20, the horizon one minute to a year")]
    ParameterAdaptiveMove,
    #[msg("The daily change of an adaptive range must be above 0 and at most 8")]
    ParameterAdaptiveChange,
    #[msg("A beta must be within -8 and 8")]
    ParameterFactorBeta,
    #[msg("A residual range must be at most 1")]
    ParameterFactorResidual,
    #[msg("Between 1 and 40 scenarios are needed")]
    ScenarioCount,
    #[msg("A scenario's spot multiplier must be within 0.01 and 8")]
    ScenarioSpot,
    #[msg("A scenario's weight must be above 0 and at most 1")]
    ScenarioWeight,
    #[msg("A skew scenario moves no spot: its multiplier must be 1")]
    ScenarioSkewSpot,
    #[msg("A grid needs a scenario that falls and one that rises")]
    ScenarioOneSided,
    #[msg("Scenarios must be sorted by vol shock, then by spot multiplier")]
    ScenarioOrder,
    #[msg("Between 1 and 40 scenarios of the market factor are needed")]
    FactorCount,
    #[msg("The market factor must move within -99 % and +700 %")]
    FactorMove,
    #[msg("The weight of a scenario of the market factor must be above 0 and at most 1")]
    FactorWeight,
    #[msg("The market factor has no skew scenarios")]
    FactorSkew,
    #[msg("The breakdown floor must be at most 100 %")]
    CorrelationFloor,
}
