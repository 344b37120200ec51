"""All rules together: the default set, and the schemes of a generated world that they must find."""

import polars as pl
import pytest

from connectors.generators import AmlWorld, Plan, Wanted
from connectors.generators.aml import KINDS
from deploy.evaluate.aml import CONFIG
from deploy.evaluate.judged import by_kind, by_rule, judge
from deploy.evaluate.world import folded, labels, recorded
from jobs.catalogue import Config, aml_job
from tests.aml_log import HOUR, START, Log, outputs
from udfs.aml.catalogue import PARAMS, RULES
from udfs.aml.ruleset import canonical, default, parse
from udfs.aml.slots import DEFAULT_BODY

TOPICS = frozenset({"postings", "customers", "rules", "alert.actions", "schemes"})
FOURTEEN = (
    "structuring",
    "micro-structuring",
    "smurfing",
    "funnel-account",
    "consolidation",
    "ctr-aggregation",
    "velocity",
    "pass-through",
    "dormant-wake-up",
    "round-amounts",
    "time-of-day",
    "impossible-travel",
    "high-risk-corridor",
    "travel-rule",
)


def test_the_default_set_has_all_fourteen_rules_and_both_typologies() -> None:
    assert tuple(RULES) == tuple(PARAMS) == (*FOURTEEN, "model-score")
    rules = default(PARAMS)
    assert set(rules.rules) == set(PARAMS)
    assert all(params.enabled for params in rules.rules.values())
    weights = {name: sum(one.weights.values()) for name, one in rules.typologies.items()}
    assert weights == {"placement": 2_300_000, "layering": 1_500_000}
    assert all(weights[name] >= one.report for name, one in rules.typologies.items())
    assert canonical(parse(DEFAULT_BODY, PARAMS)) == DEFAULT_BODY


def test_each_rule_keeps_its_own_tables() -> None:
    names = [name for rule in RULES.values() for name in rule.tables]
    assert len(names) == len(set(names))
    assert all(
        name.startswith(f"aml.{rule.name}") for rule in RULES.values() for name in rule.tables
    )


@pytest.mark.parametrize(
    ("amount", "scale", "currency", "said"),
    [
        # 2,777.77 EUR at 1.08 are 2,999.9916 dollars, 2,777.78 EUR 3,000.0024
        (277_777, 2, "EUR", []),
        (277_778, 2, "EUR", ["3000.00 USD without the name of the originator"]),
        # 447,760 JPY at 0.0067 are 2,999.992 dollars, 447,761 JPY 2,999.9987: half up 3,000.00
        (447_760, 0, "JPY", []),
        (447_761, 0, "JPY", ["3000.00 USD without the name of the originator"]),
        # 1,131.019 BHD at 2.65252 are 3,000.0505 dollars, 1,130.9 BHD 2,999.73
        (1_130_900, 3, "BHD", []),
        (1_131_019, 3, "BHD", ["3000.05 USD without the name of the originator"]),
    ],
)
def test_limits_are_in_dollars_whatever_the_currency(
    amount: int, scale: int, currency: str, said: list[str]
) -> None:
    log = Log()
    log.post("p", START + 1, amount=amount, scale=scale, currency=currency)
    log.tick(START + HOUR)
    found = outputs(log.fold(aml_job(Config(partitions=1))), "alerts")
    assert (found["measured"].to_list() if found.height else []) == said


def test_every_scheme_of_a_world_is_found_by_the_rule_made_for_it() -> None:
    """Only sleepers need a longer world; motifs are found in the graph of transfers."""
    kinds = [kind for kind in KINDS if kind.startswith(FOURTEEN) and kind != "dormant-wake-up"]
    assert len(kinds) == 12
    world = AmlWorld(7, count=30_000, wanted=Wanted(counts=dict.fromkeys(kinds, 1)))
    log = recorded(world, Plan(world.count, 7, 1), TOPICS)
    alerts = outputs(list(folded(log, aml_job(CONFIG))), "alerts")
    judged = judge(labels(log), alerts)
    found = by_kind(judged, FOURTEEN)
    assert found["kind"].to_list() == sorted(kinds)
    assert found.filter(pl.col("found") < 1).is_empty()
    exact = ["velocity", "impossible-travel", "high-risk-corridor", "round-amounts"]
    mine = by_rule(judged, exposure=1.0).filter(pl.col("rule").is_in(exact))
    assert mine["precision"].to_list() == [1.0] * 4
