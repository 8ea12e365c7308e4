//! The body of the libFuzzer target (`fuzz/`) on seeded random bytes.

#[path = "../../../fuzz/src/kernel.rs"]
mod kernel;

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[test]
fn random_bytes_break_nothing() {
    let mut random = Random(0x6d61_7267_696e);
    for length in (0..512).cycle().take(1_000_000) {
        let data: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        if let Err(panic) = std::panic::catch_unwind(|| kernel::run(&data)) {
            eprintln!("input: {data:?}");
            std::panic::resume_unwind(panic);
        }
    }
}
