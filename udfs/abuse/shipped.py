"""The models that ship, in their roles: what a job's step is given."""

from dataclasses import dataclass, field

from udfs.abuse.features import FEATURES, Scorer, Unscored
from udfs.abuse.model import load, role
from udfs.abuse.watch import Watch


@dataclass(frozen=True)
class Shipped:
    """Arguments of udfs.abuse.step.AbuseStep; without models rules alone decide.

    Attributes:
        scorer: The champion, which decides.
        challenger: What runs beside it; None if there is none.
        watcher: Looks for drift of the champion.
    """

    scorer: Scorer = field(default_factory=Unscored)
    challenger: Scorer | None = None
    watcher: Watch | None = None

    def __str__(self) -> str:
        """Which they are, as a part of the job's decision version: hashes of their cards, short."""
        both = (self.scorer, self.challenger)
        return "".join(f"+{model.hash[:12]}" for model in both if model is not None and model.hash)


def shipped() -> Shipped:
    """The models in their roles; none if no champion is named.

    Raises:
        ModelError: A model that is named is not there, damaged, or takes other features.
    """
    champion, challenger = role("champion"), role("challenger")
    if not champion:
        return Shipped()
    scorer = load(champion, tuple(FEATURES))
    beside = load(challenger, tuple(FEATURES)) if challenger else None
    return Shipped(scorer, beside, Watch(scorer))
