"""What proves that a record is in a log, and that a log was only appended to.

Trees and proofs follow RFC 9162 section 2.1. Leaf, node and chain hashes start with different
octets, so none of them can pass for another. Functions take *leaf hashes* (32 bytes), not the
records themselves: the records stay where they are.
"""

import hashlib
from collections.abc import Sequence

_sha256 = hashlib.sha256

EMPTY_ROOT = _sha256(b"").digest()
"""Root of the tree without leaves: SHA-256 of the empty string."""

GENESIS = bytes(32)
"""What the first link of a chain is chained to."""


def leaf_hash(record: bytes) -> bytes:
    """Hash of one record as a leaf: SHA-256(0x00 || record)."""
    return _sha256(b"\x00" + record).digest()


def leaf_hashes(records: Sequence[bytes | None]) -> list[bytes]:
    """`leaf_hash` of each record, for many at once; a record without a value counts as empty."""
    sha256 = _sha256
    return [sha256(b"\x00" + (record or b"")).digest() for record in records]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of two subtrees as one: SHA-256(0x01 || left || right)."""
    return _sha256(b"\x01" + left + right).digest()


def link(previous: bytes, sequence: int, leaf: bytes) -> bytes:
    """Link of a chain: SHA-256(0x02 || previous link || uint64 big-endian sequence || leaf)."""
    return _sha256(b"\x02" + previous + sequence.to_bytes(8, "big") + leaf).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Root of the tree over `leaves` (leaf hashes, in order).

    Pairing level by level and passing an odd last node up unchanged gives the same tree as the
    recursive definition, which splits at the largest power of two smaller than the number of
    leaves.
    """
    if not leaves:
        return EMPTY_ROOT
    level = list(leaves)
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def inclusion_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The sibling hashes, leaf to root, that prove `leaves[index]`: RFC 9162 PATH(index, leaves).

    Raises:
        IndexError: There is no leaf `index`.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"leaf {index} is not in a tree of {len(leaves)}")
    path = []
    level = list(leaves)
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level = _parents(level)
        index >>= 1
    return path


def verify_inclusion(
    index: int, size: int, leaf: bytes, path: Sequence[bytes], expected_root: bytes
) -> bool:
    """Whether `path` proves that `leaf` stands at `index` of the tree of this size and root."""
    if not 0 <= index < size or not _hashes(leaf, expected_root, *path):
        return False
    position, last, result = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            result = node_hash(sibling, result)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and result == expected_root


def consistency_path(first: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The hashes that prove that the tree of the first `first` leaves grew into this one.

    RFC 9162 PROOF(first, leaves). The empty tree is a prefix of every tree, so there is nothing to
    prove.

    Raises:
        ValueError: `first` is 0 or larger than the tree.
    """
    if not 0 < first <= len(leaves):
        raise ValueError(f"no consistency proof from {first} to {len(leaves)} leaves")
    return _subproof(first, leaves, complete=True)


def verify_consistency(
    first: int, second: int, path: Sequence[bytes], first_root: bytes, second_root: bytes
) -> bool:
    """Whether `path` proves that the tree (`first`, `first_root`) is a prefix of the second tree.

    `first` = 0 is refused: it proves nothing.
    """
    if not 0 < first <= second or not _hashes(first_root, second_root, *path):
        return False
    if first == second:
        return not path and first_root == second_root
    nodes = [first_root, *path] if first & (first - 1) == 0 else list(path)
    if not nodes:
        return False
    position, last = first - 1, second - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = node_hash(node, old), node_hash(node, new)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, node)
        position, last = position >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _parents(level: list[bytes]) -> list[bytes]:
    sha256, pairs = _sha256, iter(level)
    parents = [
        sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)
    ]
    if len(level) & 1:
        parents.append(level[-1])
    return parents


def _subproof(first: int, leaves: Sequence[bytes], complete: bool) -> list[bytes]:
    size = len(leaves)
    if first == size:
        return [] if complete else [root(leaves)]
    split = 1 << (size - 1).bit_length() - 1
    if first <= split:
        return [*_subproof(first, leaves[:split], complete), root(leaves[split:])]
    return [*_subproof(first - split, leaves[split:], False), root(leaves[:split])]


def _hashes(*values: bytes) -> bool:
    return all(len(value) == 32 for value in values)
