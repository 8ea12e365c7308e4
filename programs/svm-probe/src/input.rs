//! Little-endian encoding of requests and answers.

use crate::ProbeError;

/// Reads numbers off the front of an instruction.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], u32> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(ProbeError::Input as u32)?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, u32> {
        Ok(u8::from_le_bytes(self.bytes()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, u32> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    pub(crate) fn i64(&mut self) -> Result<i64, u32> {
        Ok(i64::from_le_bytes(self.bytes()?))
    }

    pub(crate) fn i128(&mut self) -> Result<i128, u32> {
        Ok(i128::from_le_bytes(self.bytes()?))
    }
}

/// Writes what [`crate::answer`] reads and returns.
#[derive(Clone, Debug, Default)]
pub struct Writer(pub Vec<u8>);

impl Writer {
    /// A request of one kind.
    #[must_use]
    pub fn request(request: crate::Request) -> Self {
        Self(vec![request as u8])
    }

    /// Appends bytes.
    pub fn put<const N: usize>(&mut self, bytes: [u8; N]) -> &mut Self {
        self.0.extend_from_slice(&bytes);
        self
    }

    /// Appends an unsigned number.
    pub fn u64(&mut self, number: u64) -> &mut Self {
        self.put(number.to_le_bytes())
    }

    /// Appends a signed number.
    pub fn i64(&mut self, number: i64) -> &mut Self {
        self.put(number.to_le_bytes())
    }
}
