"""What can be wrong with a signed log: the kinds that an audit names."""

from dataclasses import dataclass

CHANGED, DROPPED, SWAPPED = "changed byte", "dropped record", "swapped order"
TRUNCATED, FORK = "truncated tail", "fork"
SIGNATURE, ROLLED_BACK = "wrong signature", "rolled-back checkpoint"
COUNTS, TILE = "wrong counts", "damaged tile"


@dataclass(frozen=True)
class Finding:
    """What is wrong: the kind, the event it begins at (or the size of the checkpoint), and why."""

    kind: str
    position: int
    text: str
