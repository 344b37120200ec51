"""The AML step: exact business-time order, transfers, rule sets with a place in the stream."""

import pytest

from jobs.catalogue import Config, aml_job
from tests.aml_log import DAY, HOUR, START, Log, outputs
from tests.rule_sets import PUBLIC, signed
from udfs.aml.flow_velocity_params import Params as Velocity
from udfs.aml.flow_velocity_params import VelocityWindow
from udfs.aml.ruleset import RuleSet, canonical


def job(slice_ms: int = 1_000):
    return aml_job(Config(partitions=1, slice_ms=slice_ms, lateness_ms=1_000))


@pytest.mark.parametrize("slice_ms", [250, 1_000, 60_000])
def test_debits_above_the_floor_become_transfers_in_the_order_of_time(slice_ms: int) -> None:
    log = Log()
    log.post("p2", START + 2_000_000, direction="DEBIT", amount=100_00, counterparty="B")
    log.post("p1", START + 1_500_000, START + 2_100_000, direction="DEBIT", counterparty="B")
    log.post("small", START + 2_200_000, direction="DEBIT", amount=99_99, counterparty="B")
    log.post("card", START + 2_300_000, direction="DEBIT", channel="CARD", counterparty="B")
    log.post("self", START + 2_400_000, direction="DEBIT", counterparty="A")
    log.post("out", START + 2_500_000, direction="DEBIT", counterparty_account="Y-9")
    log.post("eur", START + 2_600_000, direction="DEBIT", amount=92_60, currency="EUR")
    log.tick(START + HOUR)
    found = outputs(log.fold(job(slice_ms)), "transfers")
    assert found["transfer_id"].to_list() == ["p1", "p2", "out", "eur"]
    assert found["target"].to_list() == ["B", "B", "Y-9", "X-1"]
    # 92.60 EUR at 1.08 is 100.008 USD, half up 100.01
    assert found["amount"].to_list() == [100_00, 100_00, 100_00, 100_01]


@pytest.mark.parametrize("quiet", [False, True])
def test_what_leaves_a_window_while_nothing_is_posted_has_left(quiet: bool) -> None:
    """A customer record that comes due in between makes no difference."""
    two = VelocityWindow(hours=168, count=1, sum=10**12)
    rules = RuleSet(rules={"velocity": Velocity(windows=(two,))})
    log = Log()
    log.put("rules", "RuleSet", signed(1, START + 1, canonical(rules)), appended=START)
    log.post("old", START + HOUR)
    for days in (5, 9):
        log.tick(START + days * DAY)
        if not quiet:
            log.customer(f"c{days}", "A", START + days * DAY + 1)
    for days in (10, 11):
        log.tick(START + days * DAY - 1)
        log.post(f"new-{days}", START + days * DAY)
    log.tick(START + 12 * DAY)
    spec = aml_job(Config(1, 1_000, lateness_ms=1_000, rule_keys=PUBLIC.hex()))
    found = outputs(log.fold(spec), "alerts")
    assert found["measured"].to_list() == ["2 credits within 168 h"]
    assert found["events"].to_list() == ["new-10;new-11"]
