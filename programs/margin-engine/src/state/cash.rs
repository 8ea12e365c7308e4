use fixed::types::I80F48;

/// Cash in quote atoms as stored in an account: an [`I80F48`], little-endian bytes (128-bit fields would force
/// 16-byte alignment on the account).
pub type StoredCash = [u8; 16];

/// Reads a stored amount.
pub fn load_cash(bytes: StoredCash) -> I80F48 {
    I80F48::from_le_bytes(bytes)
}

/// Writes an amount.
pub fn store_cash(amount: I80F48) -> StoredCash {
    amount.to_le_bytes()
}
