"""From what a model says to parts per million, by straight lines between whole numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from udfs.abuse.trees import Array

WHOLE = 1_000_000
_WIDEST = 2**40
"""Knots lie within so much of 0: products with WHOLE stay below 2^63."""


@dataclass(frozen=True)
class Curve:
    """A rising line through knots, level before the first and after the last.

    Attributes:
        x: What is put in, strictly rising whole numbers.
        y: What comes out there, parts per million, never falling.
    """

    x: tuple[int, ...]
    y: tuple[int, ...]

    def __post_init__(self) -> None:
        """ValueError unless the knots are as described."""
        rising = all(a < b for a, b in zip(self.x, self.x[1:], strict=False))
        level = all(a <= b for a, b in zip(self.y, self.y[1:], strict=False))
        within = all(abs(a) <= _WIDEST for a in self.x) and all(0 <= b <= WHOLE for b in self.y)
        if not (self.x and len(self.x) == len(self.y) and rising and level and within):
            raise ValueError("a curve needs knots that rise, between 0 and 1,000,000")

    def __call__(self, values: Array) -> Array:
        """Values on the line, rounded down; whole numbers, any shape -> int64, the same shape."""
        x, y = np.array(self.x, dtype=np.int64), np.array(self.y, dtype=np.int64)
        inside = np.clip(values.astype(np.int64), x[0], x[-1])
        left = np.searchsorted(x, inside, side="right") - 1
        right = np.minimum(left + 1, len(x) - 1)
        run = np.maximum(x[right] - x[left], 1)
        return np.asarray(y[left] + (inside - x[left]) * (y[right] - y[left]) // run)

    @classmethod
    def of(cls, said: Mapping[str, Sequence[int]]) -> "Curve":
        """A curve as a card holds it."""
        return cls(tuple(said["x"]), tuple(said["y"]))

    def told(self) -> dict[str, list[int]]:
        """As a card holds it."""
        return {"x": list(self.x), "y": list(self.y)}
