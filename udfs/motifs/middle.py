"""Money from one node to another over several middlemen."""

from dataclasses import dataclass

import numpy as np

from udfs.motifs.edges import (
    Array,
    Edges,
    Look,
    Mask,
    counted,
    firsts,
    paired,
    part,
    spread,
    summed,
    within,
)
from udfs.motifs.found import Found, legs, nothing, shapes
from udfs.motifs.params import ScatterGather
from udfs.motifs.scene import Scene

_LATEST = 2**62


def scatter_gather(scene: Scene, params: ScatterGather) -> Found:
    """Sources whose money reached one target over at least k middlemen, each paid before it paid.

    The new edge is the last one, from a middleman to the target. Of a middleman count what the
    source paid before his last payment to the target, and what he paid after the source's first;
    he passes on enough of it, and no more.
    """
    new, size, least = scene.new, len(scene.new), params.threshold
    gathered, payers = scene.counting("into target", params), scene.counting("into source", params)
    cut = scene.cut(params, gathered, payers)
    middlemen = counted(gathered.of[firsts(gathered.of, gathered.other)], size)
    gathered = gathered.only(middlemen[gathered.of] >= least)
    payers = payers.only(middlemen[payers.of] >= least)
    payers = payers.only(payers.other != new.target[payers.of])
    one = firsts(payers.of, payers.other)
    seed, source = payers.of[one], payers.other[one]
    paid, hidden = scene.further(False, seed, source, new.number[seed], params)
    cut[hidden] = True
    paid = paid.only(within(seed[paid.of], paid.other, gathered.of, gathered.other))
    enough = counted(paid.of[firsts(paid.of, paid.other)], len(seed)) >= least
    last = new[seed]
    ways = _ways(paid.only(enough[paid.of]), _each(gathered, seed, enough), last, params)
    met = ways.with_last & (ways.count >= least)
    looked, hidden_in = int(scene.wanted(params).sum()), int(cut.sum())
    if not met.any():
        return nothing(new, looked, hidden_in)
    keys = [(f"{a}>{b}",) for a, b in zip(source[met], last.target[met], strict=True)]
    members = legs(ways.paid, ways.gathered)
    return shapes(last, met, source, ways.count, ways.came, keys, members, looked, hidden_in)


@dataclass(frozen=True)
class _Ways:
    """The middlemen that count for each pair of source and new edge, and their edges."""

    paid: Look
    gathered: Look
    count: Array
    came: Array
    with_last: Mask


def _each(gathered: Look, seed: Array, enough: Mask) -> Look:
    """The edges into the target once for each source that has enough middlemen."""
    low, high = (np.searchsorted(gathered.of, seed, side=side) for side in ("left", "right"))
    of, row = spread(low, np.where(enough, high, low))
    return gathered.only(row).regrouped(of, gathered.hidden)


def _ways(paid: Look, gathered: Look, last: Edges, params: ScatterGather) -> _Ways:
    ways, into = np.unique(paired(paid.of, paid.other), return_inverse=True)
    gathered = gathered.only(within(gathered.of, gathered.other, paid.of, paid.other))
    out = np.searchsorted(ways, paired(gathered.of, gathered.other))
    first_in = np.full(len(ways), _LATEST)
    np.minimum.at(first_in, into, paid.at)
    after = gathered.at > first_in[out]
    gathered, out = gathered.only(after), out[after]
    last_out = np.full(len(ways), -_LATEST)
    np.maximum.at(last_out, out, gathered.at)
    before = paid.at < last_out[into]
    paid, into = paid.only(before), into[before]
    came = summed(into, paid.amount, len(ways))
    went = summed(out, gathered.amount, len(ways))
    counts = (came > 0) & (went >= part(came, params.passed_ppm))
    counts &= went <= came + part(came, params.rise_ppm)
    of, middle = ways >> 32, ways & (2**32 - 1)
    paid, gathered = paid.only(counts[into]), gathered.only(counts[out])
    with_last = counted(of[counts & (middle == last.source[of])], len(last)) > 0
    came = summed(paid.of, paid.amount, len(last))
    return _Ways(paid, gathered, counted(of[counts], len(last)), came, with_last)
