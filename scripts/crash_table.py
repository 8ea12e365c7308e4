#!/usr/bin/env python3
"""Extract the crash of 2024-08-05 from hourly prices into the small table the demo replays.

    python3 scripts/crash_table.py            # writes crates/localnet/data/crash_20240805.json
    python3 scripts/crash_table.py --check    # fails when the committed file differs

Input: $MARGIN_DATA/data/prices (MARGIN_DATA defaults to ../shared beside the workspace).
Row 0 is the base: the replay applies each later row's close / base close to the spot of the market
snapshot, and its DVOL / base DVOL to every volatility. Standard library only, deterministic.
"""

import argparse
import csv
import gzip
import json
import os
import sys
from decimal import Decimal

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.environ.get("MARGIN_DATA", os.path.join(ROOT, "..", "shared"))
PRICES = os.path.join(SHARED, "data", "prices")
OUTPUT = os.path.join(ROOT, "crates", "localnet", "data", "crash_20240805.json")

EVENT, SOURCE = "2024-08-05_yen_unwind", "binance_spot"
SYMBOLS = ["BTC", "ETH", "SOL"]
FIRST, LAST = "2024-08-04T00:00:00Z", "2024-08-06T00:00:00Z"


def open_data(name):
    path = os.path.join(PRICES, name)
    if not os.path.exists(path):
        sys.exit(f"missing input {path}: set MARGIN_DATA to the folder that holds data/")
    return gzip.open(path, "rt") if name.endswith(".gz") else open(path)


def scaled(text, unit):
    value = Decimal(text) * unit
    assert value == value.to_integral_value(), f"{text} is finer than 1/{unit}"
    return int(value)


def build():
    with open_data("btc_dvol_1h_2021-03_2024-12.csv.gz") as handle:
        dvol = {row["timestamp"]: row["dvol"] for row in csv.DictReader(handle)}
    hours = {}
    with open_data("stress_windows_1h.csv") as handle:
        for row in csv.DictReader(handle):
            if row["event"] == EVENT and row["source"] == SOURCE and FIRST <= row["timestamp"] <= LAST:
                hours.setdefault(row["timestamp"], {})[row["symbol"]] = scaled(row["close"], 10_000)
    for stamp, closes in hours.items():
        assert sorted(closes) == SYMBOLS and stamp in dvol, f"incomplete hour {stamp}"
    assert len(hours) == 49, f"expected 49 hours, found {len(hours)}"
    return {
        "title": "The crash of 2024-08-05, hourly, extracted by scripts/crash_table.py",
        "provenance": [
            "ETH, BTC: Binance spot hourly closes as collected in azmath606961/hawk-crypto-bot, "
            "data/BTCUSDT_1h.csv and data/ETHUSDT_1h.csv, commit fad1a57dd55e692288e22ef17ab4e4f81e3f2f18. "
            "SOL: Binance spot hourly closes as collected in DaruFinance/quant-research-framework-rs, "
            "data/SOLUSDT_1h.csv, commit 26766d9a1c7efbd5004145d7bc4637251c8bef89. Prices are in USDT.",
            "DVOL: Deribit's BTC volatility index, hourly closes, as collected in "
            "LucasHonoratoDeSouza/btc-vrp-arbitrage, data/extended/btc_dvol_1h_5y.csv, "
            "commit 4ff0f423b4388485028e6166157d17580d7636e7.",
            "Vol response of the replay: every volatility of every underlying and expiry moves by the same hour's "
            "DVOL / base DVOL. There is no ETH or SOL index in the data, so theirs is BTC's: an assumption.",
        ],
        "units": {"time": "open of the hour, UTC; the close is known one hour later", "close": "1e-4 USDT", "dvol": "1e-2 percent"},
        "columns": ["time", *SYMBOLS, "DVOL"],
        "rows": [
            [stamp, *(closes[s] for s in SYMBOLS), scaled(dvol[stamp], 100)] for stamp, closes in sorted(hours.items())
        ],
    }


def render(table):
    """One row of the table on one line: a reader can see it, and a diff stays small."""
    rows = table.pop("rows")
    head = json.dumps(table, indent=1).rstrip("}\n ")
    return head + ',\n "rows": [\n' + ",\n".join("  " + json.dumps(r) for r in rows) + "\n ]\n}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the committed file instead of writing it")
    arguments = parser.parse_args()
    text = render(build())
    json.loads(text)
    if arguments.check:
        with open(OUTPUT) as handle:
            if handle.read() != text:
                sys.exit(f"{os.path.relpath(OUTPUT, ROOT)} is stale: run scripts/crash_table.py")
        return
    with open(OUTPUT, "w") as handle:
        handle.write(text)


if __name__ == "__main__":
    main()
