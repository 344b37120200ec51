"""Brings what models say to probabilities and shares, as curves of whole numbers."""

import math

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from udfs.abuse.curve import WHOLE, Curve
from udfs.abuse.trees import QUANTUM, Array

WIDEST, STEP = 14.0, 0.25
"""Knots of a calibrated curve: from -WIDEST to WIDEST of log-odds in steps."""
QUANTILES = (*np.linspace(0, 0.99, 100).tolist(), 0.995, 0.999, 0.9995, 0.9999, 1.0)


def platt(raw: Array, positive: Array) -> Curve:
    """A logistic curve through log-odds (Platt 1999), rows of `raw` in 1/QUANTUM.

    It rises by construction: a slope that is not positive means a head that tells nothing, and
    gives a curve that is level at the share of positive rows.
    """
    odds = raw / QUANTUM
    share = (positive.sum() + 1) / (len(positive) + 2)
    if positive.all() or not positive.any():
        return Curve((0,), (round(share * WHOLE),))
    made = LogisticRegression(C=1e6).fit(odds[:, None], positive)
    slope, base = float(made.coef_[0, 0]), float(made.intercept_[0])
    if slope <= 1e-3:
        return Curve((0,), (round(share * WHOLE),))
    wanted = np.arange(-WIDEST, WIDEST + STEP / 2, STEP).tolist()
    knots = {round((z - base) / slope * QUANTUM): round(WHOLE / (1 + math.exp(-z))) for z in wanted}
    return Curve(tuple(knots), tuple(knots.values()))


def isotonic(raw: Array, positive: Array) -> Curve:
    """The rising step function nearest to the labels, as lines between its levels."""
    made = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(raw, positive)
    knots = {round(x): round(y * WHOLE) for x, y in zip(
        made.X_thresholds_.tolist(), made.y_thresholds_.tolist(), strict=True
    )}  # fmt: skip
    return Curve(tuple(knots), tuple(knots.values()))


def ranks(raw: Array) -> Curve:
    """The share of training that is below a value, parts per million; whole numbers in."""
    found: dict[int, int] = {}
    for share, value in zip(QUANTILES, np.quantile(raw, QUANTILES).tolist(), strict=True):
        found[round(value)] = round(share * WHOLE)
    return Curve(tuple(found), tuple(found.values()))


def brier(ppm: Array, positive: Array) -> float:
    """Mean square of probability less outcome."""
    return float(((ppm / WHOLE - positive) ** 2).mean())


def reliability(ppm: Array, positive: Array, bins: int = 10) -> float:
    """Expected calibration error: mean gap of probability and outcome over bins of equal size."""
    order = np.argsort(ppm, kind="stable")
    gaps = [
        len(part) * abs(float((ppm[part] / WHOLE).mean() - positive[part].mean()))
        for part in np.array_split(order, bins)
        if len(part)
    ]
    return sum(gaps) / len(ppm)
