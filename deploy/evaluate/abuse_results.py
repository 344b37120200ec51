"""Figures on market abuse as results of a report, with their ranges and bars."""

import polars as pl

from deploy.bench.harness import Result
from deploy.evaluate.abuse_figures import Found, cycles
from deploy.evaluate.judged import wilson
from deploy.train.abuse.judge import Baseline, average_precision
from udfs.abuse.model import Model
from udfs.abuse.trees import Array

BARS = {
    "default": (0.95, 0.92),
    "hard": (0.7, 0.5),
}
"""Least recall and precision of each mix."""
WASH_BAR = (0.95, 0.95)
"""The same of wash trades in the hard mix."""
ALL_FOUND = "hard"
"""In this mix every cycle of layers is to be found."""


def share(what: str, hits: int, of: int, bar: float | None = None) -> list[Result]:
    """A share and its range; the figures that a bar is for are named without their counts."""
    low, high = wilson(hits, of)
    return [
        Result(what, round(hits / of, 4) if of else "none", "share", bar),
        Result(f"{what}: of", of, "cases"),
        Result(f"{what}: 95 % from", round(low, 4), "share"),
        Result(f"{what}: 95 % to", round(high, 4), "share"),
    ]


def whole(mix: str, said: Found, hours: float) -> list[Result]:
    """All practices together: the model's orders, and alerts of all rules."""
    orders = said.orders
    abusive = orders.filter("abusive")
    flagged = orders.filter("flagged")
    right = int(said.alerts["right"].sum())
    false = said.alerts.height - right
    recall, precision = BARS["default"] if mix == "default" else (None, None)
    score = orders["score"].to_numpy()
    there, met = cycles(said)
    return [
        Result(f"{mix}: orders", orders.height, "orders"),
        Result(f"{mix}: abusive orders", abusive.height, "orders"),
        *share(f"{mix}: recall of orders", int(abusive["flagged"].sum()), abusive.height, recall),
        *share(f"{mix}: precision of orders", int(flagged["abusive"].sum()), flagged.height,
               precision),
        Result(f"{mix}: PR-AUC of orders",
               round(average_precision(said.samples.abusive, score), 4), "area"),
        *share(f"{mix}: abusive orders told by model or rule", int(abusive["told"].sum()),
               abusive.height),
        *share(f"{mix}: precision of alerts", right, said.alerts.height),
        Result(f"{mix}: false alerts an hour of trading", round(false / hours, 3), "alerts"),
        *share(f"{mix}: cycles of layers found", met, there, 1.0 if mix == ALL_FOUND else None),
    ]  # fmt: skip


def of_usual(mix: str, said: Found, model: Model, limit: float) -> list[Result]:
    """The model where a tenth of orders is abusive: limits of the job are for rare abuse.

    Args:
        mix: Its name.
        said: What was said of its orders.
        model: Whose greatest probability is held against the limit.
        limit: By validation, best F1 as that of the z-score.
    """
    abusive = said.samples.abusive
    flagged = model.probabilities(said.samples.features).max(axis=1) >= limit
    right = int((flagged & abusive).sum())
    recall, precision = BARS["default"] if mix == "default" else (None, None)
    name = f"{mix}, limit for much abuse"
    return [
        *share(f"{name}: recall of orders", right, int(abusive.sum()), recall),
        *share(f"{name}: precision of orders", right, int(flagged.sum()), precision),
    ]


def of_practices(mix: str, table: pl.DataFrame) -> list[Result]:
    """Figures of each practice."""
    results = []
    for row in table.iter_rows(named=True):
        name = f"{mix}, {row['practice']}"
        recall, precision = BARS[mix] if mix == "hard" else (None, None)
        if mix == "hard" and row["head"] == "wash-trade":
            recall, precision = WASH_BAR
        results += [
            *share(f"{name}: recall of orders", row["flagged"], row["orders"], recall),
            *share(f"{name}: precision of orders", row["right"], row["named"], precision),
            Result(f"{name}: PR-AUC", row["pr_auc"], "area"),
            *share(f"{name}: schemes found", row["found"], row["schemes"]),
        ]
        if row["seconds"] is not None:
            results.append(Result(f"{name}: median time to alert", row["seconds"], "s"))
    return results


def of_rules(mix: str, table: pl.DataFrame) -> list[Result]:
    """Figures of each rule."""
    results = []
    for row in table.iter_rows(named=True):
        name = f"{mix}, rule {row['rule']}"
        results += share(f"{name}: precision of alerts", row["right"], row["alerts"])
        results.append(Result(f"{name}: false alerts an hour", row["false_an_hour"], "alerts"))
    return results


def of_naive(mix: str, said: Found, naive: Baseline) -> list[Result]:
    """The z-score on the same orders."""
    score: Array = naive.score(said.samples.features)
    abusive, flagged = said.samples.abusive, score >= naive.limit
    return [
        *share(f"{mix}, z-score: recall of orders", int((flagged & abusive).sum()),
               int(abusive.sum())),
        *share(f"{mix}, z-score: precision of orders", int((flagged & abusive).sum()),
               int(flagged.sum())),
        Result(f"{mix}, z-score: PR-AUC of orders", round(average_precision(abusive, score), 4),
               "area"),
    ]  # fmt: skip


def of_honest(mix: str, table: pl.DataFrame) -> list[Result]:
    """False alarms of each kind of honest trading."""
    results = []
    for row in table.iter_rows(named=True):
        name = f"{mix}, honest {row['practice']}"
        results += share(f"{name}: flagged by the model", row["flagged"], row["orders"])
        results += share(f"{name}: told by model or rule", row["told"], row["orders"])
    return results
