"""Seeded worlds that write consistent feeds: the same seed gives the same bytes.

    from connectors.generators import Faults, Plan, Trades, chunks

    for chunk in chunks(Trades(seed=7), Plan(count=100_000, seed=7, faults=Faults.total(0.01))):
        for batch in chunk:
            ...

What is *not* in the picture: no clock is read, so how fast a run is sent is the sender's business;
a run sent twice is a stream of duplicates, since ids and sequences come from the seed.
"""

from connectors.generators.aml import AmlWorld, Wanted
from connectors.generators.faults import Expected, Faults, expected_counts
from connectors.generators.feed import Batch, Chunk, Feed, Plan
from connectors.generators.files import to_files
from connectors.generators.market.ticks import Amount
from connectors.generators.market.world import MarketWorld
from connectors.generators.payments import Payments
from connectors.generators.run import LABELS, chunks, producer, topics
from connectors.generators.trades import Trades

__all__ = [
    "LABELS",
    "AmlWorld",
    "Amount",
    "Batch",
    "Chunk",
    "Expected",
    "Faults",
    "Feed",
    "MarketWorld",
    "Payments",
    "Plan",
    "Trades",
    "Wanted",
    "chunks",
    "expected_counts",
    "producer",
    "to_files",
    "topics",
]
