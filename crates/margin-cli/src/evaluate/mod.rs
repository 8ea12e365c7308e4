//! `margin evaluate`: the margin of a portfolio in a file, without any network.

mod json;
mod text;

use std::{fs, path::Path};

use margin_client::{
    MarginReport,
    presets::ModelFile,
    presets::preset,
    state::{AccountMode, Position, VolShock},
    text::{Style, instrument_name},
};
use margin_evaluate::{
    Book, EvaluateError, Evaluation, Evaluator, Host, ModelSource, Options, Portfolio, Svm, UnderlyingDetail,
    default_program, evaluate, read_model,
};

use crate::{cli::EvaluateArguments, error::CliError, output::Output};

/// Every figure of one portfolio.
struct Assessment<'a> {
    file: &'a Path,
    book: &'a Book,
    /// In the account's own mode, with every scenario and leg.
    evaluation: Evaluation,
    /// The same book in each mode; `None` where an underlying does not offer it.
    modes: [(AccountMode, Option<MarginReport>); 3],
    on_chain: bool,
}

pub fn show(arguments: &EvaluateArguments, style: Style) -> Result<Output, CliError> {
    let file = &arguments.file;
    let mut portfolio = Portfolio::from_json(&read(file)?)
        .map_err(|error| CliError::Portfolio { file: file.clone(), error: Box::new(error) })?;
    if let Some(name) = &arguments.model {
        let model = model(name)?;
        for underlying in &mut portfolio.underlyings {
            underlying.model = ModelSource::Inline(Box::new(model.clone()));
        }
    }
    let book =
        Book::new(&portfolio).map_err(|error| CliError::Portfolio { file: file.clone(), error: Box::new(error) })?;
    let assessment = if arguments.on_chain {
        let path = arguments.program.clone().unwrap_or_else(default_program);
        let program = fs::read(&path).map_err(|error| CliError::NoProgram { path, reason: error.to_string() })?;
        assess(&mut Svm::new(&program)?, file, &book, true)?
    } else {
        assess(&mut Host, file, &book, false)?
    };
    Ok(Output { json: assessment.json(), text: assessment.text(style) })
}

fn read(path: &Path) -> Result<String, CliError> {
    fs::read_to_string(path).map_err(|error| CliError::NoFile { path: path.to_owned(), reason: error.to_string() })
}

/// A preset, or the model in a file.
fn model(name: &str) -> Result<ModelFile, CliError> {
    if let Some(model) = preset(name) {
        return Ok(model);
    }
    let path = Path::new(name);
    if !path.exists() {
        return Err(CliError::NoModel { name: name.to_owned() });
    }
    read_model(&read(path)?).map_err(|error| CliError::Portfolio { file: path.to_owned(), error: Box::new(error) })
}

fn assess<'a>(
    evaluator: &mut impl Evaluator,
    file: &'a Path,
    book: &'a Book,
    on_chain: bool,
) -> Result<Assessment<'a>, CliError> {
    let evaluation = evaluate(evaluator, book, &Options { detail: true, ..Options::default() })?;
    let mut in_mode = |mode| -> Result<(AccountMode, Option<MarginReport>), CliError> {
        match evaluate(evaluator, book, &Options { mode: Some(mode), detail: false, greeks: false }) {
            Ok(evaluation) => Ok((mode, Some(evaluation.report))),
            Err(EvaluateError::Program(error)) if error.name == "StandardNotOffered" => Ok((mode, None)),
            Err(error) => Err(error.into()),
        }
    };
    let modes = [in_mode(AccountMode::Portfolio)?, in_mode(AccountMode::Isolated)?, in_mode(AccountMode::Standard)?];
    Ok(Assessment { file, book, evaluation, modes, on_chain })
}

impl Assessment<'_> {
    fn symbol(&self, underlying: u16) -> &str {
        self.book.symbols.get(usize::from(underlying)).map_or("?", String::as_str)
    }

    /// Decimals of amounts of money.
    fn decimals(&self) -> u32 {
        u32::from(self.book.snapshot.engine.quote_decimals)
    }

    /// Positions of an underlying in the order of its rows.
    fn positions(&self, underlying: u16) -> impl Iterator<Item = &Position> {
        self.book.account.positions().iter().filter(move |position| position.underlying == underlying)
    }

    /// The name traders use, and the quantity in 1e-9 units.
    fn named(&self, position: &Position) -> (String, i128) {
        let symbol = self.symbol(position.underlying);
        // Books are made of known instruments.
        let name =
            position.instrument().map_or_else(|| symbol.to_owned(), |instrument| instrument_name(symbol, &instrument));
        let lot_size = self.book.underlyings.get(usize::from(position.underlying)).map_or(0, |state| state.lot_size);
        (name, i128::from(position.lots) * i128::from(lot_size))
    }

    fn detail(&self, underlying: u16) -> Option<&UnderlyingDetail> {
        self.evaluation.underlyings.iter().find(|detail| detail.index == underlying)
    }

    /// Spot multiplier, vol shock and weight of each scenario of an underlying.
    fn scenarios(&self, underlying: u16) -> impl Iterator<Item = (u64, VolShock, u64)> {
        let state = self.book.underlyings.get(usize::from(underlying));
        let scenarios = state.into_iter().flat_map(|state| state.scenarios());
        scenarios.map(|scenario| (scenario.spot, VolShock::from_byte(scenario.vol), u64::from(scenario.weight)))
    }

    /// Initial margin with everything netted.
    fn netted(&self) -> Option<i64> {
        self.modes
            .iter()
            .find(|(mode, _)| *mode == AccountMode::Portfolio)?
            .1
            .as_ref()
            .map(|report| report.initial_margin)
    }
}

/// The mode's name in files and output.
pub fn mode_name(mode: AccountMode) -> &'static str {
    match mode {
        AccountMode::Portfolio => "portfolio",
        AccountMode::Isolated => "isolated",
        AccountMode::Standard => "standard",
    }
}
