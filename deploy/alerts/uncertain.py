"""Which alerts a person's label would teach a model most: those it is least sure of.

Uncertainty sampling (Lewis, Gale 1994): the score nearest to MIDDLE first; every second place goes
to the alert of the rule with the fewest labels so far, so that no practice starves.
"""

from collections import Counter
from collections.abc import Sequence

from deploy.alerts.states import APPROVED, CLOSED
from deploy.alerts.worklist import Item

MIDDLE = 500_000
"""A score of one half, parts per million: where a model's limit is."""
DOMAIN = "MARKET_ABUSE"


def uncertain(items: Sequence[Item], most: int, domain: str = DOMAIN) -> list[Item]:
    """At most so many alerts without a label, the best to ask about first."""
    mine = [item for item in items if item.first["domain"] == domain]
    known = Counter(item.latest["rule"] for item in mine if item.status.label)
    left = [
        item for item in mine
        if not item.status.label and item.status.state not in (CLOSED, APPROVED)
    ]  # fmt: skip
    left.sort(key=lambda item: (doubt(item), item.first["time"], item.id))
    chosen: list[Item] = []
    while left and len(chosen) < most:
        place = 0
        if len(chosen) % 2:
            rules = [known[item.latest["rule"]] for item in left]
            place = rules.index(min(rules))
        chosen.append(left.pop(place))
        known[chosen[-1].latest["rule"]] += 1
    return chosen


def doubt(item: Item) -> int:
    """How far the score of an alert is from MIDDLE."""
    return abs(int(item.latest["score"]) - MIDDLE)
