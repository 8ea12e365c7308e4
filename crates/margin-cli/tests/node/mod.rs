//! A Solana node of a few accounts on a loopback port: the JSON-RPC methods that the tool calls, answered as the
//! specification of the RPC interface says.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use solana_account::Account;
use solana_pubkey::Pubkey;

const DIGITS: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

#[derive(Default)]
pub struct State {
    pub accounts: BTreeMap<Pubkey, Account>,
    /// Value of the answer to `simulateTransaction`.
    pub simulation: Value,
    /// Refuse every transaction.
    pub refuse_transactions: bool,
    /// Refuse `getProgramAccounts`, as public nodes do for large programs.
    pub no_search_of: Option<Pubkey>,
}

/// Serves until the process ends.
pub struct FakeNode {
    pub url: String,
}

impl FakeNode {
    pub fn start(state: State) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), &state);
            }
        });
        Self { url }
    }
}

fn answer(mut stream: TcpStream, state: &State) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let request: Value = serde_json::from_slice(&body).unwrap();
    let method = request["method"].as_str().unwrap();
    let mut reply = json!({ "jsonrpc": "2.0", "id": request["id"] });
    match call(state, method, &request["params"]) {
        Ok(result) => reply["result"] = result,
        Err(message) => reply["error"] = json!({ "code": -32_000, "message": message }),
    }
    let reply = reply.to_string();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{reply}",
        reply.len()
    )
    .unwrap();
}

fn call(state: &State, method: &str, params: &Value) -> Result<Value, String> {
    let context = json!({ "slot": 1, "apiVersion": "4.0.0" });
    match method {
        "getMultipleAccounts" => {
            let found: Vec<Value> = params[0]
                .as_array()
                .unwrap()
                .iter()
                .map(|address| {
                    state.accounts.get(&address.as_str().unwrap().parse().unwrap()).map_or(Value::Null, account)
                })
                .collect();
            Ok(json!({ "context": context, "value": found }))
        }
        "getProgramAccounts" => {
            let program: Pubkey = params[0].as_str().unwrap().parse().unwrap();
            if state.no_search_of == Some(program) {
                return Err("excluded from account secondary indexes".to_owned());
            }
            let matches = |found: &Account| {
                found.owner == program
                    && params[1]["filters"].as_array().unwrap().iter().all(|filter| {
                        let (offset, bytes) = memcmp(&filter["memcmp"]);
                        found.data.get(offset..offset + bytes.len()) == Some(&bytes[..])
                    })
            };
            let found = state.accounts.iter().filter(|(_, found)| matches(found));
            Ok(found
                .map(|(address, found)| json!({ "pubkey": address.to_string(), "account": account(found) }))
                .collect())
        }
        "simulateTransaction" => Ok(json!({ "context": context, "value": state.simulation })),
        "getLatestBlockhash" => {
            let hash = Pubkey::new_from_array([1; 32]).to_string();
            Ok(json!({ "context": context, "value": { "blockhash": hash, "lastValidBlockHeight": 1 } }))
        }
        "isBlockhashValid" => Ok(json!({ "context": context, "value": true })),
        "sendTransaction" => {
            let transaction = BASE64_STANDARD.decode(params[0].as_str().unwrap()).unwrap();
            // A count of one, the signature, the message.
            assert_eq!(transaction[0], 1);
            match state.refuse_transactions {
                true => Err("the transaction failed".to_owned()),
                false => Ok(json!(to_base58(&transaction[1..65]))),
            }
        }
        "getSignatureStatuses" => {
            let status = json!({ "slot": 1, "confirmations": null, "err": null, "status": { "Ok": null },
                "confirmationStatus": "finalized" });
            Ok(json!({ "context": context, "value": [status] }))
        }
        _ => Err(format!("method {method} is not served")),
    }
}

fn memcmp(filter: &Value) -> (usize, Vec<u8>) {
    let bytes = match filter["encoding"].as_str() {
        Some("base64") => BASE64_STANDARD.decode(filter["bytes"].as_str().unwrap()).unwrap(),
        _ => base58(filter["bytes"].as_str().unwrap()),
    };
    (filter["offset"].as_u64().unwrap() as usize, bytes)
}

fn to_base58(bytes: &[u8]) -> String {
    let mut digits: Vec<u8> = Vec::new();
    for byte in bytes {
        let mut carry = usize::from(*byte);
        for digit in &mut digits {
            carry += usize::from(*digit) * 256;
            *digit = (carry % 58) as u8;
            carry /= 58;
        }
        while carry > 0 {
            digits.push((carry % 58) as u8);
            carry /= 58;
        }
    }
    digits.extend(bytes.iter().take_while(|byte| **byte == 0).map(|_| 0));
    digits.iter().rev().map(|digit| char::from(DIGITS[usize::from(*digit)])).collect()
}

fn base58(text: &str) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::new();
    for character in text.bytes() {
        let mut carry = DIGITS.iter().position(|digit| *digit == character).unwrap();
        for byte in &mut bytes {
            carry += usize::from(*byte) * 58;
            *byte = carry as u8;
            carry >>= 8;
        }
        while carry > 0 {
            bytes.push(carry as u8);
            carry >>= 8;
        }
    }
    bytes.extend(text.bytes().take_while(|character| *character == b'1').map(|_| 0));
    bytes.reverse();
    bytes
}

fn account(account: &Account) -> Value {
    json!({
        "lamports": account.lamports,
        "data": [BASE64_STANDARD.encode(&account.data), "base64"],
        "owner": account.owner.to_string(),
        "executable": false,
        "rentEpoch": 0,
        "space": account.data.len(),
    })
}
