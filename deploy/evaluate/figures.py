"""Judged alerts as figures of a report: shares with their ranges, rates, times."""

import polars as pl

from deploy.bench.harness import Result
from deploy.evaluate.judged import RING, Judged, wilson

FOUND = 0.95
"""Share of a ring's depositors that has to be found."""
_HOUR = 3_600_000_000
_DUTIES = ("ctr-aggregation", "travel-rule")
"""Rules that ask for a report or for data: their alerts are no suspicion, true or false."""


def share(what: str, hits: int, of: int, bar: float | None = None) -> list[Result]:
    """A share of so many, with its range."""
    low, high = wilson(hits, of)
    named = f"{what}, {hits} of {of}"
    return [
        Result(named, round(hits / of, 4) if of else "none", "share", bar),
        Result(f"{named}: 95 % from", round(low, 4), "share"),
        Result(f"{named}: 95 % to", round(high, 4), "share"),
    ]


def of_kinds(kinds: pl.DataFrame) -> list[Result]:
    """Recall of each kind that a rule looks for, how soon, and what any rule touched."""
    results = []
    for row in kinds.iter_rows(named=True):
        kind = row["kind"]
        if row["rule"]:
            results += share(f"recall of {kind} by its rule", row["found"], row["schemes"])
        touched = f"{kind} touched by any rule, of {row['schemes']}"
        results.append(Result(touched, row["by_any"], "schemes"))
        if row["hours"] is not None:
            results.append(Result(f"{kind}: median time to its alert", row["hours"], "hours"))
            results.append(Result(f"{kind}: alert before its end", row["in_time"], "schemes"))
    return results


def of_rules(rules: pl.DataFrame) -> list[Result]:
    """Precision of each rule, and its false alerts."""
    results = []
    for row in rules.iter_rows(named=True):
        results += share(f"precision of {row['rule']}", row["true"], row["alerts"])
        what = f"false alerts of {row['rule']} for 10,000 accounts and day"
        results.append(Result(what, row["false_rate"], "alerts"))
    return results


def of_all(found: Judged, exposure: float) -> list[Result]:
    """All rules together, without those that are a duty to report."""
    suspected = found.alerts.filter(~pl.col("rule").is_in(_DUTIES))
    true = int(suspected["true"].sum())
    false = suspected.height - true
    touched = found.hits.filter(~pl.col("rule").is_in(_DUTIES))["scheme"].n_unique()
    return [
        *share("precision of all rules", true, suspected.height),
        *share("schemes touched by any rule", touched, found.schemes.height),
        Result("false alerts for 10,000 accounts and day", round(false / exposure, 3), "alerts"),
    ]


def of_ring(found: Judged) -> tuple[list[Result], pl.DataFrame]:
    """Figures of the ring: depositors whom structuring found, others whom it named, how soon.

    A member is found when a true alert is about them; a false member is a customer outside the ring
    whom an alert of the same rule is about. The clock starts with the ring's first posting.
    """
    members = found.members.filter(kind=RING)
    about = found.alerts.group_by("rule", "subject").agg(
        pl.col("time").filter("true").min(), true=pl.col("true").any()
    )
    about = about.join(members, left_on="subject", right_on="member", how="left")
    table = (
        about.group_by("rule")
        .agg(
            depositors=(pl.col("true") & (pl.col("role") == "subject")).sum(),
            collectors=(pl.col("true") & (pl.col("role") == "collector")).sum(),
            sink=(pl.col("true") & (pl.col("role") == "sink")).sum(),
            false_members=pl.col("role").is_null().sum(),
        )
        .sort("rule")
    )
    mine = about.filter(rule="structuring")
    hit = mine.filter(pl.col("role") == "subject", pl.col("true"))
    depositors = members.filter(role="subject").height
    begin = int(found.schemes.filter(kind=RING)["begin"].min())  # type: ignore[arg-type]
    waited = ((hit["time"] - begin) / _HOUR).sort().to_list()
    last = round(depositors * FOUND)
    anyone = about.filter("true", pl.col("role").is_not_null())["subject"].n_unique()
    results = [
        *share("ring: depositors found by structuring", hit.height, depositors, FOUND),
        *share("ring: members found by any rule", anyone, members.height),
        Result("ring: false members", mine.filter(pl.col("role").is_null()).height, "customers"),
    ]
    if waited:
        results.append(Result("ring: time to first alert", round(waited[0], 1), "hours"))
    if len(waited) >= last:
        what = f"ring: time until {FOUND:.0%} are found"
        results.append(Result(what, round(waited[last - 1], 1), "hours"))
    return results, table
