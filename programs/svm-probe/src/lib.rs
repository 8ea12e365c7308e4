//! A program that runs the risk kernel inside the SVM and measures it.
//!
//! It holds no funds and changes no account. One instruction is one [`Request`]: the first byte is its tag, the rest
//! its input; the answer is the transaction's return data. The same functions run on the host, so tests compare the
//! two byte by byte ([`answer`]).

mod arithmetic;
mod assess;
mod benchmark;
mod i80f48;
mod input;
mod model;
mod reference;

pub use benchmark::{BookLeg, LegInput, MarketInput, SCENARIOS};
pub use input::Writer;
pub use reference::ReferenceCase;

use input::Reader;

/// Tag of a call of another program, which only the virtual machine can make: the first account is that program, the
/// others and the rest of the data are its instruction. Answers the address that the return data came from, then the data.
pub const CALL: u8 = u8::MAX;

/// What to run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Request {
    /// 128-bit integer arithmetic on given operands.
    Integer128 = 0,
    /// I80F48 arithmetic on given operands.
    I80F48 = 1,
    /// Value and Greeks of reference cases.
    Reference = 2,
    /// Compute units of one (leg, scenario).
    LegScenario = 3,
    /// Compute units of a leg's setup.
    LegSetup = 4,
    /// Compute units of price and Greeks with nothing shared.
    PriceGreeksCold = 5,
    /// Compute units of a risk array from raw inputs.
    RiskArray = 6,
    /// Compute units of `solmath`'s price.
    SolmathPrice = 7,
    /// Compute units of `solmath`'s price and Greeks.
    SolmathPriceGreeks = 8,
    /// Compute units of a plain I80F48 Black-Scholes price.
    I80F48Price = 9,
    /// Compute units of one leg through a prepared expiry.
    RiskArrayLeg = 10,
    /// Compute units of a whole assessment of one underlying.
    Assess = 11,
    /// Compute units of a witness of one scenario.
    Witness = 12,
    /// Compute units of one leg's figures in every scenario.
    LegRow = 13,
}

impl Request {
    const ALL: [Self; 14] = [
        Self::Integer128,
        Self::I80F48,
        Self::Reference,
        Self::LegScenario,
        Self::LegSetup,
        Self::PriceGreeksCold,
        Self::RiskArray,
        Self::SolmathPrice,
        Self::SolmathPriceGreeks,
        Self::I80F48Price,
        Self::RiskArrayLeg,
        Self::Assess,
        Self::Witness,
        Self::LegRow,
    ];
}

/// The probe's own errors, as custom program errors.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum ProbeError {
    /// Unknown tag.
    Tag = 1,
    /// The input is too short or too long.
    Input = 2,
    /// The kernel refused the input; its code is added.
    Kernel = 0x100,
    /// `solmath` refused the input.
    Solmath = 3,
    /// The risk model refused the input.
    Margin = 4,
}

/// Runs one request and returns its result. Measurements also log the compute units left three times, see
/// `benchmark.rs`.
pub fn answer(data: &[u8]) -> Result<Vec<u8>, u32> {
    let (tag, rest) = data.split_first().ok_or(ProbeError::Tag as u32)?;
    let request = Request::ALL.get(usize::from(*tag)).ok_or(ProbeError::Tag as u32)?;
    let mut input = Reader::new(rest);
    match request {
        Request::Integer128 => arithmetic::integer128(&mut input),
        Request::I80F48 => arithmetic::i80f48(&mut input),
        Request::Reference => reference::run(&mut input),
        Request::LegScenario => benchmark::leg_scenario(&mut input),
        Request::LegSetup => benchmark::leg_setup(&mut input),
        Request::PriceGreeksCold => benchmark::price_greeks_cold(&mut input),
        Request::RiskArray => benchmark::risk_array(&mut input),
        Request::SolmathPrice => benchmark::solmath_price(&mut input),
        Request::SolmathPriceGreeks => benchmark::solmath_price_greeks(&mut input),
        Request::I80F48Price => benchmark::i80f48_price(&mut input),
        Request::RiskArrayLeg => benchmark::risk_array_leg(&mut input),
        Request::Assess => assess::assess(&mut input),
        Request::Witness => assess::witness(&mut input),
        Request::LegRow => assess::row(&mut input),
    }
}

#[cfg(all(target_os = "solana", not(feature = "no-entrypoint")))]
mod entrypoint {
    use solana_account_info::AccountInfo;
    use solana_cpi::{get_return_data, invoke};
    use solana_instruction::{AccountMeta, Instruction};
    use solana_program_error::{ProgramError, ProgramResult};
    use solana_pubkey::Pubkey;

    solana_program_entrypoint::entrypoint!(process);

    fn process(_program: &Pubkey, accounts: &[AccountInfo], data: &[u8]) -> ProgramResult {
        let answer = match data.split_first() {
            Some((&super::CALL, instruction)) => call(accounts, instruction)?,
            _ => super::answer(data).map_err(ProgramError::Custom)?,
        };
        // SAFETY: pointer and length are those of a live vector; the runtime only reads it.
        unsafe { solana_define_syscall::definitions::sol_set_return_data(answer.as_ptr(), answer.len() as u64) };
        Ok(())
    }

    /// Calls another program, as an integrator's would, and reads what it returns.
    fn call(accounts: &[AccountInfo], data: &[u8]) -> Result<Vec<u8>, ProgramError> {
        let (program, rest) = accounts.split_first().ok_or(ProgramError::NotEnoughAccountKeys)?;
        let metas = rest.iter().map(|account| AccountMeta {
            pubkey: *account.key,
            is_signer: account.is_signer,
            is_writable: account.is_writable,
        });
        let instruction = Instruction { program_id: *program.key, accounts: metas.collect(), data: data.to_vec() };
        invoke(&instruction, rest)?;
        let (returned_by, returned) = get_return_data().ok_or(ProgramError::InvalidAccountData)?;
        Ok([&returned_by.to_bytes()[..], &returned].concat())
    }
}
