"""How alike two tokens are, and which tokens of a list are like a given one.

Likeness, from 0 to 1: the mean of Jaro-Winkler and of 1 - (edits / length), an exchange of
neighbours being one edit, over the letters or over the sounds, whichever is worth more. Differences
weigh SHARP times. Scripts without short vowels are compared by consonants too. What is less than a
length's least likeness is 0.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from rapidfuzz.distance import OSA, JaroWinkler

from udfs.screening.sound import skeleton, sound, sounds

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

HEARD, NEARLY_HEARD = 0.96, 0.90
"""What sounding the same, or nearly, is worth as against being written so."""
SAME_BONES = 0.95
"""What sounding nearly the same is worth where the consonants are the same; vowels vary most."""
BARE = 0.92
"""What having the same consonants is worth where no vowels are written."""
SHARP = 1.5
"""How much a difference weighs, so that names that only look alike stay apart."""
_LEAST = (1.01, 1.01, 0.93, 0.85, 0.70, 0.64)
_LEAST_LONG = 0.60
_BASE = 38
_DICE = 0.36
_MOST = 72
"""So many tokens that share most pairs of letters are compared in full."""


def least(size: int) -> float:
    """The least likeness that counts, if the tokens have so many letters on average, rounded up."""
    return _LEAST[size] if size < len(_LEAST) else _LEAST_LONG


class Likeness:
    """The tokens of a list, found by the pairs of letters they share with another, or by sound."""

    def __init__(self, tokens: Sequence[str]) -> None:
        """Index `tokens`, which are unique."""
        self.tokens = list(tokens)
        self.number = {token: at for at, token in enumerate(self.tokens)}
        self._by_sound = _grouped([sound(token) for token in self.tokens])
        self._by_skeleton = _grouped([skeleton(token) for token in self.tokens])
        coded = [_pairs(token) for token in self.tokens]
        self._counts = np.array([len(codes) for codes in coded], dtype=np.int64)
        owners = np.repeat(np.arange(len(coded)), self._counts)
        codes = np.concatenate(coded) if coded else np.empty(0, dtype=np.int64)
        order = np.argsort(codes, kind="stable")
        self._owners = owners[order]
        self._starts = np.searchsorted(codes[order], np.arange(_BASE * _BASE + 1))

    def like(self, token: str, bare: bool) -> tuple[Ints, Floats]:
        """Numbers of the tokens that are like `token` and how much, the most alike last."""
        found = self._candidates(token, bare)
        if not len(found):
            return found, np.empty(0)
        value = np.array([likeness(token, self.tokens[at], bare) for at in found.tolist()])
        keep = value > 0.0
        found, value = found[keep], value[keep]
        order = np.lexsort((found, value))
        return found[order], value[order]

    def same(self, token: str) -> list[int]:
        """Numbers of the tokens that are written like `token` or sound like it."""
        return sorted({at for heard in sounds(token) for at in self._by_sound.get(heard, ())})

    def _candidates(self, token: str, bare: bool) -> Ints:
        codes = _pairs(token)
        parts = [self._owners[self._starts[c] : self._starts[c + 1]] for c in codes.tolist()]
        shared = np.bincount(np.concatenate(parts), minlength=len(self.tokens))
        dice = 2 * shared / (self._counts + len(codes))
        found = np.flatnonzero(dice >= _DICE)
        if len(found) > _MOST:
            found = found[np.argsort(-dice[found], kind="stable")[:_MOST]]
        more = self.same(token)
        if bare:
            more += self._by_skeleton.get(skeleton(token), [])
        return np.union1d(found, np.array(more, dtype=np.int64))


@lru_cache(maxsize=1 << 18)
def likeness(one: str, other: str, bare: bool) -> float:
    """How alike two tokens are; initials are judged elsewhere."""
    if one == other:
        return 1.0
    if min(len(one), len(other)) < 2:
        return 0.0
    heard = sound(other)
    value = max(_sharp(_alike(one, other)), _sounding(sound(one), heard))
    if (one[0] == "j") != (other[0] == "j"):
        value = max(value, *(_sounding(own, heard) for own in sounds(one)))
    bones = skeleton(one)
    if bones == skeleton(other):
        value = max(value, SAME_BONES * _alike(sound(one), heard))
        if bare and len(bones) > 1:
            value = max(value, BARE)
    return value if value >= least((len(one) + len(other) + 1) // 2) else 0.0


def _alike(one: str, other: str) -> float:
    return 0.5 * (
        JaroWinkler.normalized_similarity(one, other) + OSA.normalized_similarity(one, other)
    )


def _sharp(alike: float) -> float:
    return 1 - SHARP * (1 - alike)


def _sounding(own: str, heard: str) -> float:
    """What it is worth that two tokens sound like this."""
    return HEARD if own == heard else NEARLY_HEARD * _sharp(_alike(own, heard))


def _pairs(token: str) -> Ints:
    """Codes of the pairs of neighbouring letters, beginning and end included, each once."""
    raw = np.frombuffer(token.encode(), dtype=np.uint8).astype(np.int64)
    letters = np.where(raw >= 97, raw - 96, raw - 20)  # a to z: 1 to 26; 0 to 9: 28 to 37
    padded = np.concatenate([[0], letters, [0]])
    codes: Ints = np.unique(padded[:-1] * _BASE + padded[1:])
    return codes


def _grouped(keys: Sequence[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for at, key in enumerate(keys):
        found.setdefault(key, []).append(at)
    return found
