"""Chains of edges in which the same money seems to move on: cycles, and walks without return.

Times rise from hop to hop, and the amount falls a little, never by more than a share. The search
goes back from the new edge, which is the last one of the chain.
"""

from dataclasses import dataclass

import numpy as np

from udfs.motifs.edges import Array, Edges, Mask, joined, part
from udfs.motifs.found import Found, Keys, nothing, shapes
from udfs.motifs.params import Chain
from udfs.motifs.scene import Scene, counts


@dataclass(frozen=True)
class _Chains:
    """Chains of equal length: their seeds, ascending, and their edges from the last backwards.

    Those of a seed are in order: the one whose last hops but one are newest comes last.
    """

    seed: Array
    hops: tuple[Edges, ...]

    def only(self, which: Array | Mask) -> "_Chains":
        """Some of the chains."""
        return _Chains(self.seed[which], tuple(hop[which] for hop in self.hops))


def cycle(scene: Scene, paths: int, params: Chain) -> Found:
    """Chains that end where they began, of k to `longest` hops between different nodes.

    A new edge closes at most one cycle of each length: the one with the newest hops. That there
    were others counts as cut off.
    """
    seeds = scene.new[scene.wanted(params)]
    chains, cut = _begun(seeds)
    closed: list[_Chains] = []
    for hops in range(2, params.longest + 1):
        chains = _back(scene, seeds, chains, params, cut)
        home = chains.hops[-1].source == seeds.target[chains.seed]
        if hops >= params.threshold:
            closed.append(_newest(chains.only(home), 1, cut))
        chains = chains.only(~home)
        if hops < params.longest:
            chains = _newest(chains, paths, cut)
    return _found(seeds, closed, cut, [(_nodes(c),) for one in closed for c in _each(one)])


def walk(scene: Scene, paths: int, params: Chain) -> Found:
    """The longest chain to each new edge that does not return, of k to `longest` hops.

    Whoever pays on most of what came in makes such a chain, so that a graph of ordinary payments is
    full of them: it is hardly a sign of its own, and off unless asked for.
    """
    seeds = scene.new[scene.wanted(params)]
    chains, cut = _begun(seeds)
    longest: list[_Chains] = []
    for hops in range(2, params.longest + 1):
        chains = _back(scene, seeds, chains, params, cut)
        chains = chains.only(chains.hops[-1].source != seeds.target[chains.seed])
        chains = _newest(chains, paths, cut)
        longest = [one.only(~np.isin(one.seed, chains.seed)) for one in longest]
        if hops >= params.threshold:
            longest.append(_newest(chains, 1))
    keys = [(int(c.hops[-1].number[0]),) for one in longest for c in _each(one)]
    return _found(seeds, longest, cut, keys)


def _begun(seeds: Edges) -> tuple[_Chains, Mask]:
    return _Chains(np.arange(len(seeds)), (seeds,)), np.zeros(len(seeds), dtype=np.bool_)


def _back(scene: Scene, seeds: Edges, chains: _Chains, params: Chain, cut: Mask) -> _Chains:
    """The chains with one more edge before their first, to a node not yet in them or to the end."""
    head, after = chains.hops[-1], seeds.at[chains.seed] - params.window
    look = scene.graph.ins.look(head.source, head.number, after)
    cut[chains.seed[look.hidden > after]] = True
    amount = head.amount[look.of]
    fits = look.at < head.at[look.of]
    fits &= look.amount - amount <= part(look.amount, params.fall_ppm)
    fits &= amount - look.amount <= part(look.amount, params.rise_ppm)
    fits &= counts(look.since, after[look.of], params)
    look = look.only(fits)
    longer = chains.only(look.of)
    again = np.zeros(len(look), dtype=np.bool_)
    for hop in longer.hops:
        again |= hop.source == look.other
    return _Chains(longer.seed, (*longer.hops, look.edges)).only(~again)


def _newest(chains: _Chains, most: int, cut: Mask | None = None) -> _Chains:
    """At most so many chains of each seed, the newest; marks the seeds that had more."""
    to_end = np.searchsorted(chains.seed, chains.seed, side="right") - np.arange(len(chains.seed))
    if cut is not None:
        cut[chains.seed[to_end > most]] = True
    return chains.only(to_end <= most)


def _each(chains: _Chains) -> list[_Chains]:
    return [chains.only(np.array([place])) for place in range(len(chains.seed))]


def _nodes(chain: _Chains) -> str:
    return ">".join(str(code) for code in sorted(int(hop.source[0]) for hop in chain.hops))


def _found(seeds: Edges, groups: list[_Chains], cut: Mask, keys: Keys) -> Found:
    """The chains as shapes of seeds of their own, for a seed may complete several."""
    groups = [one for one in groups if len(one.seed)]
    hidden = int(cut.sum())
    if not groups:
        return nothing(seeds, len(seeds), hidden)
    last = joined(*(one.hops[0] for one in groups))
    size = np.concatenate([np.full(len(one.seed), len(one.hops)) for one in groups])
    start = np.cumsum([0, *(len(one.seed) for one in groups)])
    places = [start[i] + np.arange(len(one.seed)) for i, one in enumerate(groups) for _ in one.hops]
    of = np.concatenate(places)
    edges = joined(*(hop for one in groups for hop in one.hops))
    none, all_of_them = np.full(len(last), -1), np.ones(len(last), dtype=np.bool_)
    members = (of, np.zeros(len(of), dtype=np.int64), edges)
    return shapes(last, all_of_them, none, size, last.amount, keys, members, len(seeds), hidden)
