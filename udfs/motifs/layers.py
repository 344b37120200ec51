"""Sets that pay sets: one layer, and a layer that pays on to the next.

A single edge between two sets looks like any payment. What can be seen is that the same senders
share receivers, so a layer here is held together by that: around a new edge, all senders paid its
target and at least one more of the receivers, all receivers were paid by its source and at least
one more of the senders. Sets that pay each other one to one have no such shape.
"""

import numpy as np

from udfs.motifs.edges import Array, Look, Mask, counted, firsts, paired, summed, within
from udfs.motifs.found import Found, Keys, legs, nothing, shapes
from udfs.motifs.params import Layers
from udfs.motifs.scene import Scene

SHARED = 2
"""Least number of receivers of a sender, and of senders of a receiver."""


def bipartite(scene: Scene, params: Layers) -> Found:
    """Layers around new edges of at least k pairs, with no edges inside either set."""
    size, looked = len(scene.new), int(scene.wanted(params).sum())
    layer, cut = _layer(scene, params)
    met = _pairs(layer, size) >= params.threshold
    layer = layer.only(met[layer.of])
    met &= ~_inner(scene, layer, params, cut)
    if not met.any():
        return nothing(scene.new, looked, int(cut.sum()))
    layer = layer.only(met[layer.of])
    pairs, amount = _pairs(layer, size), summed(layer.of, layer.amount, size)
    hub, keys, hidden = np.full(size, -1), _senders(layer), int(cut.sum())
    return shapes(scene.new, met, hub, pairs, amount, keys, legs(layer), looked, hidden)


def stack(scene: Scene, params: Layers) -> Found:
    """Two layers around new edges of at least k pairs, the receivers of one the next one's senders.

    A node of the middle is paid before it first pays in its layer. More layers are as many stacks
    of two.
    """
    size, looked = len(scene.new), int(scene.wanted(params).sum())
    second, cut = _layer(scene, params)
    first = _before(scene, second, params, cut)
    while True:
        rows = len(first) + len(second)
        first = _core(first.only(within(first.of, first.node, second.of, second.node)))
        second = _core(second.only(within(second.of, second.node, first.of, first.node)))
        if rows == len(first) + len(second):
            break
    pairs = _pairs(first, size) + _pairs(second, size)
    met = (pairs >= params.threshold) & _with_last(second, scene)
    first, second = first.only(met[first.of]), second.only(met[second.of])
    met &= ~_inner(scene, first, params, cut) & ~_inner(scene, second, params, cut)
    met[first.of[within(first.of, first.other, second.of, second.other)]] = False
    if not met.any():
        return nothing(scene.new, looked, int(cut.sum()))
    first, second = first.only(met[first.of]), second.only(met[second.of])
    amount, hub = summed(first.of, first.amount, size), np.full(size, -1)
    keys, hidden = _senders(first), int(cut.sum())
    return shapes(scene.new, met, hub, pairs, amount, keys, legs(first, second), looked, hidden)


def _layer(scene: Scene, params: Layers) -> tuple[Look, Mask]:
    """The layer each new edge is in, senders to its target, receivers from its source; cuts."""

    def make() -> tuple[Look, Mask]:
        new, size = scene.new, len(scene.new)
        to, fro = scene.counting("into target", params), scene.counting("out of source", params)
        cut = scene.cut(params, to, fro)
        to, fro = to.only(firsts(to.of, to.other)), fro.only(firsts(fro.of, fro.other))
        likely = np.minimum(counted(to.of, size), counted(fro.of, size)) >= SHARED
        to, fro = to.only(likely[to.of]), fro.only(likely[fro.of])
        seed = to.of
        look, hidden = scene.further(False, seed, to.other, new.number[seed] + 1, params)
        cut[hidden] = True
        look = look.regrouped(seed[look.of], to.hidden)
        look = _core(look.only(within(look.of, look.other, fro.of, fro.other)))
        return look.only(_with_last(look, scene)[look.of]), cut

    layer, cut = scene.once(("layer", params.window, params.new_only), make)
    return layer, cut.copy()


def _before(scene: Scene, second: Look, params: Layers, cut: Mask) -> Look:
    """What the senders of each layer were paid before they first paid in it."""
    second = second.only(np.lexsort((second.number, second.of)))
    second = second.only(firsts(second.of, second.node))
    seed = second.of
    look, hidden = scene.further(True, seed, second.node, second.number, params)
    cut[hidden] = True
    look = look.only(look.at < second.at[look.of])
    return look.regrouped(seed[look.of], second.hidden)


def _core(look: Look) -> Look:
    """What is left when senders and receivers that share too little are taken away."""
    while True:
        near, far = _ids(look.of, look.node), _ids(look.of, look.other)
        one = firsts(near, far)
        shared = np.bincount(near[one])[near] >= SHARED
        shared &= np.bincount(far[one])[far] >= SHARED
        if shared.all():
            return look
        look = look.only(shared)


def _inner(scene: Scene, layer: Look, params: Layers, cut: Mask) -> Mask:
    """Whether a node of each layer is on both sides, or paid another of its own side."""
    found = np.zeros(len(scene.new), dtype=np.bool_)
    found[layer.of[within(layer.of, layer.node, layer.of, layer.other)]] = True
    for side in (layer.node, layer.other):
        one = firsts(layer.of, side)
        seed = layer.of[one]
        before, after = scene.new.number[seed] + 1, scene.after(params)[seed]
        look = scene.graph.outs.look(side[one], before, after)
        cut[seed[look.hidden > after]] = True
        of = seed[look.of]
        found[of[within(of, look.other, layer.of, side)]] = True
    return found


def _with_last(layer: Look, scene: Scene) -> Mask:
    """Whether each new edge is in its layer."""
    found = np.zeros(len(scene.new), dtype=np.bool_)
    found[layer.of[layer.number == scene.new.number[layer.of]]] = True
    return found


def _pairs(layer: Look, size: int) -> Array:
    """How many different pairs each layer has."""
    return counted(layer.of[firsts(_ids(layer.of, layer.node), layer.other)], size)


def _senders(layer: Look) -> Keys:
    """The senders of each layer that has any, in the order of the layers."""
    sender = layer.node if not layer.side.into else layer.other
    one = firsts(layer.of, sender)
    begins = np.flatnonzero(np.diff(layer.of[one], prepend=-1))
    return [tuple(some.tolist()) for some in np.split(sender[one], begins[1:])]


def _ids(of: Array, node: Array) -> Array:
    """Each different node of each seed as a small number."""
    return np.unique(paired(of, node), return_inverse=True)[1]
