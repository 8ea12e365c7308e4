//! The pool's laws under thousands of random steps, on the program's own state functions: nothing is ever promised that is
//! not there, to the last of 48 bits.

use fixed::types::I80F48;
use margin_client::state::{BorrowIndex, Collateral, Engine, MarginAccount, RateParameters, rate_per_second};
use tests_svm::Rng;

const ACCOUNTS: usize = 6;

struct Pool {
    now: i64,
    engine: Box<Engine>,
    collateral: Box<Collateral>,
    accounts: Vec<Box<MarginAccount>>,
}

impl Pool {
    fn new(rng: &mut Rng) -> Self {
        let mut engine: Box<Engine> = bytemuck::zeroed_box();
        let mut collateral: Box<Collateral> = bytemuck::zeroed_box();
        engine.borrow = BorrowIndex { published_at: 1_000, ..BorrowIndex::default() };
        collateral.pool.updated_at = 1_000;
        collateral.pool.rates = rates(rng);
        let accounts = (0..ACCOUNTS).map(|_| bytemuck::zeroed_box()).collect();
        Self { now: 1_000, engine, collateral, accounts }
    }

    /// A deposit (positive) or a withdrawal, which may borrow; as `deposit` and `withdraw` do it.
    fn fund(&mut self, at: usize, amount: i64) {
        let account = &mut self.accounts[at];
        self.collateral.settle_interest(account, &self.engine, self.now).unwrap();
        let amount = amount.max(-i64::try_from(self.collateral.total_deposits).unwrap());
        account.add_cash(I80F48::from_num(amount)).unwrap();
        self.collateral.record_cash(account).unwrap();
        self.collateral.total_deposits = self.collateral.total_deposits.checked_add_signed(amount).unwrap();
    }

    /// Cash from one account to another without the pool, as trades and transfers move it.
    fn trade(&mut self, from: usize, to: usize, amount: i64) {
        for (at, amount) in [(from, -amount), (to, amount)] {
            self.accounts[at].accrue_interest(&self.engine, self.now).unwrap();
            self.accounts[at].add_cash(I80F48::from_num(amount)).unwrap();
        }
    }

    fn sync(&mut self, at: usize) {
        self.fund(at, 0);
    }

    fn publish(&mut self) {
        let before = self.engine.borrow;
        let vault = self.collateral.total_deposits;
        let pool = &mut self.collateral.pool;
        pool.advance(vault, &before, self.now).unwrap();
        let utilisation = pool.take_average(before.published_at);
        let rate = rate_per_second(pool.rates.borrow_rate(utilisation)).unwrap();
        self.engine.borrow = BorrowIndex { index: before.at(self.now), rate, published_at: self.now };
    }

    /// Vault and borrows owed, less deposits owed and what the pool keeps: zero, in exact arithmetic, after everybody has
    /// settled. On a copy.
    #[track_caller]
    fn assert_solvent(&self) {
        let mut collateral = *self.collateral;
        let mut sum = 0i128;
        for account in &self.accounts {
            let mut account = **account;
            collateral.settle_interest(&mut account, &self.engine, self.now).unwrap();
            collateral.record_cash(&mut account).unwrap();
            sum += account.cash().to_bits();
        }
        let (reserve, pot) = (i128::from_le_bytes(collateral.pool.reserve), i128::from_le_bytes(collateral.pool.pot));
        assert!(reserve >= 0 && pot >= 0, "the pool keeps {reserve} and {pot}");
        assert_eq!(sum + reserve + pot, i128::from(collateral.total_deposits) << 48);
        // What waits to be divided was less than a unit of the index for each atom deposited: with these sums, a few atoms.
        assert!(pot < 4 << 48, "{pot}");
    }
}

fn rates(rng: &mut Rng) -> RateParameters {
    let base = rng.within(0, 1_000_000_000) as u64;
    let at_kink = base + rng.within(0, 1_000_000_000) as u64;
    let rates = RateParameters {
        base,
        at_kink,
        maximum: at_kink + rng.within(0, 8_000_000_000) as u64,
        kink: rng.within(0, 1_000_000_000) as u64,
        reserve_share: rng.pick(&[0, 1, 100_000_000, 333_333_333, 1_000_000_000]),
        maximum_utilisation: 1_000_000_000,
    };
    rates.validate().unwrap();
    rates
}

#[test]
fn nothing_is_promised_that_is_not_there() {
    for seed in 0..40u64 {
        let mut rng = Rng::new(0xca5_4000 + seed);
        let mut pool = Pool::new(&mut rng);
        for _ in 0..500 {
            let (one, two) = (rng.within(0, 5) as usize, rng.within(0, 5) as usize);
            let scale = rng.pick(&[10, 1_000_000, 1_000_000_000_000]);
            match rng.within(0, 9) {
                0..=2 => pool.fund(one, rng.within(-scale, scale)),
                3..=5 if one != two => pool.trade(one, two, rng.within(0, scale)),
                6 => pool.sync(one),
                7 => pool.publish(),
                // In and out around a publication.
                8 => {
                    let before = pool.accounts[one].cash();
                    pool.sync(one);
                    let settled = pool.accounts[one].cash();
                    pool.fund(one, scale);
                    pool.publish();
                    pool.fund(one, -scale);
                    assert_eq!(pool.accounts[one].cash(), settled, "no time, no interest; before {before}");
                }
                _ => pool.now += rng.pick(&[1, 60, 3_600, 86_400, 40 * 86_400]),
            }
            pool.assert_solvent();
        }
    }
}

/// An owner of two accounts shuffles cash between them at will; another does nothing. Both have the same deposit.
#[test]
fn shuffling_between_own_accounts_never_wins() {
    for seed in 0..60u64 {
        let mut rng = Rng::new(0x5fu64 << 32 | seed);
        let mut pool = Pool::new(&mut rng);
        pool.fund(0, 1_000_000_000_000);
        pool.fund(1, 1_000_000_000_000);
        pool.fund(5, -1_500_000_000_000);
        for _ in 0..100 {
            match rng.within(0, 4) {
                0 => pool.trade(0, 2, rng.within(0, 1_200_000_000_000)),
                1 => pool.trade(2, 0, rng.within(0, 1_200_000_000_000)),
                2 => pool.sync(rng.pick(&[0, 2])),
                3 => pool.publish(),
                _ => pool.now += rng.pick(&[1, 60, 3_600]),
            }
        }
        pool.publish();
        for at in 0..3 {
            pool.sync(at);
        }
        // Syncing compounds, which the idle account does not: he who syncs as often with everything in place is the measure.
        let (shuffler, idle) = (pool.accounts[0].cash() + pool.accounts[2].cash(), pool.accounts[1].cash());
        let compounding = (idle - I80F48::from_num(1_000_000_000_000i64)).to_num::<f64>().powi(2) / 1e12;
        assert!((shuffler - idle).to_num::<f64>() <= compounding + 1.0, "seed {seed}: {shuffler} against {idle}");
    }
}

#[test]
fn a_growth_at_the_highest_rate_fits_and_rounds_up() {
    let rate = rate_per_second(10_000_000_000).unwrap();
    let index = BorrowIndex { index: 7, rate, published_at: 0 };
    let month = 30 * 86_400;
    assert_eq!(u128::from(index.at(month)) - 7, (u128::from(rate) * month as u128).div_ceil(1 << 16));
    assert_eq!(index.at(i64::MAX), index.at(month));
    assert_eq!((index.at(0), index.at(-5), index.at(i64::MIN)), (7, 7, 7));
    // 1 000 % a year for a month is 82.19 %... of ten: rounded up, and by less than 1e-12 of it.
    let growth = (index.at(month) - 7) as f64 / 2f64.powi(48);
    assert!((growth / (10.0 * 30.0 / 365.0) - 1.0).abs() < 1e-12, "{growth}");
    assert_eq!(rate_per_second(0).unwrap(), 0);
}

#[test]
fn the_curve_has_its_corners_where_they_are_set() {
    let rates = RateParameters {
        base: 10_000_000,
        at_kink: 80_000_000,
        maximum: 600_000_000,
        kink: 800_000_000,
        reserve_share: 0,
        maximum_utilisation: 0,
    };
    for (utilisation, rate) in [
        (0, 10_000_000),
        (400_000_000, 45_000_000),
        (800_000_000, 80_000_000),
        (900_000_000, 340_000_000),
        (1_000_000_000, 600_000_000),
        (u64::MAX, 600_000_000),
        // Rounded up: a billionth of the way is a fraction of a billionth.
        (1, 10_000_001),
    ] {
        assert_eq!(rates.borrow_rate(utilisation), rate, "{utilisation}");
    }
    for kink in [0, 1_000_000_000] {
        let flat = RateParameters { kink, ..rates };
        assert_eq!(flat.borrow_rate(1_000_000_000), if kink == 0 { 600_000_000 } else { 80_000_000 });
        assert_eq!(flat.borrow_rate(0), if kink == 0 { 80_000_000 } else { 10_000_000 });
    }
}
