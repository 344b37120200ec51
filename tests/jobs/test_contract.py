"""Operator uids, state names and table layouts are those that released savepoints have."""

import json
from pathlib import Path

import pytest

from connectors.microbatch import environment
from jobs.catalogue import JOBS
from jobs.contract import contract

REGISTRY = json.loads((Path(__file__).parents[2] / "jobs" / "registry.json").read_text())


@pytest.mark.jobs
@pytest.mark.parametrize("job", sorted(JOBS))
def test_savepoints_of_the_released_version_restore(job: str, connector_jar: str) -> None:
    assert contract(*environment({"pipeline.jars": connector_jar}), job) == REGISTRY[job]


def test_every_job_is_registered() -> None:
    assert sorted(REGISTRY) == sorted(JOBS)
