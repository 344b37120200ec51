"""Which obligations stand behind a net, provable one by one against the net's root.

Leaf of an obligation = SHA-256(0x00 || its message). Root of a bilateral net = RFC 9162 root over
its leaves in offset order. Root of a member's multilateral net = RFC 9162 root over the roots of
its bilateral nets in order of counterparty; the path of an obligation up to it is its path in the
bilateral net followed by that net's path. Every obligation is listed once, in the chunks of its
bilateral net.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import polars as pl

from schemas.merkle import root
from udfs.netting.nets import MEMBER


def pair_roots(pairs: pl.DataFrame, bilaterals: pl.DataFrame) -> pl.Series:
    """The provenance root of each bilateral net.

    Args:
        pairs: Obligations with `leaf`, as `nets.paired` orders them.
        bilaterals: What `nets.bilateral` made of them.
    """
    leaves = pairs["leaf"].to_list()
    roots = [root(leaves[start:end]) for start, end in _spans(bilaterals)]
    return pl.Series("provenance_root", roots, dtype=pl.Binary)


def member_roots(views: pl.DataFrame) -> pl.Series:
    """The root of each multilateral net, from `nets.both_views` with `provenance_root`."""
    below = views.group_by(MEMBER, maintain_order=True).agg("provenance_root")["provenance_root"]
    return pl.Series("provenance_root", [root(roots) for roots in below.to_list()], dtype=pl.Binary)


def chunk_counts(size: int) -> pl.Expr:
    """How many chunks of at most `size` obligations list each net: ceil(obligations / size)."""
    return (pl.col("obligations") + size - 1) // size


def listing(pairs: pl.DataFrame, bilaterals: pl.DataFrame, size: int) -> pl.DataFrame:
    """The chunks that list the obligations of each bilateral net, in its order and then by chunk.

    Args:
        pairs: Obligations with `offset` and `leaf`, as `nets.paired` orders them.
        bilaterals: What `nets.bilateral` made of them, with net_id, cycle_end and provenance_root.
        size: Most obligations in a chunk, at 40 bytes each: a message stays below 1 MB.

    Returns:
        chunk_id, net_id, cycle_end, chunk (from 0), chunks, offsets (8 bytes big endian each),
        leaves (32 bytes each), root: the root of the whole net, which its chunks together give.
    """
    offsets = pairs["offset"].to_numpy().astype(">i8").tobytes()
    leaves = b"".join(pairs["leaf"].to_list())
    rows = [
        (net, chunk, offsets[8 * start : 8 * end], leaves[32 * start : 32 * end])
        for net, (first, last) in enumerate(_spans(bilaterals))
        for chunk, (start, end) in enumerate(_cuts(first, last, size))
    ]
    chunks = pl.DataFrame(
        rows,
        schema={"net": pl.UInt32, "chunk": pl.Int64, "offsets": pl.Binary, "leaves": pl.Binary},
        orient="row",
    )
    nets = bilaterals.select(
        "net_id", "cycle_end", root="provenance_root", chunks=chunk_counts(size)
    )
    return pl.concat([chunks, nets[chunks["net"]]], how="horizontal").select(
        pl.format("{}#{}", "net_id", "chunk").alias("chunk_id"),
        *("net_id", "cycle_end", "chunk", "chunks", "offsets", "leaves", "root"),
    )


def _spans(bilaterals: pl.DataFrame) -> Iterator[tuple[int, int]]:
    """Rows [start, end) of the paired obligations that each net is made of."""
    ends = np.cumsum(bilaterals["obligations"].to_numpy()).tolist()
    return pairwise([0, *ends])


def _cuts(first: int, last: int, size: int) -> Iterator[tuple[int, int]]:
    return ((start, min(start + size, last)) for start in range(first, last, size))
