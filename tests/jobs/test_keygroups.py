"""Shards are spread over subtasks as Flink itself places keys."""

from collections import Counter

import numpy as np
import pytest
from pyflink.java_gateway import get_gateway

from connectors.keygroups import binary_row_hash, key_group, row_hash, shard_keys

MAX = 128


def test_groups_are_those_of_flink() -> None:
    jvm = get_gateway().jvm
    assign = jvm.org.apache.flink.runtime.state.KeyGroupRangeAssignment.assignToKeyGroup
    keys = [0, 1, 7, 500, *shard_keys(8, MAX)]
    of_row, of_binary = [], []
    for key in keys:
        row = jvm.org.apache.flink.types.Row(1)
        row.setField(0, key)
        of_row.append(assign(row, MAX))
        binary = jvm.org.apache.flink.table.data.binary.BinaryRowData(1)
        writer = jvm.org.apache.flink.table.data.writer.BinaryRowWriter(binary)
        writer.writeInt(0, key)
        writer.complete()
        of_binary.append(assign(binary, MAX))
    numbers = np.array(keys, dtype=np.uint32)
    assert key_group(row_hash(numbers), MAX).tolist() == of_row
    assert key_group(binary_row_hash(numbers), MAX).tolist() == of_binary


@pytest.mark.parametrize("partitions", [1, 2, 3, 4, 8, 128])
def test_every_subtask_gets_its_share(partitions: int) -> None:
    keys = np.array(shard_keys(partitions, MAX), dtype=np.uint32)
    for hashes in (row_hash(keys), binary_row_hash(keys)):
        groups = key_group(hashes, MAX)
        for parallelism in range(1, partitions + 1):
            shards = Counter((groups * parallelism // MAX).tolist())
            assert len(shards) == parallelism
            assert max(shards.values()) <= -(-partitions // parallelism) + (partitions == 128)


def test_more_shards_than_groups_are_refused() -> None:
    with pytest.raises(ValueError, match="1 to 128 are possible"):
        shard_keys(129, MAX)
