"""Draws from seeded streams: every stream of random numbers is named by seed, purpose and block."""

import numpy as np

from connectors.generators.arrays import Floats, Ints

_ALPHANUMERIC = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", dtype=np.uint8)


def stream(seed: int, purpose: str, block: int = 0) -> np.random.Generator:
    """The random numbers of one purpose in one block: they depend on nothing drawn elsewhere."""
    return np.random.Generator(
        np.random.PCG64([seed, int.from_bytes(purpose.encode(), "big"), block])
    )


def zipf_weights(size: int, exponent: float) -> Floats:
    """Shares of the 1st, 2nd, ... most popular of `size`: proportional to rank^-exponent, sum 1."""
    weights = np.arange(1, size + 1, dtype=np.float64) ** -exponent
    shares: Floats = weights / weights.sum()
    return shares


def choose(rng: np.random.Generator, weights: Floats, size: int) -> Ints:
    """Indices drawn by weight, int64, shape (size,)."""
    edges = np.cumsum(weights)
    picked = np.searchsorted(edges, rng.random(size) * edges[-1], side="right")
    inside: Ints = np.minimum(picked, len(weights) - 1).astype(np.int64)
    return inside


def other_than(rng: np.random.Generator, taken: Ints, weights: Floats) -> Ints:
    """Indices drawn by weight, each other than the one in `taken`; a clash moves on at random."""
    picked = choose(rng, weights, len(taken))
    shift = rng.integers(1, len(weights), len(taken))
    return np.where(picked == taken, (picked + shift) % len(weights), picked)


def log_normal(
    rng: np.random.Generator, median: Floats | float, sigma: Floats | float, size: int, top: int
) -> Ints:
    """Whole log-normal amounts between 1 and `top`: round(median * exp(sigma * N(0, 1))), int64."""
    drawn = np.rint(median * np.exp(sigma * rng.standard_normal(size)))
    amounts: Ints = np.clip(drawn, 1, top).astype(np.int64)
    return amounts


def codes(rng: np.random.Generator, size: int, length: int, symbols: int = 36) -> list[str]:
    """Random codes over the first `symbols` of 0-9A-Z, all different."""
    found: dict[str, None] = {}
    while len(found) < size:
        drawn = _ALPHANUMERIC[rng.integers(0, symbols, (size, length))]
        found |= dict.fromkeys(row.tobytes().decode() for row in drawn)
    return list(found)[:size]
