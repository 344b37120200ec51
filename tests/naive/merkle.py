"""The Merkle tree as RFC 9162 section 2.1.1 writes it: recursive."""

import hashlib


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
