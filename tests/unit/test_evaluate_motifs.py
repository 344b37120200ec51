"""The motif stage's evaluation and bench: what they count, on worlds small enough to check."""

import polars as pl
import pytest

from connectors.generators import AmlWorld, Plan, Wanted
from deploy.bench import motifs as bench
from deploy.errors import UserError
from deploy.evaluate.motifs import CONFIG, Asked, alerts, run
from deploy.evaluate.world import folded, outputs, recorded
from jobs.catalogue import aml_job

HOUR = 3_600_000_000
START = 1_772_438_400_000_000


def fan(count, amount=200_000):
    return pl.DataFrame(
        {
            "transfer_id": [f"t{n}" for n in range(count)],
            "time": [START + n * HOUR for n in range(count)],
            "source": [f"S{n}" for n in range(count)],
            "target": ["H"] * count,
            "source_account": [f"AS{n}" for n in range(count)],
            "target_account": ["AH"] * count,
            "amount": [amount] * count,
            "currency": ["USD"] * count,
            "scale": [2] * count,
            "late": [False] * count,
            "source_topic": ["postings"] * count,
            "source_partition": [0] * count,
            "source_offset": [*range(count)],
            "version": ["aml/1"] * count,
        }
    )


def test_transfers_become_alerts_whatever_their_order() -> None:
    found = alerts(fan(5).reverse())
    assert found["events"].to_list() == ["t0;t1;t2;t3;t4"]
    assert found["time"].to_list() == [START + 4 * HOUR]
    assert alerts(fan(4)).is_empty()
    assert alerts(fan(0)).is_empty()


def test_a_world_is_judged() -> None:
    outcome = run(Asked(payments=12_000, days=7, seed=3, worlds=1, each=1))
    kinds = dict(outcome.kinds.select("kind", "schemes").iter_rows())
    assert kinds == dict.fromkeys(
        [
            "bipartite",
            "cycle",
            "fan-in",
            "fan-out",
            "gather-scatter",
            "scatter-gather",
            "stack",
        ],
        1,
    )
    value = {result.what: result.value for result in outcome.report.results}
    told = int(outcome.rules["alerts"].sum())
    true = int(outcome.rules["true"].sum())
    assert value["false alerts"] == told - true
    assert value["false alerts for each true one"] == round((told - true) / true, 3)
    # All of it lies in the first month.
    assert value["false alerts after the first month"] == 0
    assert value["false alerts for each true one after the first month"] == "none"


def test_no_such_world_is_told_in_one_line() -> None:
    with pytest.raises(UserError, match="there is no such world: "):
        run(Asked(payments=10, days=7, worlds=1, each=1))


def test_the_bench_takes_the_transfers_that_the_aml_job_makes() -> None:
    world = AmlWorld(5, days=7, count=12_000, wanted=Wanted(counts={"cycle": 1}))
    log = recorded(world, Plan(world.count, 5, 1), frozenset({"postings", *CONTROLS}))
    made = outputs(folded(log, aml_job(CONFIG)), ("transfers",))["transfers"]
    mine = bench.transfers(world)
    assert mine.equals(made.sort("time", "transfer_id").select(mine.columns))


CONTROLS = ("customers", "rules", "alert.actions")


def test_a_flood_is_one_party_paid_by_many() -> None:
    made = bench.flood(3)
    assert made.select("source", "target", "time").rows() == [
        (f"s{n}", "hub", made["time"][0] + n * 1_000_000) for n in range(3)
    ]
    done = bench._folded(made, 2)
    assert done.rate > 0
    assert done.cut["fan-in"] == 0
