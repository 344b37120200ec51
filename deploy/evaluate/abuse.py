"""What surveillance finds of the abuse in simulated markets, and what it raises beside.

Three mixes: default (10 % of orders abusive), hard (0.1 %), unseen (parameters and traders that no
model was fitted on). Markets are those of the test: other traders and weeks than in training.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from deploy.bench.harness import Report, Result
from deploy.evaluate import abuse_figures as figures
from deploy.evaluate import abuse_results as told
from deploy.train.abuse.judge import Baseline, baseline, best_limit
from deploy.train.abuse.markets import Market, market, plan
from udfs.abuse.model import Model

MIXES = ("default", "hard", "unseen")


@dataclass(frozen=True)
class Wanted:
    """What is to be judged.

    Attributes:
        seed: Of the first market.
        markets: Of each mix.
        mixes: Their names.
        orders: Of each market; as its mix says if None.
    """

    seed: int = 1
    markets: int = 1
    mixes: Sequence[str] = MIXES
    orders: int | None = None


@dataclass(frozen=True)
class Outcome:
    """The figures, and the tables behind them, each over all mixes.

    Attributes:
        report: All of it.
        practices: By mix and practice.
        rules: By mix and rule: alerts, and how many are right.
        honest: By mix and kind of honest trading: false alarms.
    """

    report: Report
    practices: pl.DataFrame
    rules: pl.DataFrame
    honest: pl.DataFrame


def run(wanted: Wanted, model: Model, tell: Callable[[str], None] = lambda line: None) -> Outcome:
    """Simulate the markets, fold the job over each, judge scores and alerts."""
    naive, usual = _limits(wanted, model, tell)
    results = [Result("model", model.name, "name"), Result("hash", model.hash, "SHA-256")]
    tables: dict[str, list[pl.DataFrame]] = {"practices": [], "rules": [], "honest": []}
    for mix in wanted.mixes:
        seen = []
        for asked in plan("test", {mix: wanted.markets}, wanted.seed + _place(mix), wanted.orders):
            tell(f"{mix} market {asked.seed}")
            seen.append(market(asked, model))
        made, shown = judged(mix, seen, model, naive, usual)
        results += made
        for name, frame in shown.items():
            tables[name].append(frame.select(pl.lit(mix).alias("mix"), pl.all()))
    whole = {name: pl.concat(frames) for name, frames in tables.items()}
    return Outcome(Report("evaluate-abuse", wanted.seed, results), **whole)


def judged(
    mix: str, seen: Sequence[Market], model: Model, naive: Baseline, usual: float
) -> tuple[list[Result], dict[str, pl.DataFrame]]:
    """Figures and tables of the markets of one mix; `usual` as of abuse_results.of_usual."""
    found = figures.found(seen, model)
    hours = sum(one.hours for one in seen)
    practices = figures.by_practice(found, model)
    rules = figures.by_rule(found, hours)
    honest = figures.by_honest(found)
    results = [
        *told.whole(mix, found, hours),
        *told.of_usual(mix, found, model, usual),
        *told.of_practices(mix, practices),
        *told.of_rules(mix, rules),
        *told.of_honest(mix, honest),
        *told.of_naive(mix, found, naive),
    ]
    return results, {"practices": practices, "rules": rules, "honest": honest}


def _limits(wanted: Wanted, model: Model, tell: Callable[[str], None]) -> tuple[Baseline, float]:
    """The z-score, by a market of training; its limit and the model's usual one by validation."""
    parts = []
    for part in ("train", "validation"):
        (asked,) = plan(part, {"default": 1}, wanted.seed, wanted.orders)
        tell(f"limits: {part} market {asked.seed}")
        parts.append(market(asked).samples)
    shown, seen = parts
    greatest = model.probabilities(seen.features).max(axis=1)
    return (
        baseline(shown.features, seen.features, seen.abusive),
        best_limit(greatest, seen.abusive),
    )


def _place(mix: str) -> int:
    """Markets of different mixes have different seeds."""
    return 10 * (1 + MIXES.index(mix)) if mix in MIXES else 90
