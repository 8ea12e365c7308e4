//! `margin market challenge`: the claim that nobody has a price of a token.

use margin_client::{
    constants::{CHALLENGE_BOND, CHALLENGE_SECONDS},
    instructions::PriceChallenge,
    text::{Style, exact, utc},
};
use serde_json::json;
use solana_signer::Signer as _;

use crate::{
    chain::{Markets, engine_address},
    cli::{ChallengeArguments, Global},
    error::CliError,
    node::{Node, keypair},
    output::{Output, Page},
};

/// Decimals of SOL.
const SOL_DECIMALS: u32 = 9;

pub fn run(node: &Node, global: &Global, arguments: &ChallengeArguments, style: Style) -> Result<Output, CliError> {
    let payer = keypair(&arguments.keypair)?;
    let markets = Markets::load_without_prices(node, engine_address(node, global)?)?;
    let token = markets.token(&arguments.mint)?;
    let claim = PriceChallenge { challenger: payer.pubkey(), collateral: token.address };
    let signature = node.send(&payer, &[claim.instruction()])?;
    let holds_from = markets.now.saturating_add(CHALLENGE_SECONDS);
    let bond = exact(i128::from(CHALLENGE_BOND), SOL_DECIMALS);

    let mut page = Page::new(&format!("Token {}", token.mint), style);
    page.facts([
        ("claim", "nobody has a usable price".into()),
        ("bond", format!("{bond} SOL, for whoever brings one").into()),
        ("unanswered", format!("counts for nothing in liquidation from {} UTC on", utc(holds_from)).into()),
        ("transaction", signature.clone().into()),
    ]);
    let json = json!({
        "collateral": token.address.to_string(),
        "mint": token.mint.to_string(),
        "bondLamports": CHALLENGE_BOND,
        "holdsFrom": holds_from,
        "signature": signature,
    });
    Ok(Output { json, text: page.finish() })
}
