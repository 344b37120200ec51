"""Whom of a list a name may be: candidates by token, then the score of each.

Made once for a list and threshold in a process. The names screened last are remembered with what
was found, so that a name that comes again costs a lookup; what is found never depends on it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from udfs.screening import words
from udfs.screening.listed import Entry
from udfs.screening.names import Name, normalise
from udfs.screening.score import GLUED, SUBSET, WHOLE, Score, score
from udfs.screening.tokens import Floats, Ints, Likeness

SMALLEST_LIST = 1_000
"""A token of a shorter list is judged as rare as if the list had so many names."""
RAREST, MOST_COMMON = 1.0, 0.3
PATRONYMIC = 0.5
CANDIDATES = 48
_SLACK, _SLACK_INITIALS = 0.08, 0.4
"""So much less than the threshold a listed name may promise and still be scored: weights of tokens
with errors are not exact, and initials are not looked up."""
_GLUED_SIZE = 4
_JOINS = 8
_REMEMBERED = 100_000


@dataclass(frozen=True)
class Hit:
    """A name that a listed party may have: which one, under which of its names, how alike."""

    entry: Entry
    name: str
    score: Score


class Screener:
    """The index of one list."""

    def __init__(self, entries: Sequence[Entry], threshold: int) -> None:
        """Index `entries`; a hit scores at least `threshold`, parts per million."""
        self.threshold = threshold
        self._names: list[tuple[Entry, str, Name]] = []
        for entry in entries:
            seen: set[Name] = set()
            for written in (entry.name, *entry.aliases):
                name = normalise(written)
                if name.tokens and name not in seen:
                    seen.add(name)
                    self._names.append((entry, written, name))
        owners: dict[str, list[int]] = {}
        joins: dict[str, list[int]] = {}
        for at, (_, _, name) in enumerate(self._names):
            for token in dict.fromkeys(name.tokens):
                owners.setdefault(token, []).append(at)
            for glued in dict.fromkeys(_glued(name.tokens)):
                joins.setdefault(glued, []).append(at)
        self._single, self._joined = _Owned(owners), _Owned(joins)
        self._bare = any(name.bare for _, _, name in self._names)
        self._weights: dict[str, float] = {}
        self._sums = np.array([sum(map(self.weigh, n.tokens)) for _, _, n in self._names])
        self._like: dict[tuple[str, bool], tuple[Ints, Floats]] = {}
        self._known: dict[str, tuple[Hit, ...] | None] = {}

    def weigh(self, token: str) -> float:
        """The weight of a token: fixed for words that say little, else by how rare it is here."""
        found = self._weights.get(token)
        if found is None:
            found = words.weight(token)
            if found is None:
                size = max(len(self._names), SMALLEST_LIST)
                rare = log((size + 1) / (self._single.count(token) + 1)) / log(size + 1)
                found = min(max(rare, MOST_COMMON), RAREST)
                if words.is_patronymic(token):
                    found *= PATRONYMIC
            if len(self._weights) >= _REMEMBERED:
                self._weights.clear()
            self._weights[token] = found
        return found

    def hits(self, written: str) -> tuple[Hit, ...] | None:
        """The parties that a name may be, the most alike first, each under its best name.

        None if there is nothing in the name that can be compared.
        """
        try:
            return self._known[written]
        except KeyError:
            name = normalise(written)
            found = self._screened(name) if name.tokens else None
            if len(self._known) >= _REMEMBERED:
                for old in list(self._known)[: _REMEMBERED // 2]:
                    del self._known[old]
            self._known[written] = found
        return found

    def _screened(self, name: Name) -> tuple[Hit, ...]:
        best: dict[str, Hit] = {}
        for at in self._candidates(name):
            entry, written, listed = self._names[at]
            scored = score(name.tokens, listed.tokens, self.weigh, name.bare or listed.bare)
            if scored.value >= self.threshold:
                before = best.get(entry.id)
                if before is None or scored.value > before.score.value:
                    best[entry.id] = Hit(entry, written, scored)
        return tuple(sorted(best.values(), key=lambda hit: (-hit.score.value, hit.entry.id)))

    def _candidates(self, name: Name) -> list[int]:
        """Numbers of the listed names that may reach the threshold, at most `CANDIDATES`."""
        tokens = list(dict.fromkeys(name.tokens))
        found = [self._found(token, name.bare) for token in tokens]
        near = self._glued_candidates(name.tokens, dict(zip(tokens, found, strict=True)))
        weights = [
            min([self.weigh(token), *(self.weigh(self._single.tokens[at]) for at in like[-1:])])
            for token, (like, _) in zip(tokens, found, strict=True)
        ]
        shared, total = np.zeros(len(self._names)), sum(weights)
        for weight, (like, value) in zip(weights, found, strict=True):
            if len(like):
                names, best = self._single.best(like, value)
                shared[names] = shared[names] + weight * best
        initials = any(len(token) == 1 or token in words.DIGRAPHS for token in tokens)
        least = self.threshold / WHOLE - (_SLACK_INITIALS if initials else _SLACK)
        good = np.flatnonzero(shared)
        one = shared[good] / np.minimum(self._sums[good], total)
        both = 2 * shared[good] / (self._sums[good] + total)
        promised = both + SUBSET * (one - both)
        good, promised = good[promised >= least], promised[promised >= least]
        if len(good) > CANDIDATES:
            good = good[np.argsort(-promised, kind="stable")[:CANDIDATES]]
        return sorted(near.union(good.tolist()))

    def _glued_candidates(
        self, tokens: Sequence[str], found: Mapping[str, tuple[Ints, Floats]]
    ) -> set[int]:
        """Numbers of names that are written as one word on one side only."""
        near: set[int] = set()
        for glued in _glued(tokens):
            for at in self._single.likeness.same(glued):
                near.update(self._single.of(at)[:CANDIDATES])
        for token, (_, value) in found.items():
            if len(token) >= _GLUED_SIZE:
                joins = self._joined.likeness.same(token)
                if not len(value) or value[-1] < GLUED:
                    joins += self._joined.likeness.like(token, bare=False)[0][-_JOINS:].tolist()
                for at in joins[:CANDIDATES]:
                    near.update(self._joined.of(at)[:CANDIDATES])
        return near

    def _found(self, token: str, bare: bool) -> tuple[Ints, Floats]:
        if len(token) == 1:
            return np.empty(0, dtype=np.int64), np.empty(0)
        key = token, bare or self._bare
        found = self._like.get(key)
        if found is None:
            if len(self._like) >= _REMEMBERED:
                self._like.clear()
            found = self._like[key] = self._single.likeness.like(*key)
        return found


class _Owned:
    """Tokens, and the numbers of the names that hold each."""

    def __init__(self, owners: dict[str, list[int]]) -> None:
        self.tokens = list(owners)
        self.likeness = Likeness(self.tokens)
        sizes = [len(names) for names in owners.values()]
        self._starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        flat: Iterable[int] = (at for names in owners.values() for at in names)
        self._names = np.fromiter(flat, dtype=np.int64, count=int(self._starts[-1]))
        self._value = np.zeros(int(self._names.max(initial=-1)) + 1)

    def count(self, token: str) -> int:
        """How many names hold `token`."""
        at = self.likeness.number.get(token)
        return 0 if at is None else int(self._starts[at + 1] - self._starts[at])

    def of(self, at: int) -> list[int]:
        """The names that hold token number `at`."""
        names: list[int] = self._names[self._starts[at] : self._starts[at + 1]].tolist()
        return names

    def best(self, tokens: Ints, values: Floats) -> tuple[Ints, Floats]:
        """The names that hold one of `tokens`, and the value of the last such token for each.

        A name that holds several comes several times, with the same value.
        """
        parts = [self._names[self._starts[at] : self._starts[at + 1]] for at in tokens.tolist()]
        names = np.concatenate(parts)
        self._value[names] = np.repeat(values, [len(part) for part in parts])
        return names, self._value[names]


def _glued(tokens: Sequence[str]) -> list[str]:
    """Two neighbouring tokens as one, all as one, and two the other way round."""
    found = ["".join(tokens[at : at + 2]) for at in range(len(tokens) - 1)]
    if 2 < len(tokens) <= 4:
        found.append("".join(tokens))
    if len(tokens) == 2:
        found.append(tokens[1] + tokens[0])
    return found
