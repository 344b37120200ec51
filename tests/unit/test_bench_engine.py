from dataclasses import dataclass

import pytest

from deploy.bench import engine, plan
from deploy.bench.plan import SHORT, Plan, Series
from deploy.bench.runner import Run
from deploy.bench.site import PEERS
from deploy.bench.work import Work
from deploy.errors import UserError

STARTUP = 5.0
WORK = Work(5_000_000)


@dataclass
class Fake:
    """A system that is as fast as it says."""

    name: str
    rate: float
    trouble: str | None = None


def made(name, events, rate):
    seconds = STARTUP + events / rate
    return Run(name, events, seconds, 2 * seconds, 10, 10, 1.0)


@pytest.fixture
def runs(monkeypatch):
    """The runs made, in order; the clock goes on by what they take."""
    now = [0.0]
    done = []

    def run(site, system, work, patience):
        done.append((system.name, work.events))
        if system.trouble:
            raise UserError(system.trouble)
        one = made(system.name, work.events, system.rate)
        now[0] += one.seconds
        return one

    monkeypatch.setattr(plan, "run", run)
    done_by = Plan(None, 1_000, lambda line: None, lambda: now[0])
    return done_by, done


def test_start_up_is_left_out_of_the_rate_and_told_apart(runs):
    planned, _ = runs
    (series,) = planned.rounds([(Fake("one", 1e5), WORK)], 1)
    assert series.rate == pytest.approx(1e5)
    assert series.startup == pytest.approx(STARTUP)
    assert series.cpu == pytest.approx(2e-5)


def test_systems_take_turns(runs):
    planned, done = runs
    planned.rounds([(Fake("one", 1e6), WORK), (Fake("other", 1e5), WORK)], 2)
    turn = [("one", SHORT), ("one", WORK.events), ("other", SHORT), ("other", WORK.events)]
    assert done == turn * 2


@pytest.mark.parametrize(("rate", "events"), [(59_000, 500_000), (61_000, 5_000_000)])
def test_a_slow_system_gets_fewer_events(runs, rate, events):
    planned, _ = runs
    assert planned.sized(Fake("some", rate), WORK)[1].events == events


def test_runs_made_to_find_the_size_count(runs):
    planned, done = runs
    slow = Fake("some", 20_000)
    _, work = planned.sized(slow, WORK)
    (series,) = planned.rounds([(slow, work)], 2)
    assert done == [("some", SHORT), ("some", 500_000)] * 2
    assert len(series.wholes) == 2


def test_the_better_variant_is_chosen(runs):
    planned, _ = runs
    variants = [Fake("broken", 1e9, "no such thing"), Fake("slow", 1e4), Fake("quick", 1e5)]
    system, work = engine._chosen(planned, variants, WORK)
    assert (system.name, work) == ("quick", WORK)


def test_a_failing_system_is_not_tried_again(runs):
    planned, done = runs
    (series,) = planned.rounds([(Fake("broken", 1, "no such thing"), WORK)], 3)
    assert len(done) == 1
    assert (series.rate, series.trouble) == (None, "no such thing")


def test_a_run_that_does_not_fit_into_the_time_left_is_left_out(runs):
    planned, _ = runs
    fake = Fake("some", 10_000)
    planned.sized(fake, WORK)
    (series,) = planned.rounds([(fake, WORK)], 3)
    assert len(series.wholes) == 1
    assert series.trouble is not None
    assert series.trouble.startswith("not run: 505 s are needed, 330 s are left")


def test_ratios_are_ours_by_theirs_against_the_bars():
    def series(name, rate):
        return Series(name, WORK, [made(name, SHORT, rate)], [made(name, WORK.events, rate)])

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
