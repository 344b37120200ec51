"""A rule set with other windows, in the shadow or as the live one: what it says beside alone.

Alone is the same set, live from the first posting on. Windows are summed anew from what is
remembered, so both agree from the first event of the new set on, not only after its longest window.
"""

from dataclasses import replace
from itertools import product
from typing import Any

import polars as pl
import pytest

from jobs.catalogue import ANY_TIME, Config, aml_job
from tests.aml_log import DAY, FEEDS, HOUR, START, Log, outputs
from tests.rule_sets import PUBLIC, signed
from udfs.aml.catalogue import PARAMS
from udfs.aml.flow_pass_through import Params as PassThrough
from udfs.aml.flow_velocity_params import Params as Velocity
from udfs.aml.flow_velocity_params import VelocityWindow
from udfs.aml.rule import WHOLE
from udfs.aml.ruleset import RuleSet, canonical, default

DRAFT = RuleSet(
    rules={
        "velocity": Velocity(
            windows=(
                VelocityWindow(hours=20, count=9, sum=9_000_00),
                VelocityWindow(hours=120, count=25, sum=90_000_00, own_times=6 * WHOLE // 5),
            ),
            least=2,
            own_days=30,
            own_seen=5,
            own_floor=1,
            cool_down_s=0,
        ),
        "pass-through": PassThrough(hours=(9, 60), cool_down_s=0),
    }
)
RESTLESS = default(PARAMS).model_copy(
    update={
        "rules": {
            name: params.model_copy(update={"cool_down_s": 0})
            for name, params in default(PARAMS).rules.items()
        }
    }
)
"""The default set without any cool-down."""
SWITCH = START + 64 * DAY + 3 * HOUR
"""The new set begins here: in a window of it, and after a block of thirty days has ended."""
SAID = ("time", "rule", "subject", "band", "amount", "measured", "limit", "events")


def said(topic: str, days: int, *sets: tuple[str, int, RuleSet]) -> pl.DataFrame:
    """What is said on a topic from SWITCH on, of 75 days of three owners, so many days a batch."""
    log = Log()
    for epoch, (mode, at, rules) in enumerate(sets, 1):
        log.put("rules", "RuleSet", signed(epoch, at, canonical(rules), mode), appended=START)
    for first in range(0, 80, days):
        appended = START + (first + days) * DAY
        for number in range(first * 12, min((first + days) * 12, 900)):
            log.post(f"p{number:04}", START + number * 2 * HOUR + 1, appended, **posting(number))
        for topic_, until in product(FEEDS, range(first + 5, first + days + 1, 5)):
            log.log.tick(topic_, 0, appended // 1_000 + 1_000, START + until * DAY)
    config = Config(partitions=1, slice_ms=60_000, lateness_ms=1_000, rule_keys=PUBLIC.hex())
    job = aml_job(config)
    job = replace(job, feeds=tuple(replace(feed, ahead=ANY_TIME) for feed in job.feeds))
    found = outputs(log.fold(job), topic)
    return found.filter(pl.col("time") > SWITCH).select(SAID).sort("time", "rule", "subject")


def posting(number: int) -> dict[str, Any]:
    """Every fifth is large; five debits and five credits in turn; much in five days of fifteen."""
    much = 5 if number // 60 % 3 == 0 else 1
    return {
        "owner": "ABC"[number % 7 % 3],
        "amount": much * (5_000_00 if number % 5 == 0 else 400_00 + number),
        "direction": "CREDIT" if number // 5 % 2 else "DEBIT",
    }


@pytest.fixture(scope="module")
def alone() -> pl.DataFrame:
    found = said("alerts", 20, ("LIVE", START, DRAFT))
    assert set(found["rule"]) == {"velocity", "pass-through"}
    assert found["limit"].str.contains("own average").any()
    return found


@pytest.mark.parametrize("days", [5, 80])
def test_a_shadow_set_with_other_windows_says_what_it_would_say_alone(alone, days):
    sets = (("LIVE", START, RESTLESS), ("SHADOW", SWITCH, DRAFT))
    assert said("alerts.shadow", days, *sets).equals(alone)


@pytest.mark.parametrize("days", [5, 80])
def test_a_live_set_with_other_windows_does_so_too(alone, days):
    assert said("alerts", days, ("LIVE", START, RESTLESS), ("LIVE", SWITCH, DRAFT)).equals(alone)


def test_a_cool_down_of_the_live_set_holds_the_shadow_back_until_it_ends(alone):
    """The default set's cool-downs last a day."""
    found = said("alerts.shadow", 20, ("SHADOW", SWITCH, DRAFT))
    assert found.height < alone.height
    assert found.join(alone, on=SAID, how="anti").is_empty()
    assert alone.join(found, on=SAID, how="anti")["time"].max() < SWITCH + DAY


def test_sums_do_not_need_the_rule_to_have_run(alone):
    """Only the own average and the balance do: nothing was learnt while the rules were left out."""
    before = ("LIVE", START, default({"structuring": PARAMS["structuring"]}))
    found = said("alerts.shadow", 20, before, ("SHADOW", SWITCH, DRAFT))
    fixed = alone.filter(~pl.col("limit").str.contains("own average"), rule="velocity")
    assert fixed.height > 0
    assert fixed.join(found, on=SAID, how="anti").is_empty()
    assert found.filter(rule="velocity").join(alone, on=("time", "rule"), how="anti").is_empty()
