"""An LSTM over a customer's last postings, to compare with: it is tried, never shipped.

Hochreiter, Schmidhuber 1997, with a forget gate; one layer, then one number from its last state.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from deploy.train.worlds import World
from udfs.aml.features import CALLED
from udfs.aml.flow_groups import Array

LENGTH, HIDDEN = 24, 24
EPOCHS, BATCH, RATE = 12, 256, 3e-3
HONEST = 12
"""So many samples without a scheme are shown for each with one."""
Weights = Mapping[str, Any]


def sequences(world: World) -> Array:
    """The last LENGTH postings of each sample, zeros before the first; (samples, LENGTH, width)."""
    told = _told(world.events)
    order = world.events.with_row_index("row").sort("owner_number", "at", maintain_order=True)
    owner, at = order["owner_number"].to_numpy(), order["at"].to_numpy()
    steps = np.concatenate([told[order["row"].to_numpy()], np.zeros((1, told.shape[1]))])
    start = at.min()
    span = int(at.max() - start) + 2
    keys = owner * span + (at - start)
    asked, end = (world.samples[name].to_numpy() for name in ("owner_number", "end"))
    upto = np.searchsorted(keys, asked * span + np.minimum(end - start, span - 1))
    first = np.searchsorted(keys, asked * span)
    places = upto[:, None] + np.arange(-LENGTH, 0)[None, :]
    places = np.where(places >= first[:, None], places, len(steps) - 1)
    return np.asarray(steps[places].astype(np.float32))


def _told(events: pl.DataFrame) -> Array:
    """What the network is told of each posting; shape (events, width)."""
    channel = [pl.col("channel") == name for name in ("CASH", "CARD", "TRANSFER", "WIRE")]
    pause = (pl.col("at") - pl.col("at").shift(1).over("owner_number")).fill_null(0) / 3.6e9
    columns = [
        pl.lit(1.0), (pl.col("base") / 100 + 1).log() / 10, pl.col("direction") == "CREDIT",
        *channel, (pause + 1).log() / 5, pl.col("at") % 86_400_000_000 / 86_400_000_000,
        pl.col("counterparty_country") != pl.col("home_country"),
        pl.col("counterparty_country").is_in(CALLED), pl.col("amount") % 100_000 == 0,
    ]  # fmt: skip
    named = [column.cast(pl.Float64).fill_null(0).alias(str(n)) for n, column in enumerate(columns)]
    return np.asarray(events.select(named).to_numpy())


def fitted(steps: Array, positive: Array, seed: int) -> Weights:
    """Weights after EPOCHS over all positive samples and HONEST others for each."""
    import jax
    import optax

    rng = np.random.default_rng([seed, 11])
    honest = np.flatnonzero(~positive)
    few = min(len(honest), HONEST * int(positive.sum()))
    shown = np.concatenate([np.flatnonzero(positive), rng.permutation(honest)[:few]])
    weights = _drawn(rng, steps.shape[2])
    follow = optax.adam(RATE)
    state = follow.init(weights)

    def loss(weights: Weights, x: Array, y: Array) -> Any:
        return optax.sigmoid_binary_cross_entropy(_odds(weights, x), y).mean()

    @jax.jit  # type: ignore[untyped-decorator]
    def step(weights: Weights, state: Any, x: Array, y: Array) -> tuple[Weights, Any]:
        change, state = follow.update(jax.grad(loss)(weights, x, y), state)
        return optax.apply_updates(weights, change), state

    for _ in range(EPOCHS):
        mixed = rng.permutation(shown)
        for low in range(0, len(mixed) - BATCH + 1, BATCH):
            rows = mixed[low : low + BATCH]
            weights, state = step(weights, state, steps[rows], positive[rows].astype(np.float32))
    return weights


def scores(weights: Weights, steps: Array) -> Array:
    """The log-odds of each sample."""
    import jax

    run = jax.jit(_odds)
    parts = [np.asarray(run(weights, steps[low : low + 8_192])) for low in _starts(len(steps))]
    return np.concatenate(parts)


def _starts(count: int) -> range:
    return range(0, count, 8_192)


def _drawn(rng: np.random.Generator, width: int) -> Weights:
    """Weights to begin with; the forget gate is open."""
    size = 1 / np.sqrt(HIDDEN)
    drawn = {
        "seen": rng.uniform(-size, size, (width, 4 * HIDDEN)),
        "kept": rng.uniform(-size, size, (HIDDEN, 4 * HIDDEN)),
        "bias": np.repeat([0.0, 1.0, 0.0, 0.0], HIDDEN),
        "out": rng.uniform(-size, size, HIDDEN),
        "base": np.array(-2.0),
    }
    return {name: value.astype(np.float32) for name, value in drawn.items()}


def _odds(weights: Weights, steps: Any) -> Any:
    """The network: log-odds of each sequence."""
    return last_hidden(weights, steps) @ weights["out"] + weights["base"]


def last_hidden(weights: Weights, steps: Any) -> Any:
    """What an LSTM keeps of each sequence after its last step; shape (sequences, hidden)."""
    import jax
    from jax import numpy as jnp

    def one(carried: tuple[Any, Any], x: Any) -> tuple[tuple[Any, Any], None]:
        hidden, cell = carried
        gates = x @ weights["seen"] + hidden @ weights["kept"] + weights["bias"]
        let, forget, new, out = jnp.split(gates, 4, axis=1)
        cell = jax.nn.sigmoid(forget) * cell + jax.nn.sigmoid(let) * jnp.tanh(new)
        return (jax.nn.sigmoid(out) * jnp.tanh(cell), cell), None

    empty = jnp.zeros((steps.shape[0], weights["kept"].shape[0]))
    (hidden, _), _ = jax.lax.scan(one, (empty, empty), jnp.swapaxes(steps, 0, 1))
    return hidden
