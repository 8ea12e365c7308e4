#!/usr/bin/env python3
"""Compare the kernel's values and Greeks with QuantLib's, as a second opinion beside the mpmath reference set.

Usage: quantlib_check.py [CASES]      (needs the PyPI package QuantLib, 1.44, and cargo)

Random options over the kernel's stated range are priced by `cargo run -p margin-core --example price` and by
QuantLib's BlackCalculator, which works in double precision. It has no vanna and volga: those are compared with central
differences of its delta and vega, whose own error is about 1e-8. Prints the largest differences, normalised as in
`cargo xtask reference`, and fails when one passes its limit.
"""
import math
import os
import random
import subprocess
import sys

import QuantLib as ql

YEAR = 31_536_000
SCALE = 2.0**40
LIMITS = {
    "value": 2e-11,
    "delta": 2e-10,
    "gamma": 1e-9,
    "vega": 1e-9,
    "theta": 1e-8,
    "rho": 1e-9,
    "vanna": 1e-6,
    "volga": 1e-6,
}


def random_case(rng):
    """Spot 1 to 1e6 USD, five minutes to three years, vol 1 % to 1 000 %, strike within eight deviations."""
    spot = int(10 ** rng.uniform(12, 18))
    seconds = int(math.exp(rng.uniform(math.log(300), math.log(3 * YEAR))))
    vol = int(math.exp(rng.uniform(math.log(1e6), math.log(1e9))))
    rate = rng.randint(-500_000_000, 2_000_000_000)
    reach = rng.uniform(-8, 8) * vol / 1e8 * math.sqrt(seconds / YEAR)
    strike = int(spot * math.exp(max(-2.5, min(2.5, reach))))
    return spot, strike, seconds, rate, vol, rng.choice(("call", "put"))


def kernel(cases):
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    command = ["cargo", "run", "--quiet", "--locked", "--package", "margin-core", "--example", "price"]
    lines = "\n".join(" ".join(map(str, case)) for case in cases)
    done = subprocess.run(command, cwd=root, input=lines, stdout=subprocess.PIPE, text=True, check=True)
    return [[int(field) for field in line.split()] for line in done.stdout.splitlines()]


def black(case, vol):
    spot, strike, seconds, rate, _, kind = case
    years = seconds / YEAR
    discount = math.exp(-rate / 1e10 * years)
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if kind == "call" else ql.Option.Put, strike / 1e12)
    return ql.BlackCalculator(payoff, spot / 1e12 / discount, vol * math.sqrt(years), discount)


def differences(case, result):
    spot, strike, seconds, rate, vol, _ = case
    s, k, years, sigma, r = spot / 1e12, strike / 1e12, seconds / YEAR, vol / 1e8, rate / 1e10
    root, step = math.sqrt(years), 1e-4 * vol / 1e8
    exact, up, down = black(case, sigma), black(case, sigma + step), black(case, sigma - step)
    value, delta, gamma, vega, theta, rho, vanna, volga = result
    theta_scale = s * sigma * 0.3989 / (2 * root) + abs(r) * k
    return {
        "value": (value / 1e12 - exact.value()) / max(s, k),
        "delta": delta / SCALE - exact.delta(s),
        "gamma": (gamma / SCALE - exact.gamma(s) * s) * sigma * root,
        "vega": vega / SCALE - exact.vega(years) / s,
        "theta": (theta / SCALE * s - exact.theta(s, years)) / theta_scale,
        "rho": (rho / SCALE * s - exact.rho(years)) / max(s, k),
        "vanna": (vanna / SCALE - (up.delta(s) - down.delta(s)) / (2 * step)) * sigma,
        "volga": (volga / SCALE - (up.vega(years) - down.vega(years)) / (2 * step) / s) * sigma / root,
    }


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    rng = random.Random(20_240_607)
    cases = [random_case(rng) for _ in range(count)]
    worst = dict.fromkeys(LIMITS, 0.0)
    for case, result in zip(cases, kernel(cases), strict=True):
        for name, difference in differences(case, result).items():
            worst[name] = max(worst[name], abs(difference))
    print(f"{count} random options against QuantLib {ql.__version__}")
    for name, limit in LIMITS.items():
        print(f"{name:<6} {worst[name]:9.2e}   at most {limit:.0e}")
    return int(any(not worst[name] <= limit for name, limit in LIMITS.items()))


if __name__ == "__main__":
    sys.exit(main())
