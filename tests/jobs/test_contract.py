"""Operator uids, state names and table layouts are those that released savepoints have.

    python -m tests.jobs.test_contract URI-OF-THE-KAFKA-CONNECTOR > jobs/registry.json

writes down those of a new release.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import contract
from connectors.microbatch import environment
from jobs.catalogue import JOBS, Config

REGISTRY = Path(__file__).parents[2] / "jobs" / "registry.json"


def present(job: str, jar: str) -> dict[str, Any]:
    return contract(*environment({"pipeline.jars": jar}), JOBS[job](Config()))


@pytest.mark.parametrize("job", sorted(JOBS))
def test_savepoints_of_the_released_version_restore(job: str, connector_jar: str) -> None:
    assert present(job, connector_jar) == json.loads(REGISTRY.read_text())[job]


def test_every_job_is_registered() -> None:
    assert sorted(json.loads(REGISTRY.read_text())) == sorted(JOBS)


if __name__ == "__main__":
    print(json.dumps({job: present(job, sys.argv[1]) for job in sorted(JOBS)}, indent=2))
