/// SplitMix64: small, and the same on every machine, so that a printed seed reproduces a failure.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `low..=high` (the bias of the remainder does not matter for picking test cases).
    pub fn within(&mut self, low: i64, high: i64) -> i64 {
        let span = high.abs_diff(low).wrapping_add(1);
        let offset = if span == 0 { self.bits() } else { self.bits() % span };
        low.wrapping_add_unsigned(offset)
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: i64) -> bool {
        self.within(1, n) == 1
    }

    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.within(0, items.len() as i64 - 1) as usize]
    }
}
