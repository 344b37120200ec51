"""What is carried from row to row within each group of a block, and from block to block."""

import numpy as np

from connectors.generators.arrays import Bools, Floats, Ints


def _grouped(group: Ints) -> tuple[Ints, Ints, Ints]:
    """The order that brings equal groups together, where each begins in it, and its size."""
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    return order, starts, np.diff(starts, append=len(group))


def carried(group: Ints, value: Floats, last: Floats) -> Floats:
    """The value before each row in its group, from `last` for the first; `last` is moved on."""
    order, starts, sizes = _grouped(group)
    before = np.empty_like(value)
    before[order[1:]] = value[order[:-1]]
    before[order[starts]] = last[group[order[starts]]]
    ends = order[starts + sizes - 1]
    last[group[ends]] = value[ends]
    return before


def summed(group: Ints, step: Floats, total: Floats) -> Floats:
    """Running sums by group, going on from `total`, which is moved on."""
    order, starts, sizes = _grouped(group)
    running = np.cumsum(step[order])
    base = np.concatenate([[0.0], running])[starts]
    summed = np.empty_like(step)
    summed[order] = running - np.repeat(base, sizes) + total[group[order]]
    ends = order[starts + sizes - 1]
    total[group[ends]] = summed[ends]
    return summed


def last_row(group: Ints, valid: Bools) -> Ints:
    """The last valid row at or before each one in its group, -1 where there is none."""
    order, starts, sizes = _grouped(group)
    place = np.where(valid[order], np.arange(len(order)), -1)
    running = np.maximum.accumulate(place)
    inside = running >= np.repeat(starts, sizes)
    last = np.empty_like(order)
    last[order] = np.where(inside, order[np.maximum(running, 0)], -1)
    return last
