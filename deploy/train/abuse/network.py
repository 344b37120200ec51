"""Autoencoders: a plain one over an order's features, and an LSTM over an owner's last orders.

Both are fitted without labels to say an order's features through a narrow layer; how far off they
are is how odd the order is. The LSTM (Hochreiter, Schmidhuber 1997, with a forget gate) is shown
the LENGTH - 1 orders of the same owner and instrument before it as well.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from deploy.train.sequences import Weights, last_hidden
from udfs.abuse.trees import Array

REACH = 5.0
"""Scaled features are cut here."""
WIDE, NARROW = 24, 8
LENGTH, HIDDEN = 12, 24
EPOCHS, BATCH, RATE = 12, 512, 2e-3
SHOWN = 40_000
"""At most so many orders are shown."""


@dataclass(frozen=True)
class Scaling:
    """How features are brought to about 1: centre and scale, shape (features,) each."""

    centre: Array
    scale: Array

    def __call__(self, features: Array) -> Array:
        """Scaled features beside flags of the missing ones; (n, f) -> (n, 2 f), float32."""
        missing = np.isnan(features)
        filled = np.where(missing, self.centre, features.astype(np.float32))
        scaled = np.clip((filled - self.centre) / self.scale, -REACH, REACH)
        return np.asarray(np.concatenate([scaled, missing], axis=1).astype(np.float32))


def scaling(features: Array) -> Scaling:
    """Centre: the median. Scale: half of what lies between the 5th and 95th percentile."""
    rows = np.where(np.isfinite(features), features, np.nan)
    with np.errstate(all="ignore"):
        empty = np.isnan(rows).all(axis=0)
        rows[0, empty] = 0.0
        low, middle, high = np.nanpercentile(rows, [5, 50, 95], axis=0)
    spread = np.where(high > low, (high - low) / 2, 1.0)
    return Scaling(middle.astype(np.float32), spread.astype(np.float32))


def plain(steps: Array, seed: int) -> dict[str, Array]:
    """Weights w0, b0, ... of a network that says scaled features again; `steps` from Scaling."""
    rng = np.random.default_rng([seed, 21])
    width = steps.shape[1] // 2
    sizes = [2 * width, WIDE, NARROW, WIDE, width]
    drawn: dict[str, Array] = {}
    for layer, (inside, out) in enumerate(pairwise(sizes)):
        drawn[f"w{layer}"] = rng.normal(0, inside**-0.5, (inside, out)).astype(np.float32)
        drawn[f"b{layer}"] = np.zeros(out, dtype=np.float32)
    found = _fitted(drawn, steps, _plain_error, rng)
    return {name: np.asarray(value) for name, value in found.items()}


def lstm(steps: Array, seed: int) -> Weights:
    """Weights of the LSTM; `steps` of shape (n, LENGTH, 2 f), zeros before the first order."""
    rng = np.random.default_rng([seed, 22])
    wide = steps.shape[2]
    drawn = {
        "seen": rng.normal(0, wide**-0.5, (wide, 4 * HIDDEN)),
        "kept": rng.normal(0, HIDDEN**-0.5, (HIDDEN, 4 * HIDDEN)),
        "bias": np.repeat([0.0, 1.0, 0.0, 0.0], HIDDEN),
        "narrow": rng.normal(0, HIDDEN**-0.5, (HIDDEN, NARROW)),
        "out": rng.normal(0, NARROW**-0.5, (NARROW, wide // 2)),
        "base": np.zeros(wide // 2),
    }
    begin = {name: value.astype(np.float32) for name, value in drawn.items()}
    return _fitted(begin, steps, _lstm_error, rng)


def errors(weights: Weights, steps: Array) -> Array:
    """How far off a network is, mean square over the features that are there; shape (n,)."""
    import jax

    run = jax.jit(_lstm_error if "seen" in weights else _plain_error)
    parts = [np.asarray(run(weights, steps[a : a + 8_192])) for a in range(0, len(steps), 8_192)]
    return np.concatenate(parts)


def history(rows: Array, group: Array, chosen: Array) -> Array:
    """The last LENGTH rows of the group of each chosen row, itself last.

    Args:
        rows: In order of time; shape (n, w).
        group: Of each row; shape (n,).
        chosen: Places of rows; shape (m,).

    Returns:
        Shape (m, LENGTH, w); zeros stand before a group's first row.
    """
    order = np.argsort(group, kind="stable")
    place = np.arange(len(rows))
    opened = np.r_[True, group[order][1:] != group[order][:-1]]
    first = np.maximum.accumulate(np.where(opened, place, 0))
    back = np.empty(len(rows), dtype=np.int64)
    back[order] = place
    asked = back[chosen][:, None] + np.arange(1 - LENGTH, 1)[None, :]
    inside = asked >= first[back[chosen]][:, None]
    found = rows[order[np.where(inside, asked, 0)]]
    return np.asarray(np.where(inside[:, :, None], found, 0).astype(rows.dtype))


def _fitted(weights: Weights, steps: Array, error: Any, rng: np.random.Generator) -> Weights:
    import jax
    import optax

    follow = optax.adam(RATE)
    state = follow.init(weights)

    @jax.jit  # type: ignore[untyped-decorator]
    def step(weights: Weights, state: Any, x: Array) -> tuple[Weights, Any]:
        change, state = follow.update(jax.grad(lambda w: error(w, x).mean())(weights), state)
        return optax.apply_updates(weights, change), state

    shown = rng.permutation(len(steps))[:SHOWN]  # a few rows are as good as all
    size = min(BATCH, len(shown))
    for _ in range(EPOCHS):
        mixed = rng.permutation(shown)
        for low in range(0, len(mixed) - size + 1, size):
            weights, state = step(weights, state, steps[mixed[low : low + size]])
    return weights


def _off(told: Any, row: Any) -> Any:
    """Mean square of what was told against a row of Scaling."""
    width = told.shape[1]
    there = 1.0 - row[:, width:]
    off = (told - row[:, :width]) * there
    return (off * off).sum(axis=1) / there.sum(axis=1).clip(1.0)


def _plain_error(weights: Weights, rows: Any) -> Any:
    from jax import numpy as jnp

    inside = rows
    last = len(weights) // 2 - 1
    for layer in range(last):
        inside = jnp.tanh(inside @ weights[f"w{layer}"] + weights[f"b{layer}"])
    return _off(inside @ weights[f"w{last}"] + weights[f"b{last}"], rows)


def _lstm_error(weights: Weights, steps: Any) -> Any:
    from jax import numpy as jnp

    hidden = last_hidden(weights, steps)
    told = jnp.tanh(hidden @ weights["narrow"]) @ weights["out"] + weights["base"]
    return _off(told, steps[:, -1, :])
