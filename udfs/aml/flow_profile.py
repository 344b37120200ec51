"""How an owner's postings are spread over hours and amounts: counts, four to a whole number.

A count takes sixteen bits and stops at 65,535 in a block of thirty days. Amounts are counted by
powers of two of the minor unit, from 1.28 to 5,368,709.12 in 24 classes: a quantile is known as the
upper end of its class, so it is never too low, and too high by a factor of two at most.
"""

import numpy as np

from udfs.aml.flow_groups import Array
from udfs.aml.rule import WHOLE

MOST = 65_535
CLASSES = 24
UNBOUNDED = 2**62
_LOWEST = 6
_FIELDS, _BITS = 4, 16


def words(name: str, fields: int) -> tuple[str, ...]:
    """Columns that hold so many counts."""
    return tuple(f"{name}_{word}" for word in range(fields // _FIELDS))


def classes(base: Array) -> Array:
    """The class of each amount: k holds 2^(k+6) up to below 2^(k+7), the ends all beyond."""
    power = np.frexp(base.astype(np.float64))[1].astype(np.int64) - 1
    return np.clip(power - _LOWEST, 0, CLASSES - 1)


def counts(packed: Array) -> Array:
    """Counts of packed numbers of shape (..., words): shape (..., 4 x words)."""
    fields = np.ascontiguousarray(packed).view("<u2")
    return np.asarray(fields.astype(np.int64))


def counted(packed: Array, total: Array, codes: Array, fields: Array) -> Array:
    """Packed counts by owner with one more in `fields` for each event.

    `total` is at least the greatest count of an owner afterwards: most need no look for a full one.
    """
    out = np.ascontiguousarray(packed)
    full = total > MOST
    flat, width = out.reshape(-1), out.shape[1]
    step = np.left_shift(np.int64(1), _BITS * (fields.astype(np.int64) % _FIELDS))
    rare = full[codes]
    if not rare.any():
        np.add.at(flat, codes * width + fields // _FIELDS, step)
        return out
    rest = ~rare
    np.add.at(flat, codes[rest] * width + fields[rest] // _FIELDS, step[rest])
    owners = np.flatnonzero(full)
    sums = counts(out[owners])
    np.add.at(sums, (np.searchsorted(owners, codes[rare]), fields[rare]), 1)
    out[owners] = np.minimum(sums, MOST).astype("<u2").view("<i8")
    return out


def quantile(amounts: Array, share: int) -> Array:
    """The upper end of the class in which that share (ppm) of the amounts is reached, by owner.

    UNBOUNDED where that is the last class or there are no amounts. Shape of `amounts`: (owners,
    CLASSES).
    """
    reached = np.cumsum(amounts, axis=1) * WHOLE >= share * amounts.sum(axis=1)[:, None]
    place = reached.argmax(axis=1)
    known = (amounts.sum(axis=1) > 0) & (place < CLASSES - 1)
    return np.where(known, np.left_shift(2, place + _LOWEST) - 1, UNBOUNDED)
