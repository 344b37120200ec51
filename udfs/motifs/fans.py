"""Fan-in, fan-out, and one after the other around the same node.

What sets a fan apart from business is that the hub and its counterparties are new to each other,
and that the hub is not used to so many new ones: salaries and rents go where they went the month
before, and a shop has new customers all the time.
"""

import numpy as np

from udfs.motifs.edges import Array, Look, Mask, counted, firsts, paired, part, summed
from udfs.motifs.found import Found, legs, nothing, shapes
from udfs.motifs.params import Fan, GatherScatter
from udfs.motifs.relations import Habit
from udfs.motifs.scene import End, Scene

_MOST_BEGUN = 100_000
_SECOND = 1_000_000


def fan_in(scene: Scene, params: Fan) -> Found:
    """Nodes that at least k different new sources paid within the window."""
    return _fan(scene, scene.new.target, "into target", scene.paid, params)


def fan_out(scene: Scene, params: Fan) -> Found:
    """Nodes that paid at least k different new targets within the window."""
    return _fan(scene, scene.new.source, "out of source", scene.paying, params)


def gather_scatter(scene: Scene, params: GatherScatter) -> Found:
    """Nodes that at least k new sources paid and that then paid at least k new targets.

    The moment between gathering and scattering is the one at which the smaller of both numbers is
    greatest, of those the one at which their sum is, and of those the first.
    """
    size, hub, least = len(scene.new), scene.new.source, params.threshold
    looked = int(scene.wanted(params).sum())
    ins, outs = scene.counting("into source", params), scene.counting("out of source", params)
    cut = int(scene.cut(params, ins, outs).sum())
    likely = (counted(ins.of, size) >= least) & (counted(outs.of, size) >= least)
    ins, outs = ins.only(likely[ins.of]), outs.only(likely[outs.of])
    smaller, gathered = _split(ins, outs, size)
    ins = ins.only(ins.number <= gathered[ins.of])
    outs = outs.only(outs.number > gathered[outs.of])
    came, went = summed(ins.of, ins.amount, size), summed(outs.of, outs.amount, size)
    met = (smaller >= least) & (went >= part(came, params.passed_ppm))
    if not met.any():
        return nothing(scene.new, looked, cut)
    keys = [(code,) for code in hub[met].tolist()]
    return shapes(scene.new, met, hub, smaller, came, keys, legs(ins, outs), looked, cut)


def _fan(scene: Scene, hub: Array, end: End, habit: Habit, params: Fan) -> Found:
    size, new = len(scene.new), scene.counting(end, params)
    looked, cut = int(scene.wanted(params).sum()), int(scene.cut(params, new).sum())
    likely = counted(new.of, size) >= params.threshold
    new = new.only(likely[new.of])
    count = _distinct(new, size)
    met = count >= params.threshold
    if params.new_only:
        met &= _unusual(scene, count, habit, params)
    if not met.any():
        return nothing(scene.new, looked, cut)
    amount = summed(new.of, new.amount, size)
    keys = [(code,) for code in hub[met].tolist()]
    return shapes(scene.new, met, hub, count, amount, keys, legs(new), looked, cut)


def _unusual(scene: Scene, count: Array, habit: Habit, params: Fan) -> Mask:
    """Whether a hub has more new counterparties in the window than it has had before, by a factor.

    count / window >= factor * (begun - count) / (start of the window - first seen)
    """
    before = np.clip(habit.begun - count, 0, _MOST_BEGUN)
    age = np.maximum(scene.after(params) - habit.first, 0) // _SECOND
    unusual: Mask = count * age * 1_000_000 >= before * params.window_s * params.burst_ppm
    return unusual


def _distinct(look: Look, size: int) -> Array:
    return counted(look.of[firsts(look.of, look.other)], size)


def _split(ins: Look, outs: Look, size: int) -> tuple[Array, Array]:
    """The greatest min(sources before, targets after) of each seed, and the last edge before."""
    first_in, last_out = np.zeros(len(ins), dtype=np.int64), np.zeros(len(outs), dtype=np.int64)
    first_in[firsts(ins.of, ins.other)] = 1
    last_out[len(outs) - 1 - firsts(outs.of[::-1], outs.other[::-1])] = 1
    of, number = np.append(ins.of, outs.of), np.append(ins.number, outs.number)
    order = np.lexsort((number, of))
    of, number = of[order], number[order]
    source = np.append(first_in, np.zeros_like(last_out))[order]
    target = np.append(np.zeros_like(first_in), last_out)[order]
    after = counted(outs.of[last_out == 1], size)[of] - _running(of, target)
    before = _running(of, source)
    worth = paired(np.minimum(before, after), before + after)
    best = np.zeros(size, dtype=np.int64)
    np.maximum.at(best, of, worth)
    reached = np.flatnonzero(worth == best[of])[::-1]
    split = np.full(size, -1)
    split[of[reached]] = number[reached]
    return best >> 32, split


def _running(of: Array, value: Array) -> Array:
    """Running sums that begin anew with each seed; `of` ascending."""
    total = np.cumsum(value)
    return total - (total - value)[np.searchsorted(of, of)]
