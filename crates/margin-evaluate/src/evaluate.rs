//! The margin of a book, whoever computes it.

use margin_client::{
    Breakdown, MarginReport,
    instructions::{BreakdownPart, MarginCheckArgs, MarginQuoteArgs},
    state::{AccountMode, MarginAccount},
};

use crate::{Book, EvaluateError};

/// A result and what it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run<T> {
    pub value: T,
    /// Of the whole instruction; none on this machine.
    pub compute_units: Option<u64>,
}

/// Runs the program's read-only instructions on a book.
pub trait Evaluator {
    /// `margin_check`.
    fn check(&mut self, book: &Book, args: &MarginCheckArgs) -> Result<Run<MarginReport>, EvaluateError>;
    /// `margin_quote`.
    fn quote(&mut self, book: &Book, args: &MarginQuoteArgs) -> Result<Run<MarginReport>, EvaluateError>;
    /// `margin_breakdown`.
    fn breakdown(&mut self, book: &Book, underlying: u16, part: BreakdownPart)
    -> Result<Run<Breakdown>, EvaluateError>;
}

/// The program's code, compiled for this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Host;

impl Evaluator for Host {
    fn check(&mut self, book: &Book, args: &MarginCheckArgs) -> Result<Run<MarginReport>, EvaluateError> {
        Ok(Run { value: book.snapshot.check(&book.account, args, book.now)?, compute_units: None })
    }

    fn quote(&mut self, book: &Book, args: &MarginQuoteArgs) -> Result<Run<MarginReport>, EvaluateError> {
        Ok(Run { value: book.snapshot.quote(&book.account, args, book.now)?, compute_units: None })
    }

    fn breakdown(
        &mut self,
        book: &Book,
        underlying: u16,
        part: BreakdownPart,
    ) -> Result<Run<Breakdown>, EvaluateError> {
        let value = book.snapshot.breakdown(&book.account, underlying, part, book.now)?;
        Ok(Run { value, compute_units: None })
    }
}

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Options {
    /// Another mode than the account's.
    pub mode: Option<AccountMode>,
    /// Whether every scenario and every leg is wanted: a call of the program for each leg.
    pub detail: bool,
    /// Whether net Greeks are wanted.
    pub greeks: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { mode: None, detail: false, greeks: true }
    }
}

/// Every figure of one book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// With all underlyings.
    pub report: MarginReport,
    /// By underlying, in the report's order; empty without `detail`.
    pub underlyings: Vec<UnderlyingDetail>,
    /// Of the dearest instruction; none on this machine.
    pub compute_units: Option<u64>,
}

/// Scenario profits of one underlying: the whole and its parts, which add up to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnderlyingDetail {
    /// Number of the underlying.
    pub index: u16,
    pub book: Breakdown,
    /// Tokens that offset positions.
    pub collateral: Breakdown,
    /// In the account's order.
    pub positions: Vec<Breakdown>,
}

/// Judges a book: all pages of the report, and the details where they are wanted.
///
/// # Errors
/// What the program refuses, with its own error; `Runtime` where it cannot run.
pub fn evaluate(evaluator: &mut impl Evaluator, book: &Book, options: &Options) -> Result<Evaluation, EvaluateError> {
    let mut args = MarginCheckArgs { mode: options.mode, greeks: options.greeks, ..Default::default() };
    let Run { value: mut report, mut compute_units } = evaluator.check(book, &args)?;
    while report.underlyings.len() < usize::from(report.underlying_count) {
        args.first_underlying = report.underlyings.len() as u8;
        let page = evaluator.check(book, &args)?.value;
        if page.underlyings.is_empty() {
            return Err(EvaluateError::Answer("a page of the report is empty".to_owned()));
        }
        report.underlyings.extend(page.underlyings);
    }
    let mut underlyings = Vec::new();
    if options.detail {
        for index in report.underlyings.iter().map(|underlying| underlying.index) {
            let mut part = |part| -> Result<Breakdown, EvaluateError> {
                let run = evaluator.breakdown(book, index, part)?;
                compute_units = compute_units.max(run.compute_units);
                Ok(run.value)
            };
            underlyings.push(UnderlyingDetail {
                index,
                book: part(BreakdownPart::Book)?,
                collateral: part(BreakdownPart::Collateral)?,
                positions: (0..positions_of(&book.account, index))
                    .map(|number| part(BreakdownPart::Position(number)))
                    .collect::<Result<_, _>>()?,
            });
        }
    }
    Ok(Evaluation { report, underlyings, compute_units })
}

/// Number of positions in an underlying; an account holds at most 128.
fn positions_of(account: &MarginAccount, underlying: u16) -> u8 {
    account.positions().iter().filter(|position| position.underlying == underlying).count() as u8
}
