"""Rule sets in the stream: which count, from where on, and what is said of those that do not."""

import json
from typing import Any

import polars as pl
import pytest

from connectors.log import fold_shard
from jobs.catalogue import Config, aml_job
from tests.aml_log import FEEDS, HOUR, START, Log, outputs
from tests.rule_sets import PUBLIC, cash_from, signed
from udfs.aml.ruleset import digest
from udfs.aml.slots import DEFAULT_BODY

LOWER = cash_from(500_000)
"""Cash of 5,000.00 a day and more; the default asks for more than 10,000.00."""
AT = START + HOUR // 2
CUTS = [250, 1_000, 60_000]


def job(slice_ms: int = 1_000, keys: tuple[bytes, ...] = (PUBLIC,), partitions: int = 1):
    text = ",".join(key.hex() for key in keys)
    return aml_job(Config(partitions, slice_ms, lateness_ms=1_000, rule_keys=text))


def cash(log: Log, owner: str, time: int, amount: int = 5_000_00) -> None:
    log.post(f"{owner}-{time}", time, owner=owner, channel="CASH", amount=amount)


def publish(log: Log, row: dict[str, Any], at: int = START) -> None:
    """Append a set long before it applies."""
    log.put("rules", "RuleSet", row, appended=at)


def around(row: dict[str, Any] | None, *others: dict[str, Any]) -> Log:
    """Cash just before, at and after the moment a set applies; other sets come after it."""
    log = Log()
    for one in (row, *others):
        if one is not None:
            publish(log, one, START + 1_000_000)
    for owner, time in (("before", AT - 1), ("at", AT), ("after", AT + 1)):
        cash(log, owner, time)
    cash(log, "much", AT + 2, 10_000_01)
    log.tick(AT + 3 * HOUR)
    return log


def alerts(log: Log, slice_ms: int = 1_000, keys: tuple[bytes, ...] = (PUBLIC,)) -> pl.DataFrame:
    return outputs(log.fold(job(slice_ms, keys)), "alerts")


def of_rule(found: pl.DataFrame) -> list[tuple[str, str]]:
    cash_alerts = found.filter(rule="ctr-aggregation")
    return cash_alerts.select("subject", "decided_by").rows()


@pytest.mark.parametrize("slice_ms", CUTS)
def test_a_signed_set_decides_from_its_moment_on(slice_ms: int) -> None:
    found = alerts(around(signed(1, AT, LOWER)), slice_ms)
    by = f"rules:{digest(LOWER)}"
    assert of_rule(found) == [("at", by), ("after", by), ("much", by)]


def test_a_set_that_is_still_to_come_decides_nothing() -> None:
    found = alerts(around(signed(1, AT + 2 * HOUR, LOWER)))
    assert of_rule(found) == [("much", f"rules:{digest(DEFAULT_BODY)}")]


@pytest.mark.parametrize("slice_ms", CUTS)
def test_without_the_key_a_set_is_refused_and_the_running_rules_stay(slice_ms: int) -> None:
    found = alerts(around(signed(1, AT, LOWER)), slice_ms, keys=())
    assert of_rule(found) == [("much", f"rules:{digest(DEFAULT_BODY)}")]
    told = found.filter(rule="rule-set-refused").row(0, named=True)
    assert (told["time"], told["band"], told["subject"]) == (AT, "HIGH", "aml")
    assert told["reason"].startswith("unknown-key: no trusted key is called")
    assert (told["source_topic"], told["first_offset"], told["last_offset"]) == ("rules", 1, 1)


def body(**rule: Any) -> str:
    return json.dumps({"rules": {"ctr-aggregation": rule}})


OVERLAP = body(
    bands=[
        {"name": "LOW", "at_least": 500_000, "score": 1},
        {"name": "HIGH", "at_least": 500_000, "score": 2},
    ]
)


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (signed(2, AT, LOWER) | {"signature": b"\0" * 64}, "bad-signature: name, epoch, mode"),
        (signed(2, AT, LOWER) | {"body": OVERLAP}, "wrong-hash: the body is not the one"),
        (signed(1, AT, cash_from(400_000)), "old-epoch: 1 is not above 1"),
        (signed(2, AT, OVERLAP), "no-rule-set: rule ctr-aggregation: bands LOW from 500000 and"),
        (signed(2, AT, body(threshold=1)), "no-rule-set: rule ctr-aggregation, field threshold"),
        (signed(2, AT, body(bands=[])), "no-rule-set: rule ctr-aggregation, field bands"),
        (signed(2, AT, '{"rules":{"no-such":{}}}'), "no-rule-set: rule no-such: there is no such"),
        (signed(2, AT, "{"), "no-rule-set: the text is no JSON"),
    ],
)
@pytest.mark.parametrize("slice_ms", [250, 60_000])
def test_what_does_not_count_leaves_the_set_in_force(
    second: dict[str, Any], why: str, slice_ms: int
) -> None:
    found = alerts(around(signed(1, START + HOUR // 4, LOWER), second), slice_ms)
    by = f"rules:{digest(LOWER)}"
    assert of_rule(found) == [(who, by) for who in ("before", "at", "after", "much")]
    told = found.filter(rule="rule-set-refused")
    assert told.height == 1
    assert told["reason"][0].startswith(why)
    assert told["measured"][0] == f"epoch {second['epoch']}"


def test_a_refused_set_does_not_use_up_its_epoch() -> None:
    bad, good = signed(2, AT - 1, OVERLAP), signed(2, AT, LOWER)
    found = alerts(around(bad, good))
    assert [who for who, _ in of_rule(found)] == ["at", "after", "much"]


@pytest.mark.parametrize("slice_ms", CUTS)
def test_the_switch_is_at_one_moment_in_every_shard(slice_ms: int) -> None:
    """The shards' records come in at other log times, amid other traffic."""
    said = []
    for shard in range(2):
        log = Log()
        publish(log, signed(1, AT, LOWER), START + (1 + 900 * shard) * 1_000_000)
        for step in range(0, 50 * shard):
            log.post(f"t{step}", START + 901_000_000 + step * 7_000_000, owner="T")
        for owner, time in (("before", AT - 1), ("at", AT)):
            cash(log, owner, time)
        log.tick(AT + (2 + shard) * HOUR)
        spec = job(slice_ms, partitions=2)
        folded = list(fold_shard(spec, shard, log.log.partition(FEEDS, 0)))
        said.append(of_rule(outputs(folded, "alerts")))
    assert said == [[("at", f"rules:{digest(LOWER)}")]] * 2


@pytest.mark.parametrize("slice_ms", CUTS)
def test_sets_follow_each_other_and_each_alert_names_the_one_that_decided(slice_ms: int) -> None:
    sets = [(START + n * HOUR // 4, cash_from(least)) for n, least in enumerate((3, 5, 7), 1)]
    log = Log()
    for epoch, (effective, rules) in enumerate(sets, 1):
        publish(log, signed(epoch, effective, rules))
    for number, (effective, _) in enumerate(sets):
        cash(log, f"{number}-early", effective - 1, 6)
        cash(log, f"{number}-first", effective, 6)
    log.tick(START + 5 * HOUR)
    by = [f"rules:{digest(rules)}" for _, rules in sets]
    # 0.06 reaches 0.03 and 0.05 and not 0.07; each moment belongs to the set that begins there
    assert of_rule(alerts(log, slice_ms)) == [
        ("0-first", by[0]),
        ("1-early", by[0]),
        ("1-first", by[1]),
        ("2-early", by[1]),
    ]
