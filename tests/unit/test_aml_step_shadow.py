"""A shadow rule set beside the live one: what it says, and that the live one does not notice."""

import random
from typing import Any

import polars as pl
import pytest

from connectors.batches import Folded
from connectors.log import results_by_topic
from jobs.catalogue import Config, aml_job
from tests.aml_log import HOUR, START, Log, outputs
from tests.rule_sets import PUBLIC, cash_from, signed
from udfs.aml.ruleset import digest
from udfs.aml.slots import DEFAULT_BODY

LOWER, LOWEST = cash_from(500_000), cash_from(300_000, 500_000)
BEGIN, END = START + HOUR // 4, START + HOUR // 2
CUTS = [7_000, 60_000]


def fold(log: Log, slice_ms: int = 1_000) -> list[Folded]:
    config = Config(1, slice_ms, lateness_ms=1_000, rule_keys=PUBLIC.hex())
    return log.fold(aml_job(config))


def publish(log: Log, *sets: dict[str, Any]) -> None:
    for row in sets:
        log.put("rules", "RuleSet", row, appended=START + 1_000_000)


def cash(log: Log, owner: str, time: int, amount: int) -> None:
    log.post(f"{owner}-{time}", time, owner=owner, channel="CASH", amount=amount)


def busy(*sets: dict[str, Any]) -> Log:
    """Much of everything from some customers, seeded."""
    log, rng = Log(), random.Random(4)
    publish(log, *sets)
    log.customer("k1", "C1", START + 1, rating="HIGH")
    for step in range(150):
        log.post(
            f"p{step:03}",
            START + 2_000_000 + step * 12_000_000,
            owner=f"C{rng.randrange(6)}",
            channel=rng.choice(["CASH", "CASH", "TRANSFER", "WIRE"]),
            direction=rng.choice(["CREDIT", "DEBIT"]),
            amount=rng.choice([400_00, 2_900_00, 9_500_00, 5_000_00]),
            currency=rng.choice(["USD", "EUR"]),
        )
    log.tick(START + 3 * HOUR)
    return log


def messages(folded: list[Folded], topic: str) -> list[tuple[bytes, bytes]]:
    return results_by_topic(folded).get(topic, [])


@pytest.mark.parametrize(
    ("body", "slice_ms"),
    [(LOWER, 60_000), (LOWEST, 60_000), (DEFAULT_BODY, 60_000), (LOWEST, 20_000)],
    ids=["one", "bands", "same", "shorter"],
)
def test_live_alerts_are_the_same_bytes_with_and_without_a_shadow(body: str, slice_ms: int) -> None:
    without = fold(busy(), slice_ms)
    shadow = signed(1, START + 60_000_000, body, "SHADOW")
    beside = fold(busy(shadow, signed(2, END, "", "SHADOW_END")), slice_ms)
    for topic in ("alerts", "transfers", "aml.dead"):
        assert messages(beside, topic) == messages(without, topic)
    assert len(messages(without, "alerts")) > 10
    assert messages(without, "alerts.shadow") == []
    assert messages(beside, "alerts.shadow") != []


@pytest.mark.parametrize("slice_ms", [20_000, 60_000])
def test_a_shadow_with_the_same_rules_says_what_the_live_set_says(slice_ms: int) -> None:
    folded = fold(busy(signed(1, BEGIN, DEFAULT_BODY, "SHADOW")), slice_ms)
    live = outputs(folded, "alerts").filter(pl.col("time") >= BEGIN)
    assert live.height > 5
    assert outputs(folded, "alerts.shadow").equals(live)


@pytest.mark.parametrize("slice_ms", CUTS)
def test_a_shadow_explains_itself_from_its_first_moment_to_its_last(slice_ms: int) -> None:
    log = Log()
    publish(log, signed(1, BEGIN, LOWER, "SHADOW"), signed(2, END, "", "SHADOW_END"))
    moments = {"early": BEGIN - 1, "first": BEGIN, "last": END - 1, "late": END}
    for owner, time in moments.items():
        cash(log, owner, time, 5_000_00)
    log.tick(START + 3 * HOUR)
    folded = fold(log, slice_ms)
    assert outputs(folded, "alerts").is_empty()
    found = outputs(folded, "alerts.shadow")
    assert found["subject"].to_list() == ["first", "last"]
    told = found.row(0, named=True)
    assert told["decided_by"] == f"rules:{digest(LOWER)}"
    assert (told["band"], told["amount"], told["events"]) == ("LOW", 500_000, f"first-{BEGIN}")
    assert told["measured"].startswith("5000.00 USD of cash-in in 1 transactions")
    assert told["limit"] == "more than 4999.99 USD a business day"


def test_a_shadow_begins_with_what_the_live_set_remembers() -> None:
    """The sum of the day began before it, and the live alert of the day is not raised again."""
    log = Log()
    publish(log, signed(1, BEGIN, DEFAULT_BODY, "SHADOW"))
    cash(log, "told", BEGIN - 2, 10_000_01)
    cash(log, "half", BEGIN - 1, 6_000_00)
    cash(log, "told", BEGIN + 1, 5_000_00)
    cash(log, "half", BEGIN + 1, 4_000_01)
    log.tick(START + 3 * HOUR)
    folded = fold(log)
    of_day = pl.col("rule") == "ctr-aggregation"
    assert outputs(folded, "alerts").filter(of_day)["subject"].to_list() == ["told", "half"]
    shadow = outputs(folded, "alerts.shadow").filter(of_day)
    assert shadow.select("subject", "amount").rows() == [("half", 10_000_01)]


def test_live_and_shadow_have_epochs_of_their_own() -> None:
    """A shadow of a greater epoch does not keep a live set out."""
    log = Log()
    publish(log, signed(5, BEGIN, LOWER, "SHADOW"), signed(4, BEGIN, LOWEST))
    cash(log, "A", BEGIN + 1, 3_000_00)
    log.tick(START + 3 * HOUR)
    folded = fold(log)
    assert outputs(folded, "alerts")["decided_by"].to_list() == [f"rules:{digest(LOWEST)}"]
    assert outputs(folded, "alerts.shadow").is_empty()
