"""What a search around new edges returns: shapes with the edges they are made of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from udfs.motifs.edges import Array, Edges, Look, Mask, joined

Keys = Sequence[tuple[object, ...]]


@dataclass(frozen=True)
class Found:
    """Shapes of one kind, each completed by a new edge.

    Attributes:
        last: The edge that completed each shape.
        hub: Code of the node each is about; -1: the smallest of its members' ids.
        size: What has to grow until it is reported again.
        amount: Money that went through it, minor units.
        keys: By what each is known again: it is the one reported before that shares a key.
        of: The shape each of `edges` belongs to, ascending.
        part: Which part of the shape an edge is: layer or leg, from 0.
        edges: The edges of all shapes, in order within a shape.
        looked: How many new edges were looked around.
        cut: How many of these looks a bound cut off.
    """

    last: Edges
    hub: Array
    size: Array
    amount: Array
    keys: Keys
    of: Array
    part: Array
    edges: Edges
    looked: int
    cut: int

    def __len__(self) -> int:
        """How many shapes there are."""
        return len(self.last)


def nothing(seeds: Edges, looked: int, cut: int) -> Found:
    """No shape around these edges."""
    no = np.empty(0, dtype=np.int64)
    return Found(seeds[:0], no, no, no, [], no, no, seeds[:0], looked, cut)


def legs(*looks: Look) -> tuple[Array, Array, Edges]:
    """Seed, part and edge of everything in looks, each of which is one part of a shape."""
    of = np.concatenate([look.of for look in looks])
    part = np.repeat(np.arange(len(looks)), [len(look) for look in looks])
    return of, part, joined(*(look.edges for look in looks))


def shapes(
    seeds: Edges,
    met: Mask,
    hub: Array,
    size: Array,
    amount: Array,
    keys: Keys,
    members: tuple[Array, Array, Edges],
    looked: int,
    cut: int,
) -> Found:
    """The shapes of those seeds where `met`.

    Args:
        seeds: The new edges that were looked around; what follows but `keys` is aligned to them.
        met: Whether a shape is there.
        hub: As in Found.
        size: As in Found.
        amount: As in Found.
        keys: As in Found, for the shapes alone.
        members: Seed, part and edge of everything that may be part of a shape.
        looked: As in Found.
        cut: As in Found.
    """
    of, part, edges = members
    kept = met[of]
    of, part, edges = of[kept], part[kept], edges[kept]
    order = np.lexsort((edges.number, of))
    place = np.cumsum(met) - 1
    return Found(
        seeds[met],
        hub[met],
        size[met],
        amount[met],
        keys,
        place[of[order]],
        part[order],
        edges[order],
        looked,
        cut,
    )
