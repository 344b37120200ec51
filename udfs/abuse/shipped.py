"""The models that ship, in their roles: what a job's step is given."""

from dataclasses import dataclass

from udfs.abuse.features import FEATURES
from udfs.abuse.model import Model, load, role
from udfs.abuse.watch import Watch


@dataclass(frozen=True)
class Shipped:
    """Arguments of udfs.abuse.step.AbuseStep.

    Attributes:
        scorer: The champion, which decides.
        challenger: What runs beside it; None if there is none.
        watcher: Looks for drift of the champion.
    """

    scorer: Model
    challenger: Model | None
    watcher: Watch


def shipped() -> Shipped | None:
    """The models in their roles; None if no champion is named.

    Raises:
        ModelError: A model that is named is not there, damaged, or takes other features.
    """
    champion, challenger = role("champion"), role("challenger")
    if not champion:
        return None
    scorer = load(champion, tuple(FEATURES))
    beside = load(challenger, tuple(FEATURES)) if challenger else None
    return Shipped(scorer, beside, Watch(scorer))
