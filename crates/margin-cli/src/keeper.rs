//! `margin keeper run`: the keeper, until it is asked to stop.

use margin_client::text::Style;
use margin_keeper::{
    config::Config,
    log::{self, stop_signal},
    run::Keeper,
};
use serde_json::json;

use crate::{
    cli::{FeedName, Global, KeeperArguments},
    error::CliError,
    output::Output,
};

/// Runs it; the result is printed when it has stopped.
pub fn run(global: &Global, arguments: &KeeperArguments, _style: Style) -> Result<Output, CliError> {
    let config = configuration(global, arguments)?;
    log::start(&config.monitoring)
        .map_err(|error| CliError::Keeper(format!("monitoring.log is no filter: {error}")))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CliError::Keeper(error.to_string()))?;
    runtime.block_on(async {
        // Asked to stop while it connects, it stops as well.
        let stop = stop_signal();
        tokio::pin!(stop);
        let keeper = tokio::select! {
            () = &mut stop => return Ok(()),
            keeper = Keeper::connect(config) => keeper.map_err(failed)?,
        };
        keeper.run(stop).await.map_err(failed)
    })?;
    Ok(Output { json: json!({ "stopped": true }), text: String::new() })
}

fn failed(error: margin_keeper::run::StartError) -> CliError {
    CliError::Keeper(error.to_string())
}

/// The file, and over it what the command line says. Without a file the network is that of the other commands.
fn configuration(global: &Global, arguments: &KeeperArguments) -> Result<Config, CliError> {
    let mut config = match &arguments.config {
        Some(path) => Config::load(path).map_err(|error| CliError::Keeper(error.to_string()))?,
        None => {
            let mut config = Config::default();
            config.node.rpc.clone_from(&global.url);
            config
        }
    };
    if let Some(engine) = global.engine {
        config.node.engine = Some(engine.to_string());
    }
    for chosen in &global.price_accounts {
        let feed = match &chosen.feed {
            FeedName::Id(id) => crate::chain::hex(id),
            FeedName::Symbol(symbol) => symbol.clone(),
        };
        config.prices.insert(feed, chosen.address.to_string());
    }
    if let Some(path) = &arguments.keypair {
        config.keeper.keypair = Some(path.clone());
    }
    config.keeper.dry_run |= arguments.dry_run;
    config.check().map_err(|error| CliError::Keeper(error.to_string()))?;
    Ok(config)
}
