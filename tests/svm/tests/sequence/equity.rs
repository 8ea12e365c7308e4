//! Total equity by the client's figures.

use fixed::types::I80F48;
use margin_client::{instructions::MarginCheckArgs, state::AccountMode};
use tests_svm::{USDC, token_balance};

use crate::desk::Desk;

impl Desk {
    /// Cash that is neither in a wallet nor set aside as a fee: what all accounts together are worth without their tokens,
    /// since every contract has two sides.
    fn claims(&self) -> i128 {
        let outside: u64 = self.traders.iter().map(|trader| token_balance(&self.world.svm, &trader.wallets[0])).sum();
        let withdrawn = token_balance(&self.world.svm, &self.treasury);
        let waiting: u64 = self.world.margin_accounts().iter().map(|account| account.fees).sum();
        let fees = withdrawn + waiting + self.collected();
        i128::from(self.given[usize::from(USDC)]) - i128::from(outside + fees)
    }

    /// Sum of what every account is worth without its tokens, all by the marks of the portfolio model (standard margin does
    /// not discount options). `None`: there is no price good enough.
    fn equities(&self) -> Option<i128> {
        let snapshot = self.world.snapshot();
        let args = MarginCheckArgs { mode: Some(AccountMode::Portfolio), greeks: false, ..MarginCheckArgs::default() };
        let mut sum = 0;
        for account in self.world.margin_accounts() {
            let report = snapshot.check(&account, &args, self.world.now()).ok()?;
            sum += i128::from(report.equity) - i128::from(report.collateral_value);
        }
        Some(sum)
    }

    /// Interest that left or will leave accounts' cash and is not paid to others yet: the pool's own, what lenders have
    /// earned since their last contact with it, what borrowers paid and it has not counted. Atoms, rounded down.
    fn pool(&self) -> i128 {
        let (engine, now) = (self.world.engine_state(), self.world.now());
        let accounts = self.world.margin_accounts();
        let cash = accounts.iter().map(|account| account.cash_at(&engine, now).expect("a sum of test money"));
        let claimed = cash.sum::<I80F48>() + I80F48::from_num(accounts.iter().map(|account| account.fees).sum::<u64>());
        (self.world.pool_claims() - claimed).floor().to_num()
    }

    /// Equity of all accounts together changes by deposits, withdrawals, fees and interest alone, whatever prices do.
    /// What rounding takes stays in the vault: less than an atom for each account's report, each position, and each payment of funding.
    #[track_caller]
    pub fn check_equity(&mut self) {
        let Some(equities) = self.equities() else { return };
        let surplus = self.claims() - equities - self.pool();
        let accounts = self.world.margin_accounts();
        let positions: usize = accounts.iter().map(|account| account.positions().len()).sum();
        let reports = 2 * accounts.len() as i128 + positions as i128;
        let dust = i128::from(self.funding_payments + self.world.settled_positions());
        assert!(surplus >= 0, "accounts are worth {} atoms more than was paid in", -surplus);
        assert!(surplus <= reports + dust, "{surplus} atoms are nobody's, {dust} can be dust");
        if let Some(before) = self.surplus {
            assert!((surplus - before).abs() <= reports + 40, "total equity moved by {}", before - surplus);
        }
        self.surplus = Some(surplus);
    }
}
