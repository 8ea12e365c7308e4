//! What only a test network offers: accounts and programs written directly, and the faucet.

use std::path::Path;

use serde_json::{Value, json};
use solana_account::Account;
use solana_clock::Clock;
use solana_pubkey::Pubkey;
use solana_rpc_client::rpc_client::RpcClient;
use solana_rpc_client_api::request::RpcRequest;
use surfpool_sdk::cheatcodes::builders::{CheatcodeBuilder, SetAccount};

use crate::{LocalnetError, Result};

const CLOCK_SYSVAR: Pubkey = Pubkey::from_str_const("SysvarC1ock11111111111111111111111111111111");

/// Writes an account as it is.
pub fn set_account(client: &RpcClient, address: &Pubkey, account: &Account) -> Result<()> {
    let request = SetAccount::new(*address)
        .lamports(account.lamports)
        .owner(account.owner)
        .data(account.data.clone())
        .executable(account.executable);
    call(client, SetAccount::METHOD, request.build())
}

/// Writes a rent-exempt data account.
pub fn set_data(client: &RpcClient, address: &Pubkey, owner: &Pubkey, data: Vec<u8>) -> Result<()> {
    let lamports = rent_exempt_lamports(data.len());
    set_account(client, address, &Account { lamports, data, owner: *owner, executable: false, rent_epoch: u64::MAX })
}

/// Gives a wallet lamports, as a faucet would.
pub fn fund(client: &RpcClient, address: &Pubkey, lamports: u64) -> Result<()> {
    call(client, SetAccount::METHOD, SetAccount::new(*address).lamports(lamports).build())
}

/// Puts a program's ELF at its address, owned by the upgradeable loader, with no key needed for either.
pub fn deploy_program(client: &RpcClient, program_id: &Pubkey, elf: &Path) -> Result<()> {
    let bytes = std::fs::read(elf).map_err(|source| LocalnetError::ProgramFile { path: elf.to_owned(), source })?;
    let offset = 0;
    call(client, "surfnet_writeProgram", json!([program_id.to_string(), hex::encode(&bytes), offset]))
}

pub(crate) fn read_clock(client: &RpcClient) -> Result<Clock> {
    let data = client.get_account_data(&CLOCK_SYSVAR).map_err(LocalnetError::rpc("reading the clock"))?;
    let word = |index: usize| -> Option<[u8; 8]> { data.get(index * 8..index * 8 + 8)?.try_into().ok() };
    let parse = || {
        Some(Clock {
            slot: u64::from_le_bytes(word(0)?),
            epoch_start_timestamp: i64::from_le_bytes(word(1)?),
            epoch: u64::from_le_bytes(word(2)?),
            leader_schedule_epoch: u64::from_le_bytes(word(3)?),
            unix_timestamp: i64::from_le_bytes(word(4)?),
        })
    };
    parse().ok_or_else(|| LocalnetError::AccountInvalid {
        what: "clock sysvar",
        address: CLOCK_SYSVAR,
        reason: format!("{} bytes, expected 40", data.len()),
    })
}

/// Two years of rent, the cluster's constants: 3 480 lamports a byte-year, 128 bytes of overhead.
pub fn rent_exempt_lamports(data_len: usize) -> u64 {
    const PER_BYTE_YEAR: u64 = 3_480;
    const OVERHEAD: u64 = 128;
    const YEARS: u64 = 2;
    (data_len as u64 + OVERHEAD) * PER_BYTE_YEAR * YEARS
}

fn call(client: &RpcClient, method: &'static str, params: Value) -> Result<()> {
    client.send::<Value>(RpcRequest::Custom { method }, params).map(drop).map_err(LocalnetError::rpc(method))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rent_is_the_clusters() {
        // The minimum balance of an SPL token account, a figure every wallet shows.
        assert_eq!(rent_exempt_lamports(165), 2_039_280);
    }
}
