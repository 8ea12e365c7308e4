//! Interest, limits, pauses and transfers, as their callers would build them.

use margin_client::{
    Loaded, addresses,
    instructions::{
        AccountClose, AccountOpen, AccountOpenArgs, AccountTransfer, CashSync, CollateralLimits, CollateralLimitsSet,
        InterestAccrue, InterestSet, PauseSet, Withdraw, WithdrawArgs,
    },
    state::{AccountMode, Collateral, RateParameters},
};
use solana_pubkey::Pubkey;
use solana_signer::Signer;

use crate::{Receipt, Trader, USDC, World};

impl World {
    /// Listing of a token.
    #[must_use]
    pub fn collateral_address(&self, index: u16) -> Pubkey {
        self.tokens[usize::from(index)].collateral(&self.engine).collateral
    }

    /// Stored listing of a token.
    #[must_use]
    pub fn collateral(&self, index: u16) -> Loaded<Collateral> {
        self.load(self.collateral_address(index))
    }

    #[must_use]
    pub fn closing(&self, trader: &Trader) -> AccountClose {
        // Its address is that of a listing also before there is one.
        let collateral = addresses::collateral(&self.engine, &self.quote.mint);
        let (owner, margin_account) = (trader.owner(), trader.account);
        AccountClose { owner, engine: self.engine, margin_account, collateral, rent_recipient: owner }
    }

    #[must_use]
    pub fn sync(&self, trader: &Trader) -> CashSync {
        CashSync { engine: self.engine, margin_account: trader.account, collateral: self.collateral_address(USDC) }
    }

    #[must_use]
    pub fn accrual(&self) -> InterestAccrue {
        InterestAccrue { engine: self.engine, collateral: self.collateral_address(USDC) }
    }

    /// Publishes interest, which must succeed.
    #[track_caller]
    pub fn accrue(&mut self) -> Receipt {
        let accrual = self.accrual();
        self.accept(accrual.instruction(), &[])
    }

    /// Brings an account and the pool together, which must succeed.
    #[track_caller]
    pub fn meet_pool(&mut self, trader: &Trader) -> Receipt {
        let sync = self.sync(trader);
        self.accept(sync.instruction(), &[])
    }

    #[must_use]
    pub fn interest_setting(&self, rates: RateParameters) -> InterestSet {
        InterestSet {
            admin: self.admin.pubkey(),
            engine: self.engine,
            collateral: self.collateral_address(USDC),
            rates,
        }
    }

    /// Sets rates, by the admin.
    #[track_caller]
    pub fn set_interest(&mut self, rates: RateParameters) -> Receipt {
        let admin = self.admin.insecure_clone();
        let set = self.interest_setting(rates);
        self.accept(set.instruction(), &[&admin])
    }

    /// By the admin.
    #[must_use]
    pub fn limits_setting(&self, index: u16, limits: CollateralLimits) -> CollateralLimitsSet {
        let (authority, engine) = (self.admin.pubkey(), self.engine);
        CollateralLimitsSet { authority, engine, collateral: self.collateral_address(index), limits }
    }

    /// By the admin.
    #[must_use]
    pub fn pausing(&self, bits: u8, until: i64) -> PauseSet {
        PauseSet { authority: self.admin.pubkey(), engine: self.engine, bits, until }
    }

    /// A withdrawal that may borrow.
    #[must_use]
    pub fn borrowing(&self, trader: &Trader, amount: u64) -> Withdraw {
        Withdraw { args: WithdrawArgs { amount, allow_borrow: true }, ..self.withdraw(trader, USDC, amount) }
    }

    /// Opens account number 1 of a trader and returns its address.
    #[track_caller]
    pub fn second_account(&mut self, trader: &Trader) -> Pubkey {
        let args = AccountOpenArgs { index: 1, delegate: Pubkey::default(), mode: AccountMode::Portfolio };
        let open = AccountOpen { owner: trader.owner(), payer: self.payer.pubkey(), engine: self.engine, args };
        self.accept(open.instruction(), &[&trader.key]);
        addresses::margin_account(&self.engine, &trader.owner(), 1)
    }

    /// Out of a trader's account.
    #[must_use]
    pub fn transfer(&self, trader: &Trader, destination: Pubkey, collateral: u16, amount: u64) -> AccountTransfer {
        AccountTransfer {
            owner: trader.owner(),
            engine: self.engine,
            source: trader.account,
            destination,
            collateral,
            amount,
            markets: self.directory.for_withdrawal(&self.account(trader), collateral, amount).expect("listed markets"),
        }
    }
}
