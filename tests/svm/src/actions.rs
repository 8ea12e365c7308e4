//! Traders, and instructions as they would build them.

use margin_client::{
    MarginReport, addresses,
    instructions::{
        AccountOpen, AccountOpenArgs, AccountSetMode, BreakdownPart, Deposit, LiquidationBid, LiquidationBidArgs,
        LiquidationStart, LiquidationStop, MarginBreakdown, MarginCheck, MarginCheckArgs, MarginQuote, MarginQuoteArgs,
        TradeExecute, TradeExecuteArgs, TradeLeg, Withdraw, WithdrawArgs, WitnessArgs,
    },
    state::AccountMode,
};
use solana_instruction::AccountMeta;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;

use crate::{Receipt, Trader, USDC, World, usdc};

impl World {
    /// A trader with an open, empty margin account and empty wallets.
    pub fn trader(&mut self) -> Trader {
        self.trader_with_delegate(Pubkey::default())
    }

    pub fn trader_with_delegate(&mut self, delegate: Pubkey) -> Trader {
        let key = Keypair::new();
        let args = AccountOpenArgs { index: 0, delegate, mode: AccountMode::Portfolio };
        let open = AccountOpen { owner: key.pubkey(), payer: self.payer.pubkey(), engine: self.engine, args };
        self.accept(open.instruction(), &[&key]);
        let account = addresses::margin_account(&self.engine, &key.pubkey(), 0);
        let wallets = self.tokens.clone().into_iter().map(|token| self.wallet(&key.pubkey(), token)).collect();
        Trader { key, account, wallets }
    }

    /// A trader with a deposit of quote tokens.
    pub fn funded(&mut self, quote_tokens: f64) -> Trader {
        let trader = self.trader();
        self.fund(&trader, USDC, usdc(quote_tokens));
        trader
    }

    /// Mints tokens to a trader, who deposits them.
    pub fn fund(&mut self, trader: &Trader, collateral: u16, amount: u64) {
        self.give(trader, collateral, amount);
        let deposit = self.deposit(trader, collateral, amount);
        self.accept(deposit.instruction(), &[&trader.key]);
    }

    /// Mints tokens into a trader's wallet.
    pub fn give(&mut self, trader: &Trader, collateral: u16, amount: u64) {
        let token = self.tokens[usize::from(collateral)];
        self.mint_to(token, &trader.wallets[usize::from(collateral)], amount);
    }

    #[must_use]
    pub fn deposit(&self, trader: &Trader, collateral: u16, amount: u64) -> Deposit {
        let index = usize::from(collateral);
        Deposit {
            authority: trader.owner(),
            engine: self.engine,
            margin_account: trader.account,
            collateral: self.tokens[index].collateral(&self.engine),
            source: trader.wallets[index],
            amount,
        }
    }

    #[must_use]
    pub fn withdraw(&self, trader: &Trader, collateral: u16, amount: u64) -> Withdraw {
        let index = usize::from(collateral);
        let account = self.account(trader);
        Withdraw {
            owner: trader.owner(),
            engine: self.engine,
            margin_account: trader.account,
            collateral: self.tokens[index].collateral(&self.engine),
            destination: trader.wallets[index],
            args: WithdrawArgs { amount, allow_borrow: false },
            markets: self.directory.for_withdrawal(&account, collateral, amount).expect("listed markets"),
        }
    }

    #[must_use]
    pub fn trade(&self, maker: &Trader, taker: &Trader, legs: &[TradeLeg]) -> TradeExecute {
        let markets = self.directory.for_trade(&self.account(maker), &self.account(taker), legs);
        TradeExecute {
            maker: maker.owner(),
            taker: taker.owner(),
            engine: self.engine,
            maker_account: maker.account,
            taker_account: taker.account,
            args: TradeExecuteArgs {
                legs: legs.to_vec(),
                deadline: self.now(),
                maker_sequence: None,
                taker_sequence: None,
                maker_reduce_only: false,
                taker_reduce_only: false,
            },
            markets: markets.expect("listed markets"),
        }
    }

    /// Executes a trade that must succeed.
    #[track_caller]
    pub fn fill(&mut self, maker: &Trader, taker: &Trader, legs: &[TradeLeg]) -> Receipt {
        let trade = self.trade(maker, taker, legs);
        self.accept(trade.instruction(), &[&maker.key, &taker.key])
    }

    #[must_use]
    pub fn margin_check(&self, trader: &Trader) -> MarginCheck {
        MarginCheck {
            engine: self.engine,
            margin_account: trader.account,
            markets: self.markets_of(trader),
            args: MarginCheckArgs::default(),
        }
    }

    /// The program's margin report of an account.
    #[track_caller]
    pub fn report(&mut self, trader: &Trader) -> MarginReport {
        let check = self.margin_check(trader);
        self.accept(check.instruction(), &[]).report()
    }

    /// The program's margin report of an account judged in another way than the default.
    #[track_caller]
    pub fn report_with(&mut self, trader: &Trader, args: MarginCheckArgs) -> MarginReport {
        let check = self.margin_check_with(trader, args);
        self.accept(check.instruction(), &[]).report()
    }

    #[must_use]
    pub fn margin_check_with(&self, trader: &Trader, args: MarginCheckArgs) -> MarginCheck {
        let account = self.account(trader);
        let mode = args.mode.unwrap_or(account.mode().expect("a known mode"));
        let markets = self.directory.for_mode(&account, mode).expect("listed markets");
        MarginCheck { engine: self.engine, margin_account: trader.account, markets, args }
    }

    #[must_use]
    pub fn margin_quote(&self, trader: &Trader, args: MarginQuoteArgs) -> MarginQuote {
        let markets = self.directory.for_quote(&self.account(trader), &args).expect("listed markets");
        MarginQuote { engine: self.engine, margin_account: trader.account, markets, args }
    }

    #[must_use]
    pub fn margin_breakdown(&self, trader: &Trader, underlying: u16, part: BreakdownPart) -> MarginBreakdown {
        let (engine, margin_account) = (self.engine, trader.account);
        MarginBreakdown { engine, margin_account, markets: self.markets_of(trader), underlying, part }
    }

    #[must_use]
    pub fn mode_setting(&self, trader: &Trader, mode: AccountMode) -> AccountSetMode {
        let markets = self.directory.for_mode(&self.account(trader), mode).expect("listed markets");
        AccountSetMode { owner: trader.owner(), engine: self.engine, margin_account: trader.account, mode, markets }
    }

    /// Changes an account's mode, which must succeed.
    #[track_caller]
    pub fn set_mode(&mut self, trader: &Trader, mode: AccountMode) -> Receipt {
        let setting = self.mode_setting(trader, mode);
        self.accept(setting.instruction(), &[&trader.key])
    }

    #[must_use]
    pub fn start(&self, liquidator: &Trader, trader: &Trader) -> LiquidationStart {
        let (liquidator, margin_account) = (liquidator.owner(), trader.account);
        LiquidationStart {
            liquidator,
            engine: self.engine,
            margin_account,
            args: WitnessArgs::default(),
            markets: self.markets_of(trader),
        }
    }

    /// A bid for a share (1e-9) of an account, at any price.
    #[must_use]
    pub fn bid(&self, bidder: &Trader, trader: &Trader, fraction: u64) -> LiquidationBid {
        let markets = self.directory.for_bid(&self.account(bidder), &self.account(trader));
        LiquidationBid {
            bidder: bidder.owner(),
            engine: self.engine,
            bidder_account: bidder.account,
            margin_account: trader.account,
            args: LiquidationBidArgs { fraction, price_limit: i64::MAX, legs: None },
            markets: markets.expect("listed markets"),
        }
    }

    #[must_use]
    pub fn stop(&self, trader: &Trader) -> LiquidationStop {
        LiquidationStop { engine: self.engine, margin_account: trader.account, markets: self.markets_of(trader) }
    }

    pub(crate) fn markets_of(&self, trader: &Trader) -> Vec<AccountMeta> {
        self.directory.for_account(&self.account(trader)).expect("listed markets")
    }
}
