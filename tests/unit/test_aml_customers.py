"""What is known of a customer changes the limits, from its moment on, in the AML job."""

import pytest

from jobs.catalogue import Config, aml_job
from schemas.codec import decode
from tests.aml_log import HOUR, START, Log, outputs

MINUTE = 60_000_000
CHANGED = START + 30 * MINUTE
"""2 March 2026, 08:30 UTC, 03:30 in New York: the change and all cash are of one business day."""
HIGH = {"rating": "HIGH"}
ENHANCED = {"due_diligence": "ENHANCED"}
PEP = {"pep": True}
MEDIUM = {"rating": "MEDIUM"}


def structured(log: Log, slice_ms: int = 1_000) -> list[tuple[str, str]]:
    """Subject and events of the alerts of structuring."""
    log.tick(START + HOUR)
    job = aml_job(Config(partitions=1, slice_ms=slice_ms, lateness_ms=1_000))
    found = outputs(log.fold(job), "alerts")
    if found.is_empty():
        return []
    return found.filter(rule="structuring").select("subject", "events").rows()


def deposits(log: Log, last: int, amount: int, owners: str = "A") -> None:
    """Three cash-ins of the amount (cents) by each owner; the last one at `last`."""
    for number, time in enumerate((last - 20 * MINUTE, last - 10 * MINUTE, last)):
        for owner in owners:
            name = f"{owner}{number}"
            log.post(name, time, owner=owner, account=f"{owner}-1", channel="CASH", amount=amount)


@pytest.mark.parametrize(
    ("amount", "met"),
    [
        # HIGH halves every limit (default factors): 0.8 T to T is 4,000.00 to 5,000.00 USD
        (3_999_99, False),
        (4_000_00, True),
        (4_000_01, True),
        (4_999_99, True),
        (5_000_00, True),
        (5_000_01, False),
    ],
)
@pytest.mark.parametrize("change", [HIGH, ENHANCED, PEP, {**MEDIUM, **PEP}])
def test_half_the_limit_applies_to_who_is_rated_so(
    change: dict[str, object], amount: int, met: bool
) -> None:
    log = Log()
    log.customer("k1", "A", START + 1, **change)
    deposits(log, CHANGED, amount)
    assert structured(log) == ([("A", "A0;A1;A2")] if met else [])


@pytest.mark.parametrize(
    ("amount", "met"), [(6_399_99, False), (6_400_00, True), (6_400_01, True)]
)  # MEDIUM: 0.8 of 0.8 T
def test_a_medium_rating_takes_a_fifth_off(amount: int, met: bool) -> None:
    log = Log()
    log.customer("k1", "A", START + 1, **MEDIUM)
    deposits(log, CHANGED, amount)
    assert structured(log) == ([("A", "A0;A1;A2")] if met else [])


@pytest.mark.parametrize("slice_ms", [250, 1_000, 60_000])
@pytest.mark.parametrize("change", [HIGH, ENHANCED, PEP])
@pytest.mark.parametrize(
    ("last", "met"),
    [(CHANGED - 1, False), (CHANGED, True), (CHANGED + 1, True), (CHANGED + 9 * MINUTE, True)],
    ids=["T-1us", "T", "T+1us", "T+9min"],
)
def test_a_change_counts_from_its_moment_on(
    change: dict[str, object], last: int, met: bool, slice_ms: int
) -> None:
    """The same cash of two customers; only the first one changes, at CHANGED."""
    log = Log()
    for owner in "AB":
        log.customer(f"{owner}-low", owner, START + 1)
    deposits(log, last, 4_500_00, "AB")
    log.customer("A-new", "A", CHANGED, **change)
    assert structured(log, slice_ms) == ([("A", "A0;A1;A2")] if met else [])


def test_back_to_low_the_whole_limit_applies_again() -> None:
    log = Log()
    log.customer("k1", "A", START + 1, **HIGH)
    log.customer("k2", "A", CHANGED)
    deposits(log, CHANGED, 4_500_00)
    assert structured(log) == []


def test_a_change_that_comes_out_of_order_counts_at_its_own_moment() -> None:
    """Before the watermark has passed, the order of business time decides, not that of the log."""
    log = Log()
    deposits(log, CHANGED, 4_500_00)
    log.customer("k1", "A", CHANGED - 500_000, **HIGH)
    assert structured(log) == [("A", "A0;A1;A2")]


def test_an_unknown_time_zone_is_a_dead_letter_and_what_was_known_stays() -> None:
    log = Log()
    log.customer("k1", "A", START + 1, **HIGH)
    log.customer("k2", "A", START + 2, zone="No/Where")
    deposits(log, CHANGED, 4_500_00)
    log.tick(START + HOUR)
    folded = log.fold(aml_job(Config(partitions=1, lateness_ms=1_000)))
    (letter,) = [decode(r.value)[1] for f in folded for r in f.results if r.topic == "aml.dead"]
    asked = "a time zone of the IANA database is asked"
    assert letter["reason"] == f"out-of-range: zone is 'No/Where', {asked}"
    found = outputs(folded, "alerts").filter(rule="structuring")
    assert found["events"].to_list() == ["A0;A1;A2"]
