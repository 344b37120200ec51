"""The AML step: exact business-time order, transfers, rule sets with a place in the stream."""

import pytest

from jobs.catalogue import Config, aml_job
from tests.aml_log import HOUR, START, Log, outputs


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
