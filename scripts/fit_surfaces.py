#!/usr/bin/env python3
"""Fit raw SVI surfaces to a real Deribit chain and write the local network's market file.

    python3 scripts/fit_surfaces.py            # writes crates/localnet/data/market_20260105.json
    python3 scripts/fit_surfaces.py --check    # refits and fails when the committed file differs

Input: the chains of $MARGIN_DATA/data/option_chains and the prices of $MARGIN_DATA/data/prices
(MARGIN_DATA defaults to ../shared beside the workspace). Standard library only, no randomness:
the same input gives the same bytes.

Per expiry, total variance w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2)), k = ln(K / F),
is fitted to the mark volatilities of every listed strike by weighted least squares *in volatility*.
A strike weighs its Black vega, times LIQUID when its out-of-the-money side is quoted two ways and
ILLIQUID when it is not. The parameters are searched in coordinates in which b > 0, |rho| < 1,
sigma > 0 and the minimum variance > 0 hold by construction; butterfly and calendar arbitrage enter as
penalties and are then verified, on the rounded integers that are published.
"""

import argparse
import csv
import datetime as dt
import gzip
import json
import math
import os
import statistics
import sys
from decimal import Decimal

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.environ.get("MARGIN_DATA", os.path.join(ROOT, "..", "shared"))
CHAINS = os.path.join(SHARED, "data", "option_chains")
PRICES = os.path.join(SHARED, "data", "prices")
OUTPUT = os.path.join(ROOT, "crates", "localnet", "data", "market_20260105.json")

SNAPSHOT = "20260105T2121Z"
EXPIRIES = ["2026-01-09", "2026-01-16", "2026-01-30", "2026-02-27", "2026-03-27", "2026-06-26"]
YEAR = 31_536_000
SVI_UNIT = 10**15
PRICE_UNIT = 10**12
LIQUID, ILLIQUID = 1.0, 0.25

# SOL has no chain in the data: see `derive_sol`.
SOL_SPOT_USD = "137.00"
RATIO_DAYS = 90

# The engine clamps k to +-4 sqrt(a + b sigma); the fit lives on the same domain.
CLAMP = 4.0
GRID = [i / 20.0 for i in range(-80, 81)]  # in units of sqrt(a + b sigma)


def w_svi(p, k):
    a, b, rho, m, sigma = p
    return a + b * (rho * (k - m) + math.sqrt((k - m) ** 2 + sigma**2))


def clamp_k(p, k):
    limit = CLAMP * math.sqrt(p[0] + p[1] * p[4])
    return max(-limit, min(limit, k))


def vol_svi(p, k, tau):
    return math.sqrt(w_svi(p, clamp_k(p, k)) / tau)


def butterfly_density(p, k):
    """Gatheral's g(k): negative where the implied density is."""
    a, b, rho, m, sigma = p
    root = math.sqrt((k - m) ** 2 + sigma**2)
    w = w_svi(p, k)
    w1 = b * (rho + (k - m) / root)
    w2 = b * sigma**2 / root**3
    return (1 - k * w1 / (2 * w)) ** 2 - w1**2 / 4 * (1 / w + 0.25) + w2 / 2


def grid_of(p):
    scale = math.sqrt(p[0] + p[1] * p[4])
    return [g * scale for g in GRID]


def norm_cdf(x):
    return 0.5 * math.erfc(-x / math.sqrt(2))


def black_call(forward, strike, sd):
    d1 = math.log(forward / strike) / sd + sd / 2
    return forward * norm_cdf(d1) - strike * norm_cdf(d1 - sd)


# --- data ---------------------------------------------------------------------------------------


def open_data(*parts):
    path = os.path.join(*parts)
    if not os.path.exists(path):
        sys.exit(f"missing input {path}: set MARGIN_DATA to the folder that holds data/")
    return gzip.open(path, "rt") if path.endswith(".gz") else open(path)


def parse_time(text):
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def load_chain(currency):
    with open_data(CHAINS, f"{currency.lower()}_{SNAPSHOT}.csv") as handle:
        rows = list(csv.DictReader(handle))
    now = int(parse_time(rows[0]["snapshot_ts"]).timestamp())
    spot = statistics.median(Decimal(r["index_price"]) for r in rows)
    expiries = []
    for day in EXPIRIES:
        mine = [r for r in rows if r["expiry_ts"].startswith(day)]
        expiry = int(parse_time(mine[0]["expiry_ts"]).timestamp())
        forward = statistics.median(Decimal(r["underlying_price"]) for r in mine)
        expiries.append(
            {
                "day": day,
                "expiry": expiry,
                "tau": (expiry - now) / YEAR,
                "forward": forward.quantize(Decimal("0.01")),
                "points": strike_points(mine, float(forward), (expiry - now) / YEAR),
            }
        )
    return now, spot.quantize(Decimal("0.01")), expiries


def strike_points(rows, forward, tau):
    """One point a strike: (k, vol, weight). Call and put carry the same mark volatility."""
    by_strike = {}
    for row in rows:
        by_strike.setdefault(float(row["strike"]), {})[row["option_type"]] = row
    points = []
    for strike, sides in sorted(by_strike.items()):
        otm = sides["C" if strike >= forward else "P"]
        vol = float(otm["mark_iv"]) / 100
        sd = vol * math.sqrt(tau)
        k = math.log(strike / forward)
        d1 = -k / sd + sd / 2
        two_sided = otm["bid_price"] != "" and otm["ask_price"] != ""
        vega = math.exp(-d1 * d1 / 2)
        points.append((k, vol, vega * (LIQUID if two_sided else ILLIQUID), abs(k / sd)))
    return points


# --- fit ----------------------------------------------------------------------------------------


def decode(x):
    """Unconstrained coordinates -> (a, b, rho, m, sigma); minimum variance a + b sigma sqrt(1 - rho^2) = exp(x0)."""
    b, rho, sigma = math.exp(x[1]), math.tanh(x[2]), math.exp(x[4])
    return (math.exp(x[0]) - b * sigma * math.sqrt(1 - rho * rho), b, rho, x[3], sigma)


def residuals(x, points, tau, previous):
    p = decode(x)
    out = []
    for k, vol, weight, _ in points:
        # Unclamped while searching: the clamp has a kink, and only strikes of no vega lie beyond it.
        out.append(math.sqrt(weight) * (math.sqrt(max(w_svi(p, k), 1e-12) / tau) - vol))
    for k in grid_of(p):
        out.append(10.0 * min(0.0, butterfly_density(p, k) - 1e-4))
    out.append(10.0 * max(0.0, p[1] * (1 + abs(p[2])) - 2))  # Lee's bound on the wings
    if previous is not None:
        for k in grid_of(previous):
            out.append(100.0 * max(0.0, w_svi(previous, k) * (1 + 1e-6) - w_svi(p, k)))
    return out


def solve(matrix, vector):
    """Gaussian elimination with partial pivoting."""
    n = len(vector)
    rows = [list(matrix[i]) + [vector[i]] for i in range(n)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for j in range(i + 1, n):
            factor = rows[j][i] / rows[i][i]
            for c in range(i, n + 1):
                rows[j][c] -= factor * rows[i][c]
    out = [0.0] * n
    for i in reversed(range(n)):
        out[i] = (rows[i][n] - sum(rows[i][c] * out[c] for c in range(i + 1, n))) / rows[i][i]
    return out


def levenberg_marquardt(x, function, iterations=200):
    damping, n = 1e-3, len(x)
    res = function(x)
    cost = sum(r * r for r in res)
    for _ in range(iterations):
        columns = []
        for i in range(n):
            step = 1e-6 * max(1.0, abs(x[i]))
            moved = function([v + step * (i == j) for j, v in enumerate(x)])
            columns.append([(u - v) / step for u, v in zip(moved, res)])
        jtj = [[sum(a * b for a, b in zip(ci, cj)) for cj in columns] for ci in columns]
        jtr = [sum(a * b for a, b in zip(ci, res)) for ci in columns]
        improved = False
        for _ in range(12):
            system = [
                [jtj[i][j] + (damping * (jtj[i][i] + 1e-12) if i == j else 0.0) for j in range(n)]
                for i in range(n)
            ]
            trial = [v - d for v, d in zip(x, solve(system, jtr))]
            try:
                trial_res = function(trial)
                trial_cost = sum(r * r for r in trial_res)
            except (OverflowError, ValueError, ZeroDivisionError):
                trial_cost = math.inf
            if trial_cost < cost:
                gain = cost - trial_cost
                x, res, cost, damping, improved = trial, trial_res, trial_cost, damping / 4, True
                break
            damping *= 4
        if not improved or gain < 1e-14 * cost:
            break
    return x, cost


def fit_expiry(points, tau, previous):
    atm_vol = min(points, key=lambda p: abs(p[0]))[1]
    w0 = atm_vol**2 * tau
    sd = math.sqrt(w0)
    best = None
    for rho in (-0.3, 0.0, 0.3):
        for width in (0.5, 1.5):
            for level in (0.3, 0.8):
                start = [math.log(level * w0), math.log(0.5 * sd), math.atanh(rho), 0.0, math.log(width * sd)]
                x, cost = levenberg_marquardt(start, lambda v: residuals(v, points, tau, previous))
                if best is None or cost < best[1]:
                    best = (x, cost)
    return decode(best[0])


# --- output -------------------------------------------------------------------------------------


def to_units(p):
    return [round(v * SVI_UNIT) for v in p]


def from_units(units):
    return tuple(v / SVI_UNIT for v in units)


def fit_errors(p, points, tau):
    """Errors in vol points over the strikes within 2 standard deviations, which carry the vega."""
    errors = [(vol_svi(p, k, tau) - vol) * 100 for k, vol, _, z in points if z <= 2]
    rms = math.sqrt(sum(e * e for e in errors) / len(errors))
    return {"strikes": len(errors), "rms_vol_points": round(rms, 3), "max_vol_points": round(max(map(abs, errors)), 3)}


def verify(name, surfaces):
    """Vertical, butterfly and calendar arbitrage on the integers that are published."""
    previous = None
    for s in surfaces:
        p, forward, where = from_units(s["svi"]), float(s["forward"]), f"{name} {s['day']}"
        a, b, rho, _, sigma = p
        assert b > 0 and abs(rho) < 1 and sigma > 0, f"{where}: parameters out of range"
        assert a + b * sigma * math.sqrt(1 - rho * rho) >= 0, f"{where}: negative minimum variance"
        assert b * (1 + abs(rho)) <= 2, f"{where}: wings steeper than Lee's bound"
        grid = grid_of(p)
        assert all(butterfly_density(p, k) >= 0 for k in grid), f"{where}: butterfly arbitrage"
        strikes = [forward * math.exp(k) for k in grid]
        calls = [black_call(forward, x, math.sqrt(w_svi(p, k))) for x, k in zip(strikes, grid)]
        for (k0, c0), (k1, c1) in zip(zip(strikes, calls), zip(strikes[1:], calls[1:])):
            slope = (c1 - c0) / (k1 - k0)
            assert -1 - 1e-9 <= slope <= 1e-9, f"{where}: vertical arbitrage at strike {k0:.0f}"
        if previous is not None:
            for k in grid_of(previous):
                assert w_svi(p, k) >= w_svi(previous, k), f"{where}: calendar arbitrage at k = {k:.3f}"
        previous = p


def price_units(value):
    return int((Decimal(value) * PRICE_UNIT).to_integral_value())


def surface_row(s):
    a, b, rho, m, sigma = s["svi"]
    row = {
        "day": s["day"],
        "expiry": s["expiry"],
        "forward": price_units(s["forward"]),
        "svi": {"a": a, "b": b, "rho": rho, "m": m, "sigma": sigma},
        "atm_vol_percent": round(vol_svi(from_units(s["svi"]), 0.0, s["tau"]) * 100, 2),
    }
    if "fit" in s:
        row["fit"] = s["fit"]
    return row


def fit_chain(currency):
    now, spot, expiries = load_chain(currency)
    surfaces, previous = [], None
    for e in expiries:
        p = fit_expiry(e["points"], e["tau"], previous)
        units = to_units(p)
        previous = from_units(units)
        surfaces.append({**e, "svi": units, "fit": fit_errors(previous, e["points"], e["tau"])})
        print(f"{currency} {e['day']}  {surfaces[-1]['fit']}", file=sys.stderr)
    verify(currency, surfaces)
    return now, spot, surfaces


def hourly_closes(name):
    with open_data(PRICES, name) as handle:
        return {row["timestamp"]: float(row["close"]) for row in csv.DictReader(handle)}


def realised_ratio():
    """Realised volatility of SOL over ETH, hourly, over the last RATIO_DAYS days of the spot series."""
    eth, sol = hourly_closes("eth_1h_spot_2024-04_2024-12.csv.gz"), hourly_closes("sol_1h_spot_2020-08_2024-12.csv.gz")
    hours = sorted(set(eth) & set(sol))[-(RATIO_DAYS * 24 + 1) :]
    def total(series):
        return sum(math.log(series[b] / series[a]) ** 2 for a, b in zip(hours, hours[1:]))
    return round(math.sqrt(total(sol) / total(eth)), 2), hours[0], hours[-1]


def derive_sol(eth_spot, eth_surfaces, ratio):
    """ETH's smile at the same number of standard deviations, vols times `ratio`: w'(k) = r^2 w(k / r)."""
    surfaces = []
    for s in eth_surfaces:
        a, b, rho, m, sigma = from_units(s["svi"])
        carry = Decimal(s["forward"]) / Decimal(eth_spot)
        surfaces.append(
            {
                "day": s["day"],
                "expiry": s["expiry"],
                "tau": s["tau"],
                "forward": (Decimal(SOL_SPOT_USD) * carry).quantize(Decimal("0.0001")),
                "svi": to_units((a * ratio**2, b * ratio, rho, m * ratio, sigma * ratio)),
            }
        )
    verify("SOL", surfaces)
    return surfaces


def build():
    now, btc_spot, btc = fit_chain("BTC")
    eth_now, eth_spot, eth = fit_chain("ETH")
    assert now == eth_now, "the two chains are not one snapshot"
    ratio, first, last = realised_ratio()
    sol = derive_sol(eth_spot, eth, ratio)
    chain_source = "Deribit production marks, snapshot 2026-01-05T21:21:30Z"
    return {
        "title": "Spot, forwards and raw SVI surfaces of 2026-01-05, fitted by scripts/fit_surfaces.py",
        "provenance": [
            "BTC and ETH: Deribit option chains of 2026-01-05T21:21:30Z as collected in "
            "znmahbub/SVCJ-Deribit-Inverse-Options-Pricer, data/deribit_options_snapshot_20260105T212130Z.csv, "
            "commit 516b0cb0f4d7c0f2874d04662961b01147583c5f. Mark volatilities; forward = Deribit's underlying price "
            "of the expiry; spot = Deribit's index. Deribit marks are undiscounted, hence rate 0.",
            f"SOL is DERIVED, not observed: no Deribit SOL chain was available. Spot {SOL_SPOT_USD} USD is a typed-in "
            f"round figure, not a quote; carry is ETH's; each smile is ETH's at equal standard deviations with vols "
            f"times {ratio}, the ratio of realised hourly volatility SOL / ETH from {first} to {last} "
            "(Binance spot closes).",
        ],
        "units": {
            "forward, spot": "1e-12 USD",
            "svi": "1e-15 each; total variance at tau = (expiry - time) / 31 536 000 s, k = ln(K / forward)",
            "rate": "1e-10 per year",
            "fit": "vol points, strikes within 2 standard deviations",
        },
        "time": now,
        "rate": 0,
        "underlyings": [
            {"symbol": "BTC", "source": chain_source, "spot": price_units(btc_spot), "expiries": [surface_row(s) for s in btc]},
            {"symbol": "ETH", "source": chain_source, "spot": price_units(eth_spot), "expiries": [surface_row(s) for s in eth]},
            {"symbol": "SOL", "source": "derived from ETH, see provenance", "spot": price_units(SOL_SPOT_USD), "expiries": [surface_row(s) for s in sol]},
        ],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the committed file instead of writing it")
    arguments = parser.parse_args()
    text = json.dumps(build(), indent=1) + "\n"
    if arguments.check:
        with open(OUTPUT) as handle:
            if handle.read() != text:
                sys.exit(f"{os.path.relpath(OUTPUT, ROOT)} is stale: run scripts/fit_surfaces.py")
        return
    os.makedirs(os.path.dirname(OUTPUT), exist_ok=True)
    with open(OUTPUT, "w") as handle:
        handle.write(text)


if __name__ == "__main__":
    main()
