"""How many customers reach a band, and how many of them launder."""

from collections.abc import Iterator

import numpy as np

from deploy.train.measure import Judged
from udfs.aml.model_score import Params

PRIOR = 0.001
"""One customer in a thousand."""


def at_bands(all_: Judged) -> Iterator[tuple[int, int, int, float]]:
    """For each band: its limit, customers that reach it, members among them, precision at PRIOR.

    The last is PRIOR x t / (PRIOR x t + (1 - PRIOR) x f), with t and f the shares of members and of
    others that reach the band.
    """
    odds = all_.scores["boosted"]
    scores = np.rint(1e6 / (1 + np.exp(-odds)))
    for band in Params().bands:
        reached = scores >= band.at_least
        members = int((reached & all_.member).sum())
        true = PRIOR * members / max(1, int(all_.member.sum()))
        false = (1 - PRIOR) * (int(reached.sum()) - members) / max(1, int((~all_.member).sum()))
        share = true / (true + false) if true + false else 0.0
        yield band.at_least, int(reached.sum()), members, share
