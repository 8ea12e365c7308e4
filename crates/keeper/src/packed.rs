//! A margin account without its zeros.
//!
//! An account is 8 024 bytes whatever it holds; a hundred thousand of them would take 800 MB. Nearly all of it is empty
//! position and balance slots, so only the words of eight bytes that are not zero are kept, behind a bitmap that says
//! where they stand. That is lossless, knows nothing of the layout, and takes less time to undo than the memory that it
//! saves would take to read.

use margin_client::state::MarginAccount;

const WORD: usize = size_of::<u64>();
/// Words in an account.
const WORDS: usize = size_of::<MarginAccount>() / WORD;
/// Words of the bitmap.
const BITMAP: usize = WORDS.div_ceil(u64::BITS as usize);

/// One account, packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// The bitmap, then the words that it marks.
    words: Box<[u64]>,
}

impl Packed {
    #[must_use]
    pub fn new(account: &MarginAccount) -> Self {
        let full: &[u64] = bytemuck::cast_slice(std::slice::from_ref(account));
        let count = full.iter().filter(|word| **word != 0).count();
        let mut words = vec![0; BITMAP];
        words.reserve_exact(count);
        for (at, word) in full.iter().enumerate().filter(|(_, word)| **word != 0) {
            words[at / 64] |= 1 << (at % 64);
            words.push(*word);
        }
        Self { words: words.into_boxed_slice() }
    }

    /// Restores the account into memory that has served others.
    pub fn unpack_into(&self, account: &mut MarginAccount) {
        let full: &mut [u64] = bytemuck::cast_slice_mut(std::slice::from_mut(account));
        full.fill(0);
        let (bitmap, values) = self.words.split_at(BITMAP);
        let mut values = values.iter();
        for (block, bits) in bitmap.iter().enumerate() {
            let mut left = *bits;
            while left != 0 {
                let at = block * 64 + left.trailing_zeros() as usize;
                if let (Some(slot), Some(value)) = (full.get_mut(at), values.next()) {
                    *slot = *value;
                }
                left &= left - 1;
            }
        }
    }

    /// The account in memory of its own.
    #[must_use]
    pub fn unpack(&self) -> Box<MarginAccount> {
        let mut account: Box<MarginAccount> = bytemuck::zeroed_box();
        self.unpack_into(&mut account);
        account
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.words.len() * WORD
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use margin_client::state::{Instrument, InstrumentKind};

    fn account(legs: u64) -> Box<MarginAccount> {
        let mut account: Box<MarginAccount> = bytemuck::zeroed_box();
        account.version = 1;
        account.cash = [7; 16];
        for leg in 0..legs {
            let instrument = Instrument { underlying: 3, expiry: 9, strike: leg + 1, kind: InstrumentKind::Put };
            account.add_position(instrument, -5, 0).expect("a free row");
        }
        account
    }

    #[test]
    fn an_account_comes_back_bit_for_bit_also_into_used_memory() {
        let (small, full) = (account(2), account(128));
        let mut memory = full.clone();
        Packed::new(&small).unpack_into(&mut memory);
        assert_eq!(bytemuck::bytes_of(&*memory), bytemuck::bytes_of(&*small));
        assert_eq!(bytemuck::bytes_of(&*Packed::new(&full).unpack()), bytemuck::bytes_of(&*full));
        let nothing: Box<MarginAccount> = bytemuck::zeroed_box();
        assert_eq!(bytemuck::bytes_of(&*Packed::new(&nothing).unpack()), bytemuck::bytes_of(&*nothing));
    }

    #[test]
    fn a_small_account_takes_a_tenth() {
        assert!(Packed::new(&account(8)).bytes() < size_of::<MarginAccount>() / 10);
    }
}
