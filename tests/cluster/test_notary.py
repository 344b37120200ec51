"""Notary and job killed under load on a real stack: one tree, no fork, no gap, proofs that hold."""

import uuid

from deploy.drills import notary
from deploy.stack import Stack


def test_notary_and_taskmanager_killed_under_load_leave_one_tree(stack: Stack) -> None:
    prefix = f"n{uuid.uuid4().hex[:6]}."
    report = notary.run(stack, prefix, 3, count=20_000, rate=2_000, interruptions=5, proofs=3)
    found = {result.what: result.value for result in report.results}
    assert found[notary.TASKMANAGER] == 1
    assert found[notary.KILL] + found[notary.STOP] == 4
    assert int(found["events in the log"]) > 10_000
    assert int(found["checkpoints that hold"]) > 10
    for nothing in (
        "events not signed in the end",
        "trees that are not the log's",
        "forks, gaps, rolled-back checkpoints",
        "records of both jobs that differ from the oracle",
    ):
        assert found[nothing] == 0, nothing
