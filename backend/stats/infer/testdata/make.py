"""Makes fixtures.json, what SciPy says to the same input. The tests read the file and never run this.

    python -m venv venv && venv/bin/pip install scipy==1.17.1 && venv/bin/python make.py
"""

import itertools
import json
import math
import pathlib

import numpy as np
import scipy
from scipy import integrate, stats

random = np.random.default_rng(7)


def lognormal(n, center, spread):
    return [round(float(v), 6) for v in center * np.exp(spread * random.standard_normal(n))]


def mean_interval(values, confidence):
    r = stats.t.interval(confidence, len(values) - 1, np.mean(values), stats.sem(values))
    return [float(v) for v in r]


def bca(values, confidence):
    # Enough resamples that what is left of chance in the ends is far below 1 % of the width.
    r = stats.bootstrap((np.array(values),), np.mean, confidence_level=confidence, n_resamples=400_000,
                        batch=2_000, method="BCa", rng=np.random.default_rng(1))
    return [float(v) for v in r.confidence_interval]


def quantile_ranks(n, q, confidence):
    """The closest pair of ranks whose chance reaches the confidence, then the likeliest, then the higher."""
    chance = stats.binom.pmf(np.arange(n + 1), n, q)
    below = np.concatenate([[0], np.cumsum(chance)])
    for span in range(1, n):
        best = None
        for low in range(1, n - span + 1):
            p = below[low + span] - below[low]
            if best is None or p >= best[0] * (1 - 1e-9):
                best = (p, low, low + span)
        if best[0] >= confidence:
            return [best[1], best[2]]
    return None


def equal_tails(n, q, confidence):
    r = stats.quantile_test(np.arange(1, n + 1), p=q, q=1).confidence_interval(confidence)
    return [None if math.isnan(v) else int(v) for v in (r.low, r.high)]


def paired(a, b, confidence):
    logs = np.log(b) - np.log(a)
    half = stats.t.ppf((1 + confidence) / 2, len(a) - 1) * stats.sem(logs)
    out = {"a": a, "b": b, "confidence": confidence, "ratio": float(np.exp(logs.mean())),
           "low": float(np.exp(logs.mean() - half)), "high": float(np.exp(logs.mean() + half)),
           "t_p": float(stats.ttest_rel(np.log(b), np.log(a)).pvalue)}
    if len(a) <= 16:
        flips = stats.permutation_test((logs,), np.mean, permutation_type="samples", vectorized=True,
                                       n_resamples=np.inf, alternative="two-sided", axis=0)
        out["p"] = float(flips.pvalue)
    return out


def welch(a, b, confidence):
    r = stats.ttest_ind(np.log(b), np.log(a), equal_var=False)
    i = r.confidence_interval(confidence)
    return {"a": a, "b": b, "confidence": confidence, "ratio": float(np.exp(np.mean(np.log(b)) - np.mean(np.log(a)))),
            "low": float(np.exp(i.low)), "high": float(np.exp(i.high)), "p": float(r.pvalue), "df": float(r.df)}


def power(sd, effect, pairs, alpha):
    """SciPy's noncentral t has no answer for half of these; where it has one, this agrees with it."""
    df, shift = pairs - 1, math.log1p(effect) * math.sqrt(pairs) / sd
    t = stats.t.ppf(1 - alpha / 2, df)
    root = stats.chi(df, scale=1 / math.sqrt(df))
    found = lambda s: stats.norm.sf(t * s - shift) + stats.norm.cdf(-t * s - shift)
    p = integrate.quad(lambda s: found(s) * root.pdf(s), 0, 12, points=[0.2, 0.6, 1, 1.4, 2, 4], limit=500, epsabs=1e-12)[0]
    theirs = stats.nct.sf(t, df, shift) + stats.nct.cdf(-t, df, shift)
    assert math.isnan(theirs) or abs(theirs - p) < 1e-8, (sd, effect, pairs, alpha, theirs, p)
    return {"sd": sd, "effect": effect, "pairs": pairs, "alpha": alpha, "power": min(1.0, float(p))}


def mann_kendall(values):
    n = len(values)
    s = sum(np.sign(values[j] - values[i]) for i, j in itertools.combinations(range(n), 2))
    ties = np.unique(values, return_counts=True)[1]
    variance = (n * (n - 1) * (2 * n + 5) - sum(k * (k - 1) * (2 * k + 5) for k in ties)) / 18
    return float(2 * stats.norm.sf(max(0, abs(s) - 1) / math.sqrt(variance)))


def trend(values):
    exact = len(values) <= 10 and len(set(values)) == len(values)
    p = stats.kendalltau(np.arange(len(values)), values, method="exact").pvalue if exact else mann_kendall(values)
    slope = stats.theilslopes(values, np.arange(len(values))).slope
    return {"values": values, "percent": float(100 * slope * (len(values) - 1) / abs(np.median(values))), "p": float(p)}


def variance(runs):
    """Unequal runs too: the expected mean squares of the random-effects model, solved."""
    flat = np.concatenate(runs)
    n, k = len(flat), len(runs)
    within = sum(((np.array(r) - np.mean(r)) ** 2).sum() for r in runs) / (n - k)
    f = stats.f_oneway(*runs).statistic
    size = (n - sum(len(r) ** 2 for r in runs) / n) / (k - 1)
    return {"runs": runs, "within": float(within), "between": float(max(0.0, (f - 1) * within / size))}


samples = [lognormal(n, center, spread) for n, center, spread in
           [(2, 100, 0.1), (5, 20, 0.05), (30, 250, 0.8), (100, 42, 0.3), (400, 1e6, 1.2)]]
rising = [round(float(100 + 0.05 * i + random.standard_normal()), 3) for i in range(60)]
fixtures = {
    "scipy": scipy.__version__,
    "mean": [{"values": v, "confidence": c, "interval": mean_interval(v, c)} for v in samples for c in (0.9, 0.95, 0.99)],
    "bca": [{"values": v, "confidence": c, "interval": bca(v, c)} for v in samples[2:] for c in (0.9, 0.95)],
    "quantile": [{"n": n, "q": q, "confidence": c, "ranks": quantile_ranks(n, q, c), "equal_tails": equal_tails(n, q, c)}
                 for n in (2, 5, 6, 10, 20, 21, 50, 99, 298, 299, 368, 400, 1000) for q in (0.05, 0.5, 0.9, 0.99)
                 for c in (0.9, 0.95, 0.99)],
    "paired": [paired(lognormal(n, 50, 0.02), lognormal(n, 50 * r, 0.02), c)
               for n, r, c in [(2, 1, 0.95), (6, 1.02, 0.95), (8, 1.02, 0.95), (8, 0.9, 0.99), (13, 1, 0.9), (16, 1.01, 0.95), (20, 1.01, 0.95)]],
    "welch": [welch(lognormal(n, 50, s), lognormal(m, 50 * r, 0.02), c)
              for n, m, s, r, c in [(2, 2, 0.1, 1, 0.95), (8, 8, 0.02, 1.02, 0.95), (5, 12, 0.2, 0.8, 0.99), (40, 3, 0.01, 1.1, 0.9)]],
    "power": [power(*c) for c in itertools.product((0.005, 0.02, 0.2), (-0.05, 0.005, 0.02, 1.0), (2, 3, 8, 40), (0.05, 0.0125))],
    "trend": [trend(v) for v in (rising[:5], rising[:10], rising, [round(v) for v in rising], [-v for v in rising], samples[3])],
    "variance": [variance([[round(float(c + random.standard_normal()), 4) for _ in range(n)] for c, n in runs]) for runs in
                 ([(10, 5), (12, 5), (9, 5), (11, 5)], [(10, 20), (10.1, 20), (10, 20)], [(10, 3), (14, 9), (12, 1), (11, 30)])],
}
path = pathlib.Path(__file__).with_name("fixtures.json")
path.write_text(json.dumps(fixtures, separators=(",", ":"), allow_nan=False).replace('},{', '},\n{') + "\n")
