"""New edges and what is around them; looks that several searches take are taken once."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

import numpy as np

from udfs.motifs.edges import KEPT, LONG_AGO, Array, Edges, Graph, Look, Mask
from udfs.motifs.params import Motif
from udfs.motifs.relations import Habit

T = TypeVar("T")
End = Literal["into source", "into target", "out of source"]


class Scene:
    """What a search is given: the graph, and the new edges that it looks around.

    `paying` and `paid` are the habits of those who pay the new edges, and of those who are paid.
    An edge counts if it is between parties new to each other, or if that is not asked for. Before
    `learned` nobody knows who is new, and no new edge counts for that.
    """

    def __init__(
        self, graph: Graph, new: Edges, paying: Habit, paid: Habit, learned: int = LONG_AGO
    ) -> None:
        """Nothing has been looked at yet."""
        self.graph, self.new, self.learned = graph, new, learned
        self.paying, self.paid = paying, paid
        self._once: dict[object, Any] = {}

    def once(self, key: object, make: Callable[[], T]) -> T:
        """What `make` returns the first time it is asked for under `key`."""
        if key not in self._once:
            self._once[key] = make()
        found: T = self._once[key]
        return found

    def after(self, params: Motif) -> Array:
        """The time after which an edge is in the window of each new edge."""
        return self.new.at - params.window

    def wanted(self, params: Motif) -> Mask:
        """The new edges that count."""
        counting = counts(self.new.since, self.after(params), params)
        return counting & (self.new.at >= self.learned) if params.new_only else counting

    def counting(self, end: End, params: Motif) -> Look:
        """Edges that count at an end of each new edge that counts, itself included."""

        def make() -> Look:
            look = self._remembered(end, params.new_only)
            since = look.since if params.new_only else look.at
            kept = since > self.after(params)[look.of]
            return look.only(kept & self.wanted(params)[look.of])

        return self.once((end, params.window, params.new_only), make)

    def cut(self, params: Motif, *looks: Look) -> Mask:
        """The new edges that count and of whose looks one did not show the whole window."""
        hidden = np.maximum.reduce([look.hidden for look in looks])
        cut: Mask = (hidden > self.after(params)) & self.wanted(params)
        return cut

    def further(
        self, into: bool, seed: Array, node: Array, before: Array, params: Motif
    ) -> tuple[Look, Array]:
        """Edges that count around other nodes, one look for each pair of new edge and node.

        Returns:
            The look, and the new edges of those of its looks that were cut off.
        """
        after = self.after(params)[seed]
        look = (self.graph.ins if into else self.graph.outs).look(node, before, after)
        hidden = seed[look.hidden > after]
        return look.only(counts(look.since, after[look.of], params)), hidden

    def _remembered(self, end: End, new_only: bool) -> Look:
        """Everything remembered at an end of the new edges, or of those that may count."""

        def make() -> Look:
            new = self.new
            chosen = np.flatnonzero(new.since > new.at - KEPT) if new_only else np.arange(len(new))
            node = new.target if end == "into target" else new.source
            side = self.graph.outs if end == "out of source" else self.graph.ins
            look = side.look(node[chosen], new.number[chosen] + 1, new.at[chosen] - KEPT)
            hidden = np.full(len(new), LONG_AGO)
            hidden[chosen] = look.hidden
            return look.regrouped(chosen[look.of], hidden)

        return self.once((end, new_only, "remembered"), make)


def counts(since: Array, after: Array, params: Motif) -> Mask:
    """Whether edges count, from when their parties began to have dealings."""
    return since > after if params.new_only else np.ones(len(since), dtype=np.bool_)
