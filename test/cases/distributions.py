"""Writes distributions.json: values of scipy that test/math/distributions.test.ts compares with.

Run with any Python that has scipy: python test/cases/distributions.py (this table: scipy 1.17.1).
"""
import json
import pathlib

import scipy
from scipy import special, stats

rows = []


def row(function, args, value):
    rows.append({"function": function, "args": args, "value": float(value)})


for x in [-38, -10, -5, -2.5, -1, -0.1, 0, 0.3, 1, 1.959963984540054, 3, 6, 8.2]:
    row("normalCdf", [x], stats.norm.cdf(x))
    row("normalTail", [x], stats.norm.sf(x))
    row("normalTwoSided", [x], 2 * stats.norm.sf(abs(x)))
for p in [1e-9, 1e-6, 0.0001, 0.025, 0.2, 0.5, 0.8, 0.975, 0.9995, 1 - 1e-6]:
    row("normalQuantile", [p], stats.norm.ppf(p))
for x in [0.5, 1, 3.7, 5000, 5000.5, 1005000, 3e7]:
    row("logGamma", [x], special.gammaln(x))
for count, trials, nominal in [(0, 10, 0.1), (3, 10, 0.5), (5, 10, 0.5), (112, 2000, 0.05), (140, 2000, 0.05), (2, 2000, 0.001), (9, 2000, 0.001), (1560, 2000, 0.8), (950, 1000, 0.95), (4800, 100000, 0.05)]:
    for side in ["two-sided", "greater", "less"]:
        row("binomialTest", [count, trials, nominal, side], stats.binomtest(count, trials, nominal, side).pvalue)

out = pathlib.Path(__file__).with_suffix(".json")
out.write_text("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")
print(len(rows), "rows, scipy", scipy.__version__)
