"""The doctor's questions, each with a healthy and an unhealthy answer."""

import pytest

from deploy import checks
from deploy.checks import Finding

HEALTHY = [
    checks.java(17, "/jre", [17, 21]),
    checks.python((3, 11)),
    checks.jars([], 264),
    checks.flink_versions("2.3.0", "2.3.0", "5.0.0-2.2"),
    checks.port("kafka", 9092, False, None, None),
    checks.port("kafka", 9092, True, "java (pid 1)", None),
    checks.disk(10.0, 2.0, "/home"),
    checks.memory(9_000, 0, 8_000),
    checks.memory(2_000, 6_500, 8_000),
    checks.topics({"nets": 4, "other": 1}, ["nets"], 4),
    checks.parallelism("netting", 4, 4),
    checks.late("netting", 0),
    checks.transaction_timeout(7_200_000),
    checks.clock(True),
    checks.service("kafka", None),
    checks.strays([]),
]
UNHEALTHY = [
    (checks.java(8, "/jre", [17, 21]), "8 at /jre is not 17 or 21"),
    (checks.java(None, "/jre", [17, 21]), "make setup"),
    (checks.python((3, 12)), "3.12 is not 3.11"),
    (checks.jars(["a.jar", "b.jar"], 264), "2 of 264 are missing (a.jar); run: tidemark jars"),
    (checks.flink_versions("2.2.0", "2.3.0", "5.0.0-2.2"), "make setup"),
    (checks.flink_versions("2.3.0", "2.3.0", "5.0.0-2.10"), "newer Flink than 2.3.0"),
    (checks.port("kafka", 9092, False, "java (pid 1)", 1000), "TIDEMARK_PORT_OFFSET=1000"),
    (checks.disk(1.0, 2.0, "/home"), "1.0 GiB free at /home, 2.0 wanted"),
    (checks.topics({}, ["nets"], 4), "nets missing; run: tidemark down, tidemark up"),
    (checks.topics({"nets": 2}, ["nets"], 4), "nets has 2, 4 set"),
    (checks.parallelism("netting", 8, 4), "submit with -p 4"),
    (checks.late("netting", 3), "3 records dropped as late"),
    (checks.transaction_timeout(900_000), "raise transaction.max.timeout.ms"),
    (checks.service("kafka", "not running"), "not running; see: tidemark logs kafka"),
    (checks.strays([1, 2]), "2 processes outlived their service (1, 2); run: tidemark down"),
]
NOTED = [checks.memory(1_000, 500, 8_000), checks.clock(False), checks.clock(None)]


@pytest.mark.parametrize("finding", HEALTHY, ids=lambda one: one.told)
def test_what_is_well_is_ok(finding: Finding) -> None:
    assert finding.grade == "ok"


@pytest.mark.parametrize(("finding", "told"), UNHEALTHY, ids=lambda one: str(one)[:40])
def test_a_problem_says_what_and_how_to_mend_it(finding: Finding, told: str) -> None:
    assert finding.grade == "problem"
    assert told in finding.told
    assert "\n" not in finding.told


@pytest.mark.parametrize("finding", NOTED, ids=lambda one: one.subject)
def test_what_only_may_matter_is_a_note(finding: Finding) -> None:
    assert finding.grade == "note"
