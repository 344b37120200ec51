"""Is the P&L of the risk model that of the desk: attribution test of the Basel standard MAR32."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

PlaZone = Literal["green", "amber", "red", "undefined"]

PLA_DAYS = 250
_GREEN_SPEARMAN, _RED_SPEARMAN = 0.80, 0.70
_GREEN_KS, _RED_KS = 0.09, 0.12


@dataclass(frozen=True)
class Attribution:
    """How close the risk model's P&L is to the hypothetical one.

    Attributes:
        spearman: Rank correlation, mean ranks for ties; NaN where there is none.
        ks: Greatest distance of the empirical distributions; NaN where there is none.
        zone: The worse of both metrics' zones; undefined where a metric is.
        days: Days used.
        missing: Days left out, for one of the P&Ls is NaN or infinite.
        complete: Whether at least `PLA_DAYS` were used.
    """

    spearman: float
    ks: float
    zone: PlaZone
    days: int
    missing: NDArray[np.int64]
    complete: bool


def attribution(risk_theoretical: ArrayLike, hypothetical: ArrayLike) -> Attribution:
    """Spearman correlation and Kolmogorov-Smirnov distance of two P&Ls, and their zone (MAR32).

    Green: correlation above 0.80 and distance below 0.09. Red: correlation below 0.70 or distance
    above 0.12. Amber: the rest.

    Args:
        risk_theoretical: P&L of each day by the risk model, shape (n,).
        hypothetical: P&L of each day by full revaluation, shape (n,), same unit.

    Raises:
        ValueError: Lengths differ.
    """
    model, full = np.asarray(risk_theoretical), np.asarray(hypothetical)
    if model.ndim != 1 or model.shape != full.shape:
        raise ValueError(f"P&L of {model.shape} and {full.shape}: two equal rows are asked")
    known = np.isfinite(model) & np.isfinite(full)
    missing, model, full = np.flatnonzero(~known), model[known], full[known]
    spearman, ks = float("nan"), float("nan")
    if len(model) > 1:
        ks = float(stats.ks_2samp(model, full, method="asymp").statistic)
        if np.ptp(model) > 0 and np.ptp(full) > 0:
            spearman = float(stats.spearmanr(model, full).statistic)
    zone = pla_zone(spearman, ks)
    return Attribution(spearman, ks, zone, len(model), missing, len(model) >= PLA_DAYS)


def pla_zone(spearman: float, ks: float) -> PlaZone:
    """The zone of both metrics; undefined if one is NaN."""
    if np.isnan(spearman) or np.isnan(ks):
        return "undefined"
    if spearman < _RED_SPEARMAN or ks > _RED_KS:
        return "red"
    return "green" if spearman > _GREEN_SPEARMAN and ks < _GREEN_KS else "amber"
