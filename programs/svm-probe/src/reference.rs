//! Value and Greeks of Black-Scholes cases, for accuracy and for host = SVM.

use margin_core::{Expiry, Greeks, OptionKind, Price, Rate, Seconds, Vol, greeks};

use crate::ProbeError;
use crate::input::{Reader, Writer};

/// One case in kernel units; S and K share any unit, because values are homogeneous.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReferenceCase {
    pub spot: Price,
    pub strike: Price,
    pub time: Seconds,
    pub vol: Vol,
    pub rate: Rate,
}

impl ReferenceCase {
    /// Bytes of one answer: call and put, each a price and seven Greeks.
    pub const ANSWER: usize = 128;
    /// Cases that fit the 1 024 bytes of return data.
    pub const BATCH: usize = 8;

    /// Appends the case to a [`crate::Request::Reference`].
    pub fn write(&self, request: &mut Writer) {
        request.u64(self.spot.0).u64(self.strike.0).u64(self.time.0).u64(self.vol.0).i64(self.rate.0);
    }

    pub(crate) fn read(input: &mut Reader) -> Result<Self, u32> {
        Ok(Self {
            spot: Price(input.u64()?),
            strike: Price(input.u64()?),
            time: Seconds(input.u64()?),
            vol: Vol(input.u64()?),
            rate: Rate(input.i64()?),
        })
    }

    /// Reads one answer: (price, Greeks) of call and put.
    #[must_use]
    pub fn parse(answer: &[u8]) -> Option<[(Price, Greeks); 2]> {
        let mut input = Reader::new(answer);
        let mut one = || -> Result<(Price, Greeks), u32> {
            Ok((
                Price(input.u64()?),
                Greeks {
                    delta: input.i64()?,
                    gamma: input.i64()?,
                    vega: input.i64()?,
                    theta: input.i64()?,
                    rho: input.i64()?,
                    vanna: input.i64()?,
                    volga: input.i64()?,
                },
            ))
        };
        Some([one().ok()?, one().ok()?])
    }
}

pub(crate) fn kernel_error(error: margin_core::KernelError) -> u32 {
    ProbeError::Kernel as u32 + u32::from(error.code())
}

pub(crate) fn write_greeks(out: &mut Vec<u8>, (price, greeks): (Price, Greeks)) {
    out.extend_from_slice(&price.0.to_le_bytes());
    let Greeks { delta, gamma, vega, theta, rho, vanna, volga } = greeks;
    for greek in [delta, gamma, vega, theta, rho, vanna, volga] {
        out.extend_from_slice(&greek.to_le_bytes());
    }
}

pub(crate) fn run(input: &mut Reader) -> Result<Vec<u8>, u32> {
    let mut out = Vec::with_capacity(ReferenceCase::ANSWER * ReferenceCase::BATCH);
    while !input.is_empty() {
        let case = ReferenceCase::read(input)?;
        let expiry = Expiry::from_spot(case.spot, case.time, case.rate).map_err(kernel_error)?;
        for kind in [OptionKind::Call, OptionKind::Put] {
            write_greeks(&mut out, greeks(&expiry, case.strike, case.vol, kind).map_err(kernel_error)?);
        }
    }
    Ok(out)
}
