//! Prices options from standard input, one a line: spot, strike (1e-12 USD), seconds, rate (1e-10), vol (1e-8), `call`
//! or `put`. Prints value (1e-12 USD), delta, gamma, vega, theta, rho, vanna, volga (relative to spot, times 2^40).

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::str::FromStr;

use margin_core::{Greeks, OptionKind, Price, Rate, Seconds, Vol, greeks_from_spot};

fn next<'a, T>(fields: &mut impl Iterator<Item = &'a str>) -> Result<T, Box<dyn Error>>
where
    T: FromStr<Err: Error + 'static>,
{
    Ok(fields.next().ok_or("too few fields")?.parse()?)
}

fn price(line: &str) -> Result<String, Box<dyn Error>> {
    let mut fields = line.split_whitespace();
    let (spot, strike) = (Price(next(&mut fields)?), Price(next(&mut fields)?));
    let (time, rate, vol) = (Seconds(next(&mut fields)?), Rate(next(&mut fields)?), Vol(next(&mut fields)?));
    let kind = match fields.next() {
        Some("call") => OptionKind::Call,
        Some("put") => OptionKind::Put,
        other => return Err(format!("call or put expected, not {other:?}").into()),
    };
    let (value, Greeks { delta, gamma, vega, theta, rho, vanna, volga }) =
        greeks_from_spot(spot, strike, time, rate, vol, kind)?;
    Ok(format!("{} {delta} {gamma} {vega} {theta} {rho} {vanna} {volga}", value.0))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let line = line?;
        writeln!(out, "{}", price(&line).map_err(|error| format!("{line}: {error}"))?)?;
    }
    Ok(())
}
