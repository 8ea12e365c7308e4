//! Return data of `margin_check`, `margin_quote` and `margin_breakdown`.

use anchor_lang::AnchorDeserialize;
pub use margin_engine::risk::{
    Breakdown, ChargesReport, CrossReport, GreeksReport, MarginReport, ModelReport, PortfolioReport, StandardReport,
    UnderlyingReport,
};
use solana_pubkey::Pubkey;

use crate::addresses::PROGRAM_ID;

/// Return data is at most this long, and nodes may cut its trailing zeros.
const MAX_RETURN_DATA: usize = 1024;

/// Why return data is not a margin report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    #[error("return data of program {0}, not of the margin engine")]
    ForeignProgram(Pubkey),
    #[error("the return data is not a margin report: {0}")]
    Malformed(String),
}

/// Decodes the return data of `margin_check` or `margin_quote`.
pub fn decode_margin_report(program: &Pubkey, data: &[u8]) -> Result<MarginReport, ReportError> {
    decode(program, data)
}

/// Decodes the return data of `margin_breakdown`.
pub fn decode_breakdown(program: &Pubkey, data: &[u8]) -> Result<Breakdown, ReportError> {
    decode(program, data)
}

fn decode<T: AnchorDeserialize>(program: &Pubkey, data: &[u8]) -> Result<T, ReportError> {
    if *program != PROGRAM_ID {
        return Err(ReportError::ForeignProgram(*program));
    }
    let mut padded = [0u8; MAX_RETURN_DATA];
    padded
        .get_mut(..data.len())
        .ok_or_else(|| ReportError::Malformed(format!("{} bytes are too many", data.len())))?
        .copy_from_slice(data);
    let mut rest = &padded[..];
    let report = T::deserialize(&mut rest).map_err(|error| ReportError::Malformed(error.to_string()))?;
    let used = MAX_RETURN_DATA - rest.len();
    if used < data.len() {
        return Err(ReportError::Malformed(format!("{} bytes too many", data.len() - used)));
    }
    Ok(report)
}
