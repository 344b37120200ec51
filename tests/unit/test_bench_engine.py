from dataclasses import dataclass

import pytest

from deploy.bench import engine, plan
from deploy.bench.plan import Budget, Plan, Series
from deploy.bench.runner import Run
from deploy.bench.site import PEERS
from deploy.bench.work import Work
from deploy.errors import UserError

WORK = Work(5_000_000)


@dataclass
class Fake:
    """A system that is as fast as it says."""

    name: str
    rate: float
    trouble: str | None = None


@pytest.fixture
def fakes(monkeypatch):
    now = [0.0]
    made = []

    def run(site, system, work, patience):
        made.append((system.name, work.events))
        if system.trouble:
            raise UserError(system.trouble)
        seconds = work.events / system.rate
        now[0] += 5 + seconds
        return Run(system.name, work.events, 5, seconds, 2 * seconds, 10, 10, 1.0)

    monkeypatch.setattr(plan, "run", run)
    return Plan(None, Budget(1_000, lambda: now[0]), lambda line: None), made


def test_systems_take_turns(fakes):
    planned, made = fakes
    one, other = Fake("one", 1e6), Fake("other", 1e5)
    first, second = planned.rounds([(one, WORK), (other, WORK)], 2)
    assert [name for name, _ in made] == ["one", "other", "one", "other"]
    assert (first.rate, second.rate) == (1e6, 1e5)


@pytest.mark.parametrize(("rate", "events"), [(59_000, 500_000), (61_000, 5_000_000)])
def test_a_slow_system_gets_fewer_events(fakes, rate, events):
    planned, made = fakes
    assert planned.probe(Fake("some", rate), WORK)[1].events == events
    assert made == [("some", plan.PROBE)]


def test_the_better_variant_is_chosen(fakes):
    planned, _ = fakes
    variants = [Fake("broken", 1e9, "no such thing"), Fake("slow", 1e4), Fake("quick", 1e5)]
    system, work = engine._chosen(planned, variants, WORK)
    assert (system.name, work) == ("quick", WORK)


def test_a_failing_system_is_not_tried_again(fakes):
    planned, made = fakes
    (series,) = planned.rounds([(Fake("broken", 1, "no such thing"), WORK)], 3)
    assert len(made) == 1
    assert (series.rate, series.trouble) == (None, "no such thing")


def test_a_run_that_does_not_fit_into_the_time_left_is_left_out(fakes):
    planned, made = fakes
    (series,) = planned.rounds([(Fake("some", 10_000), WORK)], 3)
    assert len(series.runs) == len(made) == 1
    assert series.trouble is not None
    assert series.trouble.startswith("not run: 505 s are needed")


def test_ratios_are_ours_by_theirs_against_the_bars():
    def series(name, rate):
        return Series(name, WORK, [Run(name, WORK.events, 1, WORK.events / rate, 1, 1, 1, 1.0)])

    found = {
        "tidemark": series("tidemark", 300_000),
        "bytewax": series("bytewax, 2 processes", 100_000),
        "limit": series("limit", 400_000),
        "pathway": Series("pathway", WORK, trouble="not run"),
    }
    rows = {row.what: (row.value, row.met) for row in engine._ratios(found)}
    assert rows == {
        "tidemark / bytewax, 2 processes": (3.0, True),
        "tidemark / limit": (0.75, True),
        "tidemark / pathway": ("not measured", False),
    }


@pytest.mark.parametrize("name", ["bytewax", "quixstreams", "pathway"])
def test_peers_are_pinned_to_the_last_package(name):
    lines = (PEERS / f"{name}.txt").read_text().splitlines()
    assert all(len(line.split("==")) == 2 for line in lines)
    assert any(line.startswith(f"{name}==") for line in lines)
