"""What is a ring: thresholds and weights, and the digest under which they decide."""

import json
from dataclasses import asdict, dataclass
from hashlib import sha256

VERSION = "rings/1"
"""Changes when the rings found in the same transfers and alerts do."""

WHOLE = 1_000_000
"""One, in parts per million."""


@dataclass(frozen=True)
class Params:
    """How rings are found. Shares and scores are in parts per million, money in minor units.

    None of the numbers is official; a firm calibrates them on its own cases.

    Attributes:
        window_us: Transfers and alerts of (as-of - window, as-of] count, microseconds.
        least_members: Members that a ring has at least.
        threshold: Score from which a community is a ring.
        high: Score from which its band is HIGH.
        evidence: Rules whose alerts say that a customer pays in cash as a structurer does.
        senders: So many customers with evidence make a collector of whom they all pay.
        main: Share of what a customer sent that goes to one payee, for the payee to matter.
        layers: Transfers in a row from a depositor to the sink at most.
        unit: Amount that is 1 for the communities' weights.
        resolution: Least weight for each pair of members for which a community is kept together
            (Constant Potts Model), parts per million of `unit`.
        seed: Of the community search.
        weight_evidence: Weight of the share of payers with evidence.
        weight_flow: Weight of the share of the payers' money that reaches the sink.
        weight_common: Weight of the share of payers with a common collector.
        weight_closed: Weight of the share of the members' transfers that stay among them.
    """

    window_us: int = 14 * 86_400_000_000
    least_members: int = 10
    threshold: int = 600_000
    high: int = 800_000
    evidence: tuple[str, ...] = (
        "structuring",
        "micro-structuring",
        "smurfing",
        "consolidation",
        "funnel-account",
    )
    senders: int = 3
    main: int = 200_000
    layers: int = 4
    unit: int = 1_000_000
    resolution: int = 200
    seed: int = 1
    weight_evidence: int = 500_000
    weight_flow: int = 300_000
    weight_common: int = 100_000
    weight_closed: int = 100_000

    def __post_init__(self) -> None:
        """Refuse what finds nothing or everything, in words for whoever typed it."""
        if self.window_us < 1:
            raise ValueError("a window has at least one day")
        if self.least_members < 3:
            raise ValueError("a ring has at least 3 members")

    @property
    def digest(self) -> str:
        """SHA-256 of version and parameters as canonical JSON, in hex."""
        said = {"version": VERSION, **asdict(self)}
        return sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
