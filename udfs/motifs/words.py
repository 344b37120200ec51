"""A shape in the words an analyst reads."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from udfs.motifs.params import Motif

Leg = tuple[str, str]
"""Who paid, and who was paid."""

_NAMED = 20
_HOUR = 3_600_000_000


def reason(
    name: str, legs: Sequence[Sequence[Leg]], span: int, params: Motif, late: int = 0
) -> str:
    """Why a shape was reported, its members named, at most 20 of a kind.

    Args:
        name: The shape.
        legs: The edges of its parts, in order.
        span: From its first edge to its last, microseconds.
        params: What it was judged by.
        late: How many of its edges came late, and so count at their place in the log.
    """
    new = "new " if params.new_only else ""
    said = f"{_TOLD[name](legs, new)} within {_duration(span)}"
    return f"{said}; late, counted at their place in the log: {late}" if late else said


def _fan_in(legs: Sequence[Sequence[Leg]], new: str) -> str:
    return f"{legs[0][0][1]} was paid by {_sources(legs[0], new + 'sources')}"


def _fan_out(legs: Sequence[Sequence[Leg]], new: str) -> str:
    return f"{legs[0][0][0]} paid {_targets(legs[0], new + 'targets')}"


def _gather_scatter(legs: Sequence[Sequence[Leg]], new: str) -> str:
    paid = _targets(legs[1], new + "targets")
    return f"{_fan_in(legs, new)} and then paid {paid}"


def _scatter_gather(legs: Sequence[Sequence[Leg]], new: str) -> str:
    over = _targets(legs[0], new + "middlemen")
    return f"money of {legs[0][0][0]} reached {legs[1][0][1]} over {over}"


def _cycle(legs: Sequence[Sequence[Leg]], new: str) -> str:
    return f"money went round {_way(legs[0])}"


def _walk(legs: Sequence[Sequence[Leg]], new: str) -> str:
    return f"money moved on {_way(legs[0])}"


def _bipartite(legs: Sequence[Sequence[Leg]], new: str) -> str:
    paid = _targets(legs[0], new + "targets")
    return f"{_sources(legs[0], 'sources')} shared {paid}"


def _stack(legs: Sequence[Sequence[Leg]], new: str) -> str:
    return f"{_bipartite(legs, new)}, who then shared {_targets(legs[1], new + 'targets')}"


_TOLD: Mapping[str, Callable[[Sequence[Sequence[Leg]], str], str]] = {
    "fan-in": _fan_in,
    "fan-out": _fan_out,
    "gather-scatter": _gather_scatter,
    "scatter-gather": _scatter_gather,
    "cycle": _cycle,
    "bipartite": _bipartite,
    "stack": _stack,
    "walk": _walk,
}


def _sources(legs: Sequence[Leg], kind: str) -> str:
    return _counted((source for source, _ in legs), kind)


def _targets(legs: Sequence[Leg], kind: str) -> str:
    return _counted((target for _, target in legs), kind)


def _counted(names: Iterable[str], kind: str) -> str:
    different = list(dict.fromkeys(names))
    more = len(different) - _NAMED
    listed = ", ".join(different[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"{len(different)} {kind} ({listed})"


def _way(legs: Sequence[Leg]) -> str:
    return "from " + " to ".join([legs[0][0], *(target for _, target in legs)])


def _duration(span: int) -> str:
    """A length of time rounded up to hours, as in 3 d 4 h."""
    days, hours = divmod(-(-span // _HOUR), 24)
    return f"{days} d {hours} h" if days else f"{hours} h"
