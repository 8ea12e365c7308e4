//! Quotes that a maker signs off-line.

use anchor_lang::prelude::*;

use super::TradeLeg;
use crate::error::EngineError;

/// What a signed quote begins with, before the program's address: no other message of a wallet does.
pub const QUOTE_DOMAIN: &[u8; 16] = b"margin quote v1\n";

/// Terms on which a maker trades with whoever submits them, once.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    pub engine: Pubkey,
    pub maker_account: Pubkey,
    /// The account that may take it; `None`: any.
    pub taker_account: Option<Pubkey>,
    /// The taker's side.
    pub legs: Vec<TradeLeg>,
    /// Unix seconds; refused after it.
    pub deadline: i64,
    /// Spent when taken; see [`QuoteNonces`](crate::state::QuoteNonces).
    pub nonce: u64,
    /// If given, the maker's sequence number must still be this: any other trade of the account cancels the quote.
    pub maker_sequence: Option<u64>,
    /// The maker's side only brings positions closer to zero.
    pub reduce_only: bool,
}

impl Quote {
    /// The bytes that a maker signs.
    pub fn message(&self) -> Result<Vec<u8>> {
        let mut message = QUOTE_DOMAIN.to_vec();
        message.extend_from_slice(crate::ID.as_ref());
        self.serialize(&mut message).map_err(|_| EngineError::QuoteMessage)?;
        Ok(message)
    }

    /// Reads a message; it must be a quote for this program and nothing more.
    pub fn from_message(message: &[u8]) -> Result<Self> {
        let body = message.strip_prefix(QUOTE_DOMAIN).and_then(|rest| rest.strip_prefix(crate::ID.as_ref()));
        let quote = body.and_then(|body| Self::try_from_slice(body).ok());
        Ok(quote.ok_or(EngineError::QuoteMessage)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_quote_of_this_program() {
        let quote = Quote {
            engine: Pubkey::new_from_array([1; 32]),
            maker_account: Pubkey::new_from_array([2; 32]),
            taker_account: None,
            legs: Vec::new(),
            deadline: 5,
            nonce: 6,
            maker_sequence: Some(7),
            reduce_only: true,
        };
        let message = quote.message().unwrap();
        assert_eq!(Quote::from_message(&message).unwrap(), quote);
        for at in 0..48 {
            let mut foreign = message.clone();
            foreign[at] ^= 1;
            assert!(Quote::from_message(&foreign).is_err(), "domain or program, byte {at}");
        }
        assert!(Quote::from_message(&message[..message.len() - 1]).is_err());
        assert!(Quote::from_message(&[message, vec![0]].concat()).is_err());
    }
}
