"""Keys for shards that Flink spreads evenly: shard s of n goes to subtask s * parallelism // n.

Flink sends a key to key group `murmur(hash(key)) % max parallelism`, and groups to subtasks in
equal ranges. The numbers of a few partitions used as keys would pile up on some subtasks by chance:
two of two on the same one. So each shard gets the smallest number whose group is in the middle of
the shard's share, both as SQL hashes it (a binary row of one int) and as the keyed Python operator
does (a Row of one int).

Source: apache/flink 2.3 `KeyGroupRangeAssignment`, `MathUtils.murmurHash`, `MurmurHashUtils`,
`Row.hashCode`; a test compares with the classes themselves.
"""

from functools import cache
from typing import Any

import numpy as np

Words = np.ndarray[Any, np.dtype[np.uint32]]

_C1, _C2 = np.uint32(0xCC9E2D51), np.uint32(0x1B873593)
_SEED = np.uint32(42)
_SEARCHED = 1 << 16


@cache
def shard_keys(partitions: int, max_parallelism: int) -> tuple[int, ...]:
    """The key of each shard, in order; ValueError if there are more shards than key groups."""
    if not 1 <= partitions <= max_parallelism:
        raise ValueError(f"{partitions} partitions: 1 to {max_parallelism} are possible")
    keys: list[int] = []
    start = 0
    while len(keys) < partitions:
        tried = np.arange(start, start + _SEARCHED, dtype=np.uint32)
        in_sql, in_python = (
            key_group(hashes, max_parallelism)
            for hashes in (binary_row_hash(tried), row_hash(tried))
        )
        while len(keys) < partitions:
            target = (2 * len(keys) + 1) * max_parallelism // (2 * partitions)
            found = np.flatnonzero((in_sql == target) & (in_python == target))
            if not len(found):
                break
            keys.append(int(tried[found[0]]))
        start += _SEARCHED
    return tuple(keys)


def key_group(hashes: Words, max_parallelism: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The key group of keys with these hash codes: MathUtils.murmurHash, never negative, modulo."""
    with np.errstate(over="ignore"):
        mixed = _mixed(np.zeros_like(hashes), hashes) ^ np.uint32(4)
    signed = _avalanche(mixed).view(np.int32).astype(np.int64)
    positive = np.where(signed >= 0, signed, np.where(signed == -(2**31), 0, -signed))
    return positive % max_parallelism


def row_hash(keys: Words) -> Words:
    """`Row.of(key).hashCode()` of an insert row of one int."""
    with np.errstate(over="ignore"):
        return keys + np.uint32(62)


def binary_row_hash(keys: Words) -> Words:
    """`BinaryRowData.hashCode()` of a row of one int: four words, the third is the key."""
    zero = np.zeros_like(keys)
    with np.errstate(over="ignore"):
        mixed = np.full_like(keys, _SEED)
        for word in (zero, zero, keys, zero):
            mixed = _mixed(mixed, word)
        return _avalanche(mixed ^ np.uint32(16))


def _mixed(h: Words, word: Words) -> Words:
    k = _rotated(word * _C1, 15) * _C2
    h = _rotated(h ^ k, 13)
    result: Words = h * np.uint32(5) + np.uint32(0xE6546B64)
    return result


def _avalanche(h: Words) -> Words:
    with np.errstate(over="ignore"):
        h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
        h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return h ^ (h >> np.uint32(16))


def _rotated(word: Words, by: int) -> Words:
    return (word << np.uint32(by)) | (word >> np.uint32(32 - by))
