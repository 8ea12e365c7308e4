//! Names, numbers, times and tables for people.

mod table;

pub use table::{Align, Cell, Style, Table, Tone};

use margin_engine::state::{Instrument, InstrumentKind};

/// Decimals of prices and strikes (1e-12 USD).
pub const PRICE_DECIMALS: u32 = 12;
/// Decimals of quantities in units of an underlying (1e-9).
pub const UNIT_DECIMALS: u32 = 9;

/// The name traders use: `BTC-30JAN26-110000-C`, `BTC-30JAN26-110000-DC` (a digital call), `BTC-30JAN26`, `SOL-PERP`.
#[must_use]
pub fn instrument_name(symbol: &str, instrument: &Instrument) -> String {
    const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    let side = match instrument.kind {
        InstrumentKind::Perpetual => return format!("{symbol}-PERP"),
        InstrumentKind::Future => None,
        InstrumentKind::Call => Some("C"),
        InstrumentKind::Put => Some("P"),
        InstrumentKind::DigitalCall => Some("DC"),
        InstrumentKind::DigitalPut => Some("DP"),
    };
    let (year, month, day) = civil_date(instrument.expiry.div_euclid(86_400));
    let month = MONTHS[month as usize - 1];
    let series = format!("{symbol}-{day}{month}{:02}", year.rem_euclid(100));
    match side {
        Some(side) => format!("{series}-{}-{side}", exact(i128::from(instrument.strike), PRICE_DECIMALS)),
        None => series,
    }
}

/// `-1 234 567.89`: a fixed-point integer of `decimals`, rounded half away from zero to `shown` places.
#[must_use]
pub fn fixed(value: i128, decimals: u32, shown: u32) -> String {
    let shown = shown.min(decimals);
    let drop = 10_u128.pow(decimals - shown);
    let scaled = value.unsigned_abs() / drop + u128::from(value.unsigned_abs() % drop >= drop.div_ceil(2));
    let unit = 10_u128.pow(shown);
    let digits = (scaled / unit).to_string();
    let mut text = String::new();
    if value < 0 && scaled > 0 {
        text.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    if shown > 0 {
        text.push_str(&format!(".{:0>width$}", scaled % unit, width = shown as usize));
    }
    text
}

/// All digits of a fixed-point integer, without grouping or trailing zeros: `0.00001459`, `-110000`.
#[must_use]
pub fn exact(value: i128, decimals: u32) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let unit = 10_u128.pow(decimals);
    let (whole, part) = (value.unsigned_abs() / unit, value.unsigned_abs() % unit);
    let part = format!("{part:0>width$}", width = decimals as usize);
    let part = part.trim_end_matches('0');
    if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

/// A UTC time as `2026-01-05 21:21:30`.
#[must_use]
pub fn utc(unix: i64) -> String {
    let (year, month, day) = civil_date(unix.div_euclid(86_400));
    let seconds = unix.rem_euclid(86_400);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
fn civil_date(day: i64) -> (i64, i64, i64) {
    // Eras of 400 years that start on 1 March of year 0, so that a leap day is the last of its year.
    let shifted = day.saturating_add(719_468);
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_rounded_half_away_from_zero() {
        for (value, decimals, shown, text) in [
            (1_234_567_890_000, 6, 2, "1 234 567.89"),
            (-1_234_565, 6, 0, "-1"),
            (-1_500_000, 6, 0, "-2"),
            (-400_000, 6, 0, "0"),
            (999_999, 6, 0, "1"),
            (5, 0, 0, "5"),
            (-5, 0, 3, "-5"),
            (-120_500, 3, 1, "-120.5"),
            (7, 12, 12, "0.000000000007"),
            (i128::MIN, 0, 0, "-170 141 183 460 469 231 731 687 303 715 884 105 728"),
        ] {
            assert_eq!(fixed(value, decimals, shown), text);
        }
        assert_eq!(exact(110_000_000_000_000_000, 12), "110000");
        assert_eq!(exact(14_590_000, 12), "0.00001459");
        assert_eq!(exact(-1_500_000, 6), "-1.5");
        assert_eq!(exact(0, 12), "0");
        assert_eq!(exact(0, 0), "0");
    }

    #[test]
    fn times_are_civil() {
        assert_eq!(utc(0), "1970-01-01 00:00:00");
        assert_eq!(utc(1_767_648_090), "2026-01-05 21:21:30");
        assert_eq!(utc(951_782_400), "2000-02-29 00:00:00");
        assert_eq!(utc(-1), "1969-12-31 23:59:59");
    }

    #[test]
    fn instruments_have_the_names_traders_use() {
        let call = Instrument {
            underlying: 0,
            expiry: 1_769_760_000,
            strike: 110_000_000_000_000_000,
            kind: InstrumentKind::Call,
        };
        assert_eq!(instrument_name("BTC", &call), "BTC-30JAN26-110000-C");
        let put = Instrument { strike: 2_500_000_000_000, expiry: 1_772_179_200, kind: InstrumentKind::Put, ..call };
        assert_eq!(instrument_name("XRP", &put), "XRP-27FEB26-2.5-P");
        let digital = Instrument { kind: InstrumentKind::DigitalCall, ..call };
        assert_eq!(instrument_name("BTC", &digital), "BTC-30JAN26-110000-DC");
        let digital = Instrument { kind: InstrumentKind::DigitalPut, ..put };
        assert_eq!(instrument_name("BTC", &digital), "BTC-27FEB26-2.5-DP");
        let perpetual = Instrument { expiry: 0, strike: 0, kind: InstrumentKind::Perpetual, ..call };
        assert_eq!(instrument_name("SOL", &perpetual), "SOL-PERP");
    }
}
