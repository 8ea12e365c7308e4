//! Messages signed off-line: the Ed25519 program verifies them in an instruction of their own, which is read here.

use anchor_lang::prelude::*;
use solana_instructions_sysvar::load_instruction_at_checked;
use solana_sdk_ids::ed25519_program;

use crate::error::EngineError;

/// A signature count, a padding byte and seven 16-bit fields precede the data that they point into.
const HEADER: usize = 16;
const SIGNATURE: usize = 64;
const KEY: usize = 32;
/// Where a field names its own instruction.
const THIS_INSTRUCTION: u16 = u16::MAX;

/// A message and who signed it.
#[derive(Debug)]
pub struct SignedMessage {
    pub signer: Pubkey,
    pub message: Vec<u8>,
}

impl SignedMessage {
    /// Reads instruction number `index` of the transaction, which must be one of the Ed25519 program, with one signature and
    /// nothing taken from other instructions. That it is there means that the runtime has verified it.
    pub fn load(instructions: &AccountInfo, index: u16) -> Result<Self> {
        let verified =
            load_instruction_at_checked(usize::from(index), instructions).map_err(|_| EngineError::QuoteSignature)?;
        require_keys_eq!(verified.program_id, ed25519_program::ID, EngineError::QuoteSignature);
        Ok(Self::parse(&verified.data, index).ok_or(EngineError::QuoteSignature)?)
    }

    fn parse(data: &[u8], index: u16) -> Option<Self> {
        let (header, _) = data.split_at_checked(HEADER)?;
        let field = |number: usize| {
            let at = 2 + 2 * number;
            Some(u16::from_le_bytes([*header.get(at)?, *header.get(at + 1)?]))
        };
        let own = |number: usize| field(number).is_some_and(|named| named == THIS_INSTRUCTION || named == index);
        if header[0] != 1 || !(own(1) && own(3) && own(6)) {
            return None;
        }
        let slice = |start: u16, length: usize| data.get(usize::from(start)..usize::from(start).checked_add(length)?);
        slice(field(0)?, SIGNATURE)?;
        let signer = Pubkey::try_from(slice(field(2)?, KEY)?).ok()?;
        let message = slice(field(4)?, usize::from(field(5)?))?.to_vec();
        Some(Self { signer, message })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Header, key, signature, message.
    fn data(message: &[u8]) -> Vec<u8> {
        let mut data = vec![1, 0];
        let own = THIS_INSTRUCTION;
        for field in [48, own, 16, own, 112, message.len() as u16, own] {
            data.extend_from_slice(&field.to_le_bytes());
        }
        data.extend_from_slice(&[7; KEY]);
        data.extend_from_slice(&[8; SIGNATURE]);
        data.extend_from_slice(message);
        data
    }

    #[test]
    fn reads_what_was_verified_in_the_same_instruction_only() {
        let parsed = SignedMessage::parse(&data(b"hello"), 3).unwrap();
        assert_eq!((parsed.signer, parsed.message.as_slice()), (Pubkey::new_from_array([7; 32]), &b"hello"[..]));

        let altered = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut data = data(b"hello");
            change(&mut data);
            SignedMessage::parse(&data, 3)
        };
        assert!(altered(&|data| data[0] = 2).is_none(), "two signatures");
        assert!(altered(&|data| data[0] = 0).is_none(), "none");
        for field in [1, 3, 6] {
            let foreign =
                |index: u16| altered(&|data| data[2 + 2 * field..4 + 2 * field].copy_from_slice(&index.to_le_bytes()));
            assert!(foreign(2).is_none(), "field {field} of another instruction");
            assert!(foreign(3).is_some(), "named by its number");
        }
        for field in [0, 2, 4, 5] {
            let beyond = altered(&|data| data[2 + 2 * field..4 + 2 * field].copy_from_slice(&9_999u16.to_le_bytes()));
            assert!(beyond.is_none(), "field {field} beyond the data");
        }
        for length in 0..HEADER {
            assert!(SignedMessage::parse(&data(b"")[..length], 3).is_none(), "{length} bytes");
        }
    }
}
