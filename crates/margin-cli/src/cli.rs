//! The command line.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand};
use margin_client::pyth::{FeedId, feeds};
use solana_pubkey::Pubkey;

/// Portfolio margin on Solana: look at accounts, markets and margin.
#[derive(Debug, Parser)]
#[command(name = "margin", version, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Network and output")]
pub struct Global {
    /// JSON-RPC address of a Solana node
    #[arg(long, global = true, env = "MARGIN_RPC_URL", default_value = "http://127.0.0.1:8899", value_name = "URL", value_parser = http_url)]
    pub url: String,
    /// Margin engine; may be left out where the node knows only one
    #[arg(long, global = true, env = "MARGIN_ENGINE", value_name = "ADDRESS", value_parser = address)]
    pub engine: Option<Pubkey>,
    /// Price account to read for a feed (by symbol or feed id); may be given several times
    ///
    /// Without it the freshest fully verified Pyth update of the feed is searched.
    #[arg(long = "price-account", global = true, value_name = "FEED=ADDRESS", value_parser = price_account)]
    pub price_accounts: Vec<PriceAccount>,
    /// Print JSON (errors too, on standard error)
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Margin accounts
    #[command(subcommand)]
    Account(AccountCommand),
    /// Collaterals, underlyings, expiries and margin models
    #[command(subcommand)]
    Market(MarketCommand),
    /// What the program says about an account's margin, and what makes it up
    ///
    /// Simulates `margin_check` on the node; nothing is sent and nobody signs.
    Report {
        #[command(flatten)]
        account: AccountSelector,
        /// Pays the fee of the simulation, so it must hold some SOL [default: the account's owner]
        #[arg(long, value_name = "ADDRESS", value_parser = address)]
        fee_payer: Option<Pubkey>,
    },
    /// Whether the program's figures are right: recomputes them here and compares, line by line
    ///
    /// Simulates `margin_check` on the node; nothing is sent and nobody signs. Exit status 1 when a figure differs.
    Dispute {
        #[command(flatten)]
        account: AccountSelector,
        /// Pays the fee of the simulation, so it must hold some SOL [default: the account's owner]
        #[arg(long, value_name = "ADDRESS", value_parser = address)]
        fee_payer: Option<Pubkey>,
    },
    /// One round of a keeper: samples, finalises and settles every series for which it is time
    ///
    /// Sends a transaction for each step; anybody may. Run it once a minute. Exit status 1 when a step fails, as it does when
    /// somebody else was faster.
    Settle(SettleArguments),
    /// The liquidation keeper
    #[command(subcommand)]
    Keeper(KeeperCommand),
    /// The margin of a portfolio in a file; needs no network
    ///
    /// docs/evaluate.md describes the file, examples/portfolio.json is one.
    Evaluate(EvaluateArguments),
}

#[derive(Debug, Args)]
pub struct SettleArguments {
    /// Key that pays the fees of the transactions: a file as the Solana tools write it
    #[arg(long, value_name = "FILE")]
    pub keypair: PathBuf,
    /// Margin account that receives the rewards [default: number 0 of the key]
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub settler: Option<Pubkey>,
}

#[derive(Debug, Subcommand)]
pub enum KeeperCommand {
    /// Liquidates, settles and keeps prices and funding going, until Ctrl-C or SIGTERM
    ///
    /// docs/keepers.md describes the configuration, crates/keeper/keeper.example.toml is one.
    Run(KeeperArguments),
}

#[derive(Debug, Args)]
pub struct KeeperArguments {
    /// Configuration; without it the defaults hold, and --url names the node
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Key that signs and pays fees, instead of the configuration's
    #[arg(long, value_name = "FILE")]
    pub keypair: Option<PathBuf>,
    /// Simulate what would be sent, and send nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct EvaluateArguments {
    /// Market, margin models, account: one JSON object
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Margin model in place of every underlying's own: the name of a preset, or a model file
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// Run the program's SBF binary on a virtual machine instead of its code on this one
    #[arg(long)]
    pub on_chain: bool,
    /// The binary [default: where `cargo xtask build-sbf` leaves it]
    #[arg(long, value_name = "FILE", requires = "on_chain")]
    pub program: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Cash, token balances and positions of an account
    Show {
        #[command(flatten)]
        account: AccountSelector,
    },
}

#[derive(Debug, Subcommand)]
pub enum MarketCommand {
    /// All markets of the engine, or one underlying in full
    Show {
        /// Underlying, e.g. BTC
        symbol: Option<String>,
    },
    /// Claims that nobody has a usable price of a token, for a bond of 0.1 SOL
    ///
    /// Whoever brings a price takes the bond. If nobody does within a day, accounts that hold the token can be liquidated without
    /// its price: it counts for nothing then.
    Challenge(ChallengeArguments),
}

#[derive(Debug, Args)]
pub struct ChallengeArguments {
    /// Mint of the token
    #[arg(value_name = "MINT", value_parser = address)]
    pub mint: Pubkey,
    /// Key that pays the bond: a file as the Solana tools write it
    #[arg(long, value_name = "FILE")]
    pub keypair: PathBuf,
}

/// One margin account: by its address, or by its owner and the owner's number.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whose").required(true))]
pub struct AccountSelector {
    /// Address of the margin account
    #[arg(value_name = "ACCOUNT", value_parser = address, group = "whose")]
    pub address: Option<Pubkey>,
    /// Owner of the margin account
    #[arg(long, value_name = "ADDRESS", value_parser = address, group = "whose")]
    pub owner: Option<Pubkey>,
    /// The owner's number for the account
    #[arg(long, value_name = "NUMBER", default_value_t = 0, conflicts_with = "address")]
    pub index: u16,
}

/// A price account chosen by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceAccount {
    pub feed: FeedName,
    pub address: Pubkey,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedName {
    Id(FeedId),
    /// Symbol of an underlying.
    Symbol(String),
}

fn http_url(text: &str) -> Result<String, String> {
    if text.starts_with("http://") || text.starts_with("https://") {
        return Ok(text.to_owned());
    }
    Err("a node's address begins with http:// or https://".to_owned())
}

fn address(text: &str) -> Result<Pubkey, String> {
    text.parse()
        .map_err(|_| format!("'{text}' is not an address: 32 bytes in base58, e.g. {}", margin_client::PROGRAM_ID))
}

fn price_account(text: &str) -> Result<PriceAccount, String> {
    let (feed, account) =
        text.split_once('=').ok_or("write FEED=ADDRESS, e.g. BTC=7UVimffxr9ow1uXYxsr4LHAcV58mLzhmwaeKvJ1pjLiE")?;
    Ok(PriceAccount { feed: feed_name(feed)?, address: address(account)? })
}

fn feed_name(text: &str) -> Result<FeedName, String> {
    let known = match text.to_ascii_uppercase().as_str() {
        "BTC" => Some(feeds::BTC_USD),
        "ETH" => Some(feeds::ETH_USD),
        "SOL" => Some(feeds::SOL_USD),
        "USDC" => Some(feeds::USDC_USD),
        _ => None,
    };
    if let Some(id) = known.or_else(|| feed_id(text)) {
        return Ok(FeedName::Id(id));
    }
    if text.is_empty() || text.len() > 16 || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(format!("'{text}' is neither a symbol nor a feed id of 64 hexadecimal digits"));
    }
    Ok(FeedName::Symbol(text.to_owned()))
}

fn feed_id(text: &str) -> Option<FeedId> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    let mut id = [0; 32];
    for (byte, at) in id.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&digits[at..at + 2], 16).ok()?;
    }
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn price_accounts_name_a_feed_by_symbol_or_id() {
        let address = margin_client::PROGRAM_ID;
        let parse = |feed: &str| price_account(&format!("{feed}={address}")).map(|parsed| parsed.feed);
        assert_eq!(parse("btc"), Ok(FeedName::Id(feeds::BTC_USD)));
        let id = "e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43";
        assert_eq!(parse(id), Ok(FeedName::Id(feeds::BTC_USD)));
        assert_eq!(parse(&format!("0x{id}")), Ok(FeedName::Id(feeds::BTC_USD)));
        assert_eq!(parse("WIF"), Ok(FeedName::Symbol("WIF".to_owned())));
        assert!(parse("").is_err());
        assert!(parse("no such feed").is_err());
        assert!(price_account("BTC").is_err());
        assert!(price_account("BTC=nowhere").is_err());
    }

    #[test]
    fn an_account_is_named_one_way() {
        let parse = |words: &[&str]| Cli::try_parse_from([&["margin", "report"], words].concat());
        let address = margin_client::PROGRAM_ID.to_string();
        assert!(parse(&[&address]).is_ok());
        assert!(parse(&["--owner", &address, "--index", "3"]).is_ok());
        assert!(parse(&[]).is_err());
        assert!(parse(&[&address, "--owner", &address]).is_err());
        assert!(parse(&["abc"]).is_err());
    }
}
