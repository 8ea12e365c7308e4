//! 128-bit integers and I80F48 on the SVM: known answers.
//!
//! Both rest on routines that the SBF toolchain supplies and that a wrong calling convention or a bad port of the
//! compiler's builtins would break silently. The probe program computes on the virtual machine; the host computes the
//! same with its own builtins; every bit must agree. A few answers are typed in, so that not even both can be wrong
//! together.

use fixed::types::I80F48;
use litesvm::LiteSVM;
use margin_client::presets::{MAX_COMPUTE_UNITS, compute_unit_limit};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::Message;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_transaction::Transaction;
use svm_probe::{Request, Writer, answer};
use tests_svm::{Rng, built_program};

struct Probe {
    svm: LiteSVM,
    program: Pubkey,
    payer: Keypair,
}

impl Probe {
    fn new() -> Self {
        let (mut svm, program, payer) = (LiteSVM::new(), Pubkey::new_unique(), Keypair::new());
        svm.add_program(program, &built_program("svm-probe")).expect("a program that the virtual machine accepts");
        svm.airdrop(&payer.pubkey(), 1_000_000_000).expect("an airdrop");
        Self { svm, program, payer }
    }

    fn ask(&self, request: &[u8]) -> Vec<u8> {
        let ask = Instruction { program_id: self.program, accounts: Vec::new(), data: request.to_vec() };
        let message = Message::new(&[compute_unit_limit(MAX_COMPUTE_UNITS), ask], Some(&self.payer.pubkey()));
        let transaction = Transaction::new(&[&self.payer], message, self.svm.latest_blockhash());
        // Simulated, so that the same request may run again.
        let done = self.svm.simulate_transaction(transaction).expect("the probe answers");
        done.meta.return_data.data
    }

    #[track_caller]
    fn integers(&self, a: i128, b: i128, shift: u8) -> Integers {
        let mut request = Writer::request(Request::Integer128);
        request.put(a.to_le_bytes()).put(b.to_le_bytes()).put([shift]);
        let (on_chain, host) = (self.ask(&request.0), answer(&request.0).expect("a valid request"));
        assert_eq!(padded(on_chain, host.len()), host, "{a} and {b}, shift {shift}");
        Integers(host)
    }

    #[track_caller]
    fn fixed(&self, a: I80F48, b: I80F48, integer: i128) -> Fixed {
        let mut request = Writer::request(Request::I80F48);
        request.put(a.to_bits().to_le_bytes()).put(b.to_bits().to_le_bytes()).put(integer.to_le_bytes());
        let (on_chain, host) = (self.ask(&request.0), answer(&request.0).expect("a valid request"));
        assert_eq!(padded(on_chain, host.len()), host, "{a} and {b}, integer {integer}");
        Fixed(host)
    }
}

/// The runtime strips trailing zeros from return data.
fn padded(mut bytes: Vec<u8>, length: usize) -> Vec<u8> {
    bytes.resize(bytes.len().max(length), 0);
    bytes
}

fn word(bytes: &[u8], at: usize) -> i128 {
    i128::from_le_bytes(bytes[16 * at..16 * (at + 1)].try_into().expect("16 bytes"))
}

/// Answers in the probe's order.
struct Integers(Vec<u8>);

impl Integers {
    /// Sum, difference, product, quotient, remainder, left and right shift.
    fn signed(&self) -> [i128; 7] {
        core::array::from_fn(|at| word(&self.0, at))
    }

    /// Quotient, remainder and right shift of the operands without sign.
    fn unsigned(&self) -> [u128; 3] {
        core::array::from_fn(|at| word(&self.0, 7 + at).cast_unsigned())
    }

    /// a < b, the same without sign, product overflows.
    fn flags(&self) -> [bool; 3] {
        core::array::from_fn(|at| self.0[160 + at] != 0)
    }
}

struct Fixed(Vec<u8>);

impl Fixed {
    /// Sum, difference, product, quotient, integer parts, root.
    fn numbers(&self) -> [I80F48; 7] {
        core::array::from_fn(|at| I80F48::from_bits(word(&self.0, at)))
    }

    fn floor(&self) -> i128 {
        word(&self.0, 7)
    }

    fn made(&self) -> I80F48 {
        I80F48::from_bits(word(&self.0, 8))
    }

    /// a < b; sum, difference, product, quotient, floor, floor as i64 and the integer do not fit.
    fn flags(&self) -> [bool; 8] {
        core::array::from_fn(|at| self.0[144 + at] != 0)
    }
}

/// Numbers at which carries, signs and word boundaries change.
fn edges() -> Vec<i128> {
    let mut edges = vec![0, i128::MAX, i128::MIN, 10i128.pow(12), -(10i128.pow(38))];
    for power in [0, 1, 31, 32, 47, 48, 63, 64, 79, 80, 96, 126] {
        let power = 1i128 << power;
        edges.extend([power - 1, power, -power, -power - 1]);
    }
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// A number of any magnitude: uniform bits, shifted by a uniform distance.
fn any(rng: &mut Rng) -> i128 {
    let bits = (i128::from(rng.bits()) << 64) | i128::from(rng.bits());
    bits >> rng.within(0, 127)
}

const SEED: u64 = 0x0128_0001;

#[test]
fn integers_agree_at_every_edge() {
    let probe = Probe::new();
    let edges = edges();
    for (i, a) in edges.iter().enumerate() {
        for (j, b) in edges.iter().enumerate() {
            probe.integers(*a, *b, ((37 * i + 11 * j) % 128) as u8);
        }
    }
    for shift in 0..128 {
        probe.integers(0x0123_4567_89ab_cdef_1122_3344_5566_7788 - i128::MAX / 3, -7, shift);
    }
}

#[test]
fn integers_agree_on_random_operands() {
    let probe = Probe::new();
    let mut rng = Rng::new(SEED);
    for case in 0..1_000 {
        println!("seed {SEED:#x}, case {case}");
        let (a, b) = (any(&mut rng), any(&mut rng));
        probe.integers(a, b, rng.within(0, 127) as u8);
    }
}

#[test]
fn integers_have_the_answers_of_the_textbook() {
    let probe = Probe::new();
    // 10^24 + 1 is 999 999 993 000 000 times 10^9 + 7, and 49 000 001.
    let got = probe.integers(1_000_000_000_000_000_000_000_001, -1_000_000_007, 70);
    let [sum, difference, product, quotient, remainder, left, right] = got.signed();
    assert_eq!(sum, 999_999_999_999_998_999_999_994);
    assert_eq!(difference, 1_000_000_000_000_001_000_000_008);
    assert_eq!(product, -1_000_000_007_000_000_000_000_001_000_000_007);
    assert_eq!(quotient, -999_999_993_000_000);
    assert_eq!(remainder, 49_000_001);
    assert_eq!((left, right), (1_000_000_000_000_000_000_000_001i128.wrapping_shl(70), 847));
    assert_eq!(got.flags(), [false, true, false]);

    // (2^64 + 3)(2^63 − 5) = 2^127 − 7·2^63 − 15 just fits.
    let got = probe.integers((1 << 64) + 3, (1 << 63) - 5, 1);
    assert_eq!(got.signed()[2], i128::MAX - 7 * (1i128 << 63) - 14);
    assert_eq!(got.flags(), [false, false, false]);

    // The quotient that does not fit, and the smallest number's shifts.
    let got = probe.integers(i128::MIN, -1, 127);
    assert_eq!(got.signed()[3..], [i128::MIN, i128::MIN, 0, -1]);
    assert_eq!(got.unsigned(), [0, 1 << 127, 1]);
    assert_eq!(got.flags(), [true, true, true]);
    // Nothing is divided by zero.
    let got = probe.integers(5, 0, 0);
    assert_eq!((got.signed()[3], got.unsigned()[0]), (i128::MIN, u128::MAX));
}

#[test]
fn fixed_point_agrees_at_every_edge() {
    let probe = Probe::new();
    let edges = edges();
    for (i, a) in edges.iter().enumerate() {
        for (j, b) in edges.iter().enumerate() {
            probe.fixed(I80F48::from_bits(*a), I80F48::from_bits(*b), edges[(i + 7 * j) % edges.len()]);
        }
    }
}

#[test]
fn fixed_point_agrees_on_random_operands() {
    let probe = Probe::new();
    let mut rng = Rng::new(SEED);
    for case in 0..1_000 {
        println!("seed {SEED:#x}, case {case}");
        let (a, b) = (I80F48::from_bits(any(&mut rng)), I80F48::from_bits(any(&mut rng)));
        probe.fixed(a, b, any(&mut rng));
    }
}

#[test]
fn fixed_point_has_the_answers_of_the_textbook() {
    let probe = Probe::new();
    // −3.75 and 1.5.
    let (a, b) = (I80F48::from_bits(-15 << 46), I80F48::from_bits(3 << 47));
    let got = probe.fixed(a, b, -12);
    let bits = [-9 << 46, -21 << 46, -45 << 45, -5 << 47, -4 << 48, 1 << 48];
    assert_eq!(got.numbers()[..6], bits.map(I80F48::from_bits));
    // √3.75 = 1.93649167310370844…, rounded down at 48 bits.
    assert_eq!(got.numbers()[6].to_bits(), 545_073_948_587_245);
    assert_eq!((got.floor(), got.made().to_bits()), (-4, -12 << 48));
    assert_eq!(got.flags(), [true, false, false, false, false, false, false, false]);

    // A third rounds towards zero on both sides of it.
    for sign in [1, -1] {
        let got = probe.fixed(I80F48::from_bits(sign << 48), I80F48::from_bits(3 << 48), 0);
        assert_eq!(got.numbers()[3].to_bits(), sign * 93_824_992_236_885);
    }
}

#[test]
fn fixed_point_says_what_does_not_fit() {
    let probe = Probe::new();
    let (max, min, half) = (I80F48::MAX, I80F48::MIN, I80F48::from_bits(1 << 47));
    let missing = |a, b, integer| -> [bool; 7] {
        let flags = probe.fixed(a, b, integer).flags();
        core::array::from_fn(|at| flags[at + 1])
    };
    let [sum, difference, product, quotient, as_i64, integer] = [0, 1, 2, 3, 5, 6];
    let only = |which: &[usize]| -> [bool; 7] { core::array::from_fn(|at| which.contains(&at)) };
    assert_eq!(missing(max, half, 0), only(&[sum, quotient, as_i64]));
    assert_eq!(missing(min, half, 0), only(&[difference, quotient, as_i64]));
    assert_eq!(missing(min, -I80F48::ONE, 0), only(&[sum, product, quotient, as_i64]));
    assert_eq!(missing(I80F48::from_bits(1 << 100), I80F48::from_bits(1 << 100), 0), only(&[product]));
    // 2^63 is one too many for an i64, less the smallest fraction it is not.
    let edge = I80F48::from_bits(1 << 111);
    assert_eq!(missing(edge, I80F48::ONE, (1 << 79) - 1), only(&[as_i64]));
    assert_eq!(missing(edge - I80F48::DELTA, I80F48::ONE, 1 << 79), only(&[integer]));
    assert_eq!(missing(-edge, I80F48::ONE, -(1 << 79)), only(&[]));
    assert_eq!(missing(-edge - I80F48::DELTA, I80F48::ONE, -(1 << 79) - 1), only(&[as_i64, integer]));
}
