//! Portfolio-margin engine for Solana.
//!
//! A margin account holds cash, token collateral, options and perpetuals as data. Any instruction that may raise risk
//! reprices the whole book from oracle prices and published vol surfaces, in every scenario of the margin model, and
//! demands initial margin; anyone may liquidate an account whose equity is below maintenance margin.
//!
//! The arithmetic lives in `margin-core`; this crate stores state, authenticates accounts and prices, and moves money.
//! Every instruction is one file in [`instructions`]; its `validate` names each of its accounts.

// Anchor's `Result` carries a large error; its own macros return it everywhere.
#![allow(clippy::result_large_err)]
// `emit_cpi!` and `#[program]` expand to `cfg`s of Anchor's own.
#![allow(unexpected_cfgs)]

pub mod constants;
pub mod error;
pub mod events;
#[cfg(all(target_os = "solana", feature = "custom-heap", not(feature = "no-entrypoint")))]
mod heap;
pub mod instructions;
pub mod liquidation;
pub mod mint_policy;
pub mod oracle;
pub mod risk;
pub mod risk_accounts;
pub mod settlement;
pub mod state;
pub mod trading;
pub mod vault;

use anchor_lang::prelude::*;
use instructions::*;
use risk::{Breakdown, BreakdownPart, MarginReport};
use state::{AccountMode, RateParameters, ScenarioArgs, TradingParameters, VenueLimits};

declare_id!("64KL3wiZfa9NbiqfwWgsoNP2i4JpdFDWFCMdCZxz1uSS");

#[program]
pub mod margin_engine {
    use super::*;

    // An instruction is found by comparing in this order: the one that other programs call most comes first.

    /// Computes an account's margin and returns a [`MarginReport`] as return data; with a minimum it fails below it. Anyone.
    pub fn margin_check<'info>(ctx: Context<'info, MarginCheck<'info>>, args: MarginCheckArgs) -> Result<MarginReport> {
        MarginCheck::handle(ctx, args)
    }

    /// Creates an engine at the PDA of its creator.
    pub fn engine_initialize<'info>(
        ctx: Context<'info, EngineInitialize<'info>>,
        args: EngineInitializeArgs,
    ) -> Result<()> {
        EngineInitialize::handle(ctx, args)
    }

    /// Lists a token as collateral, the quote token first, and creates its vault. Admin.
    pub fn collateral_add<'info>(ctx: Context<'info, CollateralAdd<'info>>, args: CollateralAddArgs) -> Result<()> {
        CollateralAdd::handle(ctx, args)
    }

    /// Lists an underlying with its oracle and lot size; `model_set` and `scenarios_set` follow. Admin.
    pub fn underlying_add<'info>(ctx: Context<'info, UnderlyingAdd<'info>>, args: UnderlyingAddArgs) -> Result<()> {
        UnderlyingAdd::handle(ctx, args)
    }

    /// Sets the parameters of an underlying's margin model. Admin.
    pub fn model_set<'info>(ctx: Context<'info, ModelSet<'info>>, args: ModelSetArgs) -> Result<()> {
        ModelSet::handle(ctx, args)
    }

    /// Sets the risk grid of an underlying and so completes its margin model. Admin.
    pub fn scenarios_set<'info>(ctx: Context<'info, ScenariosSet<'info>>, scenarios: Vec<ScenarioArgs>) -> Result<()> {
        ScenariosSet::handle(ctx, scenarios)
    }

    /// Sets the cross-underlying model of the engine and switches it on. Admin.
    pub fn correlation_set<'info>(ctx: Context<'info, CorrelationSet<'info>>, args: CorrelationSetArgs) -> Result<()> {
        CorrelationSet::handle(ctx, args)
    }

    /// Lists an expiry (Unix seconds) on an underlying. Admin.
    pub fn expiry_list<'info>(ctx: Context<'info, ExpiryList<'info>>, expiry: i64) -> Result<()> {
        ExpiryList::handle(ctx, expiry)
    }

    /// Publishes forward, rate and raw SVI surface of an expiry. The underlying's publisher.
    pub fn surface_publish<'info>(ctx: Context<'info, SurfacePublish<'info>>, args: SurfacePublishArgs) -> Result<()> {
        SurfacePublish::handle(ctx, args)
    }

    /// Publishes the perpetual's mark. The underlying's publisher.
    pub fn perpetual_publish<'info>(
        ctx: Context<'info, PerpetualPublish<'info>>,
        args: PerpetualPublishArgs,
    ) -> Result<()> {
        PerpetualPublish::handle(ctx, args)
    }

    /// Opens an empty margin account of the signing owner.
    pub fn account_open<'info>(ctx: Context<'info, AccountOpen<'info>>, args: AccountOpenArgs) -> Result<()> {
        AccountOpen::handle(ctx, args)
    }

    /// Changes how an account is margined; it must have initial margin in the new mode. Owner.
    pub fn account_set_mode<'info>(ctx: Context<'info, AccountSetMode<'info>>, mode: AccountMode) -> Result<()> {
        AccountSetMode::handle(ctx, mode)
    }

    /// Closes an empty margin account. Owner.
    pub fn account_close<'info>(ctx: Context<'info, AccountClose<'info>>) -> Result<()> {
        AccountClose::handle(ctx)
    }

    /// Moves tokens into an account. Owner or delegate; works whatever the oracles say.
    pub fn deposit<'info>(ctx: Context<'info, Deposit<'info>>, amount: u64) -> Result<()> {
        Deposit::handle(ctx, amount)
    }

    /// Moves tokens out of an account that keeps its initial margin, of cash also what it borrows. Owner.
    pub fn withdraw<'info>(ctx: Context<'info, Withdraw<'info>>, args: WithdrawArgs) -> Result<()> {
        Withdraw::handle(ctx, args)
    }

    /// Settles a trade that maker and taker both sign; each must have initial margin afterwards.
    pub fn trade_execute<'info>(ctx: Context<'info, TradeExecute<'info>>, args: TradeExecuteArgs) -> Result<()> {
        TradeExecute::handle(ctx, args)
    }

    /// Settles a quote that the maker signed off-line; the taker submits it. Both are checked as in `trade_execute`.
    pub fn quote_execute<'info>(ctx: Context<'info, QuoteExecute<'info>>, args: QuoteExecuteArgs) -> Result<()> {
        QuoteExecute::handle(ctx, args)
    }

    /// Voids every signed quote of an account with a nonce below `floor`. Owner or delegate.
    pub fn quotes_cancel<'info>(ctx: Context<'info, QuotesCancel<'info>>, floor: u64) -> Result<()> {
        QuotesCancel::handle(ctx, floor)
    }

    /// Settles fills between accounts that approved the venue, each checked once. The venue's authority.
    pub fn fill_settle<'info>(ctx: Context<'info, FillSettle<'info>>, args: FillSettleArgs) -> Result<()> {
        FillSettle::handle(ctx, args)
    }

    /// Defers an account's checks to a `checks_end` later in the transaction; only trades and deposits may stand between.
    /// Owner or delegate.
    pub fn checks_begin<'info>(ctx: Context<'info, ChecksBegin<'info>>) -> Result<()> {
        ChecksBegin::handle(ctx)
    }

    /// Requires initial margin of an account whose checks were deferred.
    pub fn checks_end<'info>(ctx: Context<'info, ChecksEnd<'info>>) -> Result<()> {
        ChecksEnd::handle(ctx)
    }

    /// Registers a venue by the authority that signs its settlements. Admin.
    pub fn venue_add<'info>(
        ctx: Context<'info, VenueAdd<'info>>,
        authority: Pubkey,
        venue_program: Pubkey,
    ) -> Result<()> {
        VenueAdd::handle(ctx, authority, venue_program)
    }

    /// Lets a registered venue settle, or no longer. Admin.
    pub fn venue_enable<'info>(ctx: Context<'info, VenueEnable<'info>>, enabled: bool) -> Result<()> {
        VenueEnable::handle(ctx, enabled)
    }

    /// Lets a venue trade for an account within limits; without notional: no longer. Owner.
    pub fn venue_approve<'info>(ctx: Context<'info, VenueApprove<'info>>, limits: VenueLimits) -> Result<()> {
        VenueApprove::handle(ctx, limits)
    }

    /// Sets fees, price band, funding and settlement of an underlying. Admin.
    pub fn trading_set<'info>(ctx: Context<'info, TradingSet<'info>>, parameters: TradingParameters) -> Result<()> {
        TradingSet::handle(ctx, parameters)
    }

    /// Brings a perpetual's funding up to date. Anyone.
    pub fn funding_update<'info>(ctx: Context<'info, FundingUpdate<'info>>) -> Result<()> {
        FundingUpdate::handle(ctx)
    }

    /// Brings the open interest of an underlying up to date with one account. Anyone.
    pub fn open_interest_sync<'info>(ctx: Context<'info, OpenInterestSync<'info>>) -> Result<()> {
        OpenInterestSync::handle(ctx)
    }

    /// Takes the oracle's price into the settlement average of a series. Anyone.
    pub fn settlement_sample<'info>(ctx: Context<'info, SettlementSample<'info>>, expiry: i64) -> Result<()> {
        SettlementSample::handle(ctx, expiry)
    }

    /// Makes the average of an expired series its settlement price. Anyone.
    pub fn settlement_finalise<'info>(ctx: Context<'info, SettlementFinalise<'info>>, expiry: i64) -> Result<()> {
        SettlementFinalise::handle(ctx, expiry)
    }

    /// Sets the settlement price of a series whose oracle has not come back for three days. Admin.
    pub fn settlement_fix<'info>(ctx: Context<'info, SettlementFix<'info>>, expiry: i64, price: u64) -> Result<()> {
        SettlementFix::handle(ctx, expiry, price)
    }

    /// Pays every position of accounts in a series whose price is final; each pays the settler a reward. Anyone.
    pub fn position_settle<'info>(ctx: Context<'info, PositionSettle<'info>>, expiry: i64) -> Result<()> {
        PositionSettle::handle(ctx, expiry)
    }

    /// Moves the fees that wait in margin accounts to the quote token's listing. Anyone.
    pub fn fee_collect<'info>(ctx: Context<'info, FeeCollect<'info>>) -> Result<()> {
        FeeCollect::handle(ctx)
    }

    /// Pays out collected fees. Admin.
    pub fn fee_withdraw<'info>(ctx: Context<'info, FeeWithdraw<'info>>, amount: u64) -> Result<()> {
        FeeWithdraw::handle(ctx, amount)
    }

    /// Computes the margin an account would have after legs and transfers; changes nothing. Anyone.
    pub fn margin_quote<'info>(ctx: Context<'info, MarginQuote<'info>>, args: MarginQuoteArgs) -> Result<MarginReport> {
        MarginQuote::handle(ctx, args)
    }

    /// Computes what one leg makes in every scenario, exactly; for simulation. Anyone.
    pub fn margin_breakdown<'info>(
        ctx: Context<'info, MarginBreakdown<'info>>,
        underlying: u16,
        part: BreakdownPart,
    ) -> Result<Breakdown> {
        MarginBreakdown::handle(ctx, underlying, part)
    }

    /// Fails unless an account's sequence number is the expected one. Anyone.
    pub fn sequence_check<'info>(ctx: Context<'info, SequenceCheck<'info>>, sequence: u64) -> Result<()> {
        SequenceCheck::handle(ctx, sequence)
    }

    /// Puts an account below its maintenance margin, under a witness, into liquidation. Anyone.
    pub fn liquidation_start<'info>(ctx: Context<'info, LiquidationStart<'info>>, args: WitnessArgs) -> Result<()> {
        LiquidationStart::handle(ctx, args)
    }

    /// Judges an account in liquidation under a witness that demands more. Anyone.
    pub fn liquidation_replace_witness<'info>(
        ctx: Context<'info, LiquidationReplaceWitness<'info>>,
        args: WitnessArgs,
    ) -> Result<()> {
        LiquidationReplaceWitness::handle(ctx, args)
    }

    /// Switches an account in liquidation between the solvent and the insolvent auction, as its equity and time demand. Anyone.
    pub fn liquidation_convert<'info>(ctx: Context<'info, LiquidationConvert<'info>>) -> Result<()> {
        LiquidationConvert::handle(ctx)
    }

    /// Takes a slice of an insolvent account and is paid for it by insurance. Anyone with a margin account that can carry it.
    pub fn insolvent_bid<'info>(ctx: Context<'info, InsolventBid<'info>>, args: InsolventBidArgs) -> Result<()> {
        InsolventBid::handle(ctx, args)
    }

    /// Buys a token of an account in liquidation. Anyone with a margin account.
    pub fn collateral_bid<'info>(ctx: Context<'info, CollateralBid<'info>>, args: CollateralBidArgs) -> Result<()> {
        CollateralBid::handle(ctx, args)
    }

    /// Pays the debt of an account that holds nothing else. Anyone.
    pub fn bankruptcy_resolve<'info>(ctx: Context<'info, BankruptcyResolve<'info>>) -> Result<()> {
        BankruptcyResolve::handle(ctx)
    }

    /// Claims that nobody can bring a usable price of a token; after a day liquidation goes on without it. Anyone, for a bond.
    pub fn price_challenge<'info>(ctx: Context<'info, PriceChallenge<'info>>) -> Result<()> {
        PriceChallenge::handle(ctx)
    }

    /// Ends a challenge by a usable price and takes the bond. Anyone.
    pub fn price_answer<'info>(ctx: Context<'info, PriceAnswer<'info>>) -> Result<()> {
        PriceAnswer::handle(ctx)
    }

    /// Gives cash to the insurance of an underlying, or to the common one. Anyone.
    pub fn insurance_deposit<'info>(ctx: Context<'info, InsuranceDeposit<'info>>, amount: u64) -> Result<()> {
        InsuranceDeposit::handle(ctx, amount)
    }

    /// Caps what losses draw from an underlying's insurance in a while. Admin.
    pub fn insurance_limit<'info>(ctx: Context<'info, InsuranceLimit<'info>>, args: InsuranceLimitArgs) -> Result<()> {
        InsuranceLimit::handle(ctx, args)
    }

    /// Announces a withdrawal of insurance. Admin.
    pub fn insurance_request<'info>(ctx: Context<'info, InsuranceRequest<'info>>, amount: u64) -> Result<()> {
        InsuranceRequest::handle(ctx, amount)
    }

    /// Withdraws the insurance that was announced, after the delay. Admin.
    pub fn insurance_withdraw<'info>(ctx: Context<'info, InsuranceWithdraw<'info>>) -> Result<()> {
        InsuranceWithdraw::handle(ctx)
    }

    /// Buys a slice of an account in liquidation, or some of its legs, at a discount. Anyone with a margin account that can
    /// carry it.
    pub fn liquidation_bid<'info>(ctx: Context<'info, LiquidationBid<'info>>, args: LiquidationBidArgs) -> Result<()> {
        LiquidationBid::handle(ctx, args)
    }

    /// Releases an account that has recovered its maintenance margin and buffer. Anyone.
    pub fn liquidation_stop<'info>(ctx: Context<'info, LiquidationStop<'info>>) -> Result<()> {
        LiquidationStop::handle(ctx)
    }

    /// Moves cash or a token (by its index) between two accounts of one owner; the source keeps its initial margin. Owner.
    pub fn account_transfer<'info>(
        ctx: Context<'info, AccountTransfer<'info>>,
        collateral: u16,
        amount: u64,
    ) -> Result<()> {
        AccountTransfer::handle(ctx, collateral, amount)
    }

    /// Names who else may trade and deposit; the default address: nobody. Owner.
    pub fn account_set_delegate<'info>(ctx: Context<'info, AccountSetDelegate<'info>>, delegate: Pubkey) -> Result<()> {
        AccountSetDelegate::handle(ctx, delegate)
    }

    /// Settles an account's interest with the pool of cash and records what it has or owes. Anyone.
    pub fn cash_sync<'info>(ctx: Context<'info, CashSync<'info>>) -> Result<()> {
        CashSync::handle(ctx)
    }

    /// Publishes the borrow index and the rate that follows from utilisation; at most once a minute. Anyone.
    pub fn interest_accrue<'info>(ctx: Context<'info, InterestAccrue<'info>>) -> Result<()> {
        InterestAccrue::handle(ctx)
    }

    /// Sets how the borrow rate follows utilisation, and who gets the interest. Admin.
    pub fn interest_set<'info>(ctx: Context<'info, InterestSet<'info>>, rates: RateParameters) -> Result<()> {
        InterestSet::handle(ctx, rates)
    }

    /// Sets deposit cap and outflow limit of a token. Admin; the guardian may tighten them.
    pub fn collateral_limits_set<'info>(
        ctx: Context<'info, CollateralLimitsSet<'info>>,
        limits: CollateralLimits,
    ) -> Result<()> {
        CollateralLimitsSet::handle(ctx, limits)
    }

    /// Pauses trading, withdrawing or borrowing until a time. Admin; the guardian within a week of the first.
    pub fn pause_set<'info>(ctx: Context<'info, PauseSet<'info>>, bits: u8, until: i64) -> Result<()> {
        PauseSet::handle(ctx, bits, until)
    }
}
