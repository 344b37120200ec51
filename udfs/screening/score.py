"""How alike two names are: which tokens stand for which, and what is left over on either side.

Each token has a weight. Tokens are paired one to one, the heaviest and most alike first; an initial
may stand for a token that begins with it, two or three tokens written as one for that one. Then

    both  = (weight paired on either side, times likeness) / (all weight on both sides)
    one   = the same over the side with the smaller weight
    score = both + SUBSET * (one - both)     if two tokens that count, or a token and an initial,
                                             are paired, and no number is left over

so that a name that is part of a longer one scores less than the whole name, but not nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from udfs.screening.tokens import likeness
from udfs.screening.words import DIGRAPHS

WHOLE = 1_000_000
INITIAL = 0.80
"""What an initial is worth in place of a token that begins with it."""
GLUED = 0.86
"""The least likeness of tokens written as one."""
SUBSET = 0.5
COUNTS = 0.3
"""Least weight of a token that counts as part of a name."""
NUMBER_SIZE = 3
"""A shorter number is part of a name, as of a ship's; a longer one came in from elsewhere."""
_GLUED_SIZE = 4


@dataclass(frozen=True)
class Pair:
    """Tokens that stand for each other: their text on both sides, likeness, weights."""

    mine: str
    theirs: str
    like: float
    weight_mine: float
    weight_theirs: float


@dataclass(frozen=True)
class Score:
    """The score and its parts, in parts per million.

    Attributes:
        value: The score.
        both: Share of both names that is paired.
        one: Share of the shorter name that is paired.
        pairs: Which tokens stand for which.
    """

    value: int
    both: int
    one: int
    pairs: tuple[Pair, ...]


Weigh = Callable[[str], float]
_Span = tuple[int, int]
_Found = tuple[_Span, _Span, float]


def score(mine: Sequence[str], theirs: Sequence[str], weigh: Weigh, bare: bool) -> Score:
    """How alike the tokens of two names are.

    Args:
        mine: Tokens of the name that is screened.
        theirs: Tokens of the listed name.
        weigh: The weight of a token.
        bare: Whether either script writes no vowels.
    """
    weights = [weigh(t) for t in mine], [weigh(t) for t in theirs]
    spans = _equal(mine, theirs)
    rest = (
        [i for i in range(len(mine)) if all(i != own[0] for own, _, _ in spans)],
        [j for j in range(len(theirs)) if all(j != other[0] for _, other, _ in spans)],
    )
    spans += _chosen(_possible(mine, theirs, rest, bare), weights)
    pairs = [
        Pair(
            " ".join(mine[slice(*own)]),
            " ".join(theirs[slice(*other)]),
            like,
            sum(weights[0][slice(*own)]),
            sum(weights[1][slice(*other)]),
        )
        for own, other, like in spans
    ]
    left = _left(mine, [own for own, _, _ in spans]) + _left(theirs, [at for _, at, _ in spans])
    numbered = any(token.isdigit() and len(token) <= NUMBER_SIZE for token in left)
    return _valued(pairs, weights, numbered)


def _valued(
    pairs: Sequence[Pair], weights: tuple[list[float], list[float]], numbered: bool
) -> Score:
    # A pair weighs the same on both sides where a typing error made a token look rare.
    all_mine = sum(weights[0]) + sum(
        min(p.weight_mine, p.weight_theirs) - p.weight_mine for p in pairs
    )
    all_theirs = sum(weights[1])
    got_mine = sum(p.like * min(p.weight_mine, p.weight_theirs) for p in pairs)
    got_theirs = sum(p.like * p.weight_theirs for p in pairs)
    solid = [p for p in pairs if p.weight_theirs >= COUNTS and len(p.mine) > 1 < len(p.theirs)]
    if not solid:
        return Score(0, 0, 0, tuple(pairs))
    value = both = (got_mine + got_theirs) / (all_mine + all_theirs)
    one = got_mine / all_mine if all_mine <= all_theirs else got_theirs / all_theirs
    more = len(pairs) > 1 and any(p.like == INITIAL for p in pairs)
    more = more or any(" " in p.mine or " " in p.theirs for p in solid)
    if one > both and (len(solid) > 1 or more) and not numbered:
        value = both + SUBSET * (one - both)
    return Score(_ppm(value), _ppm(both), _ppm(one), tuple(pairs))


def _equal(mine: Sequence[str], theirs: Sequence[str]) -> list[_Found]:
    """Tokens that are written the same, each once."""
    free = list(range(len(theirs)))
    found: list[_Found] = []
    for i, one in enumerate(mine):
        for j in free:
            if theirs[j] == one:
                free.remove(j)
                found.append(((i, i + 1), (j, j + 1), 1.0))
                break
    return found


def _possible(
    mine: Sequence[str], theirs: Sequence[str], rest: tuple[list[int], list[int]], bare: bool
) -> list[_Found]:
    """What of the rest may stand for what, one for one or one for several."""
    found: list[_Found] = []
    for i in rest[0]:
        for j in rest[1]:
            like = _single(mine[i], theirs[j], bare)
            if like:
                found.append(((i, i + 1), (j, j + 1), like))
    if len(rest[1]) > 1:
        for span, text in _joined(theirs, rest[1]):
            for i in rest[0]:
                like = _glued(mine[i], text, bare)
                if like:
                    found.append(((i, i + 1), span, like))
    if len(rest[0]) > 1:
        for span, text in _joined(mine, rest[0]):
            for j in rest[1]:
                like = _glued(theirs[j], text, bare)
                if like:
                    found.append((span, (j, j + 1), like))
    return found


def _chosen(found: list[_Found], weights: tuple[list[float], list[float]]) -> list[_Found]:
    """The most alike first, then the heaviest; each token once."""

    def rank(one: _Found) -> tuple[float, float, _Span, _Span]:
        own, other, like = one
        weight = sum(weights[0][slice(*own)]) + sum(weights[1][slice(*other)])
        return -like, -weight, own, other

    taken: tuple[set[int], set[int]] = set(), set()
    chosen = []
    for own, other, like in sorted(found, key=rank) if len(found) > 1 else found:
        if taken[0].isdisjoint(range(*own)) and taken[1].isdisjoint(range(*other)):
            taken[0].update(range(*own))
            taken[1].update(range(*other))
            chosen.append((own, other, like))
    return chosen


def _left(tokens: Sequence[str], spans: Sequence[_Span]) -> list[str]:
    taken = {at for span in spans for at in range(*span)}
    return [token for at, token in enumerate(tokens) if at not in taken]


def _single(one: str, other: str, bare: bool) -> float:
    if one.isdigit() or other.isdigit():
        return 0.0
    if len(one) == 1 or len(other) == 1:
        return INITIAL if one[0] == other[0] and len(one) != len(other) else 0.0
    short, long = sorted((one, other), key=len)
    if short in DIGRAPHS and long != short and long.startswith(short):
        return INITIAL
    return likeness(one, other, bare)


def _glued(one: str, joined: str, bare: bool) -> float:
    """How alike a token and several written as one are; 0 if they are hardly as long."""
    if len(one) < _GLUED_SIZE or abs(len(one) - len(joined)) > 2:
        return 0.0
    like = likeness(one, joined, bare)
    return like if like >= GLUED else 0.0


def _joined(tokens: Sequence[str], rest: Sequence[int]) -> list[tuple[_Span, str]]:
    """Two to four neighbouring tokens of the rest as one; both ways if the name is these two."""
    found = []
    for at, start in enumerate(rest):
        for n in (2, 3, 4):
            if at + n <= len(rest) and rest[at + n - 1] == start + n - 1:
                found.append(((start, start + n), "".join(tokens[start : start + n])))
    if len(rest) == 2 == len(tokens):
        found.append(((0, 2), tokens[1] + tokens[0]))
    return found


def _ppm(value: float) -> int:
    return round(min(max(value, 0.0), 1.0) * WHOLE)
