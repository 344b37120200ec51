"""A shard in which nothing is posted for a while: what leaves a window has left it all the same."""

import pytest

from tests.aml_log import DAY, HOUR, START, Log, job, outputs
from udfs.aml.flow_velocity_params import Params as Velocity
from udfs.aml.flow_velocity_params import VelocityWindow
from udfs.aml.ruleset import RuleSet, canonical


@pytest.mark.parametrize("quiet", [False, True])
def test_what_leaves_a_window_while_nothing_is_posted_has_left(quiet: bool) -> None:
    """A customer record that comes due in between makes no difference."""
    two = VelocityWindow(hours=168, count=1, sum=10**12)
    log = Log()
    log.rules(1, START + 1, canonical(RuleSet(rules={"velocity": Velocity(windows=(two,))})))
    log.post("old", START + HOUR)
    for days in (5, 9):
        log.tick(START + days * DAY)
        if not quiet:
            log.customer(f"c{days}", "A", START + days * DAY + 1)
    for days in (10, 11):
        log.tick(START + days * DAY - 1)
        log.post(f"new-{days}", START + days * DAY)
    log.tick(START + 12 * DAY)
    found = outputs(log.fold(job()), "alerts")
    assert found["measured"].to_list() == ["2 credits within 168 h"]
    assert found["events"].to_list() == ["new-10;new-11"]
