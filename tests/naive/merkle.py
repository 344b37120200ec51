"""The Merkle tree as RFC 9162 section 2.1.1 writes it: recursive."""

import hashlib
from functools import cache


def tree_hash(records):
    """MTH over the records themselves."""
    return tree_over([hashlib.sha256(b"\x00" + record).digest() for record in records])


def tree_over(leaves):
    """MTH over leaf hashes."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = largest_power_of_two_below(len(leaves))
    left, right = tree_over(leaves[:split]), tree_over(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def path(index, records):
    """PATH(index, records)."""
    if len(records) == 1:
        return []
    split = largest_power_of_two_below(len(records))
    if index < split:
        return [*path(index, records[:split]), tree_hash(records[split:])]
    return [*path(index - split, records[split:]), tree_hash(records[:split])]


def largest_power_of_two_below(size):
    split = 1
    while split * 2 < size:
        split *= 2
    return split


def hashes_of(leaves):
    """MTH(leaves[start:end]) as a function of start and end; each is computed once."""

    @cache
    def tree(start, end):
        if end - start < 2:
            return leaves[start] if end > start else hashlib.sha256(b"").digest()
        middle = start + largest_power_of_two_below(end - start)
        return hashlib.sha256(b"\x01" + tree(start, middle) + tree(middle, end)).digest()

    return tree


def inclusion(index, start, end, tree):
    """PATH(index, leaves[start:end]), RFC 9162 section 2.1.3.1."""
    if end - start == 1:
        return []
    middle = start + largest_power_of_two_below(end - start)
    if index < middle:
        return [*inclusion(index, start, middle, tree), tree(middle, end)]
    return [*inclusion(index, middle, end, tree), tree(start, middle)]


def consistency(first, start, end, tree, complete=True):
    """SUBPROOF(first, leaves[start:end], complete), RFC 9162 section 2.1.4.1; first from 0."""
    if first == end:
        return [] if complete else [tree(start, end)]
    middle = start + largest_power_of_two_below(end - start)
    if first <= middle:
        return [*consistency(first, start, middle, tree, complete), tree(middle, end)]
    return [*consistency(first, middle, end, tree, False), tree(start, middle)]


def root_by_inclusion(index, size, leaf, path):
    """The root that a path leads to, from the root down."""
    if size == 1:
        if path:
            raise ValueError("too long")
        return leaf
    split = largest_power_of_two_below(size)
    *rest, node = path
    if index < split:
        left, right = root_by_inclusion(index, split, leaf, rest), node
    else:
        left, right = node, root_by_inclusion(index - split, size - split, leaf, rest)
    return hashlib.sha256(b"\x01" + left + right).digest()
