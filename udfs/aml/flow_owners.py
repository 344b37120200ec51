"""Which number an owner has in this shard.

A rule finds the state of an owner by a whole number: to look for a text in a large table costs more
than all that is then done with what was found, and every rule would look for the same texts.

State: one row an owner, for good.
"""

import polars as pl

from schemas.step import State, TableSpec

OWNERS_TABLE = "aml.owners"
OWNERS = TableSpec({"owner": "str", "owner_number": "int"}, key="owner")


def numbered(state: State, events: pl.DataFrame) -> pl.DataFrame:
    """`events` with column owner_number; new owners get the next numbers, as they come.

    Numbers follow the order of the events, so they are the same however the log was cut, as long as
    events are handed in by business time.
    """
    if events.is_empty():
        return events.with_columns(owner_number=pl.lit(0, pl.Int64)).clear()
    owners = events["owner"].unique(maintain_order=True)
    found = state[OWNERS_TABLE].lookup(owners)
    new = found.filter(~pl.col("known")).select("owner")
    if new.height:
        first = len(state[OWNERS_TABLE])
        new = new.with_columns(owner_number=pl.int_range(first, first + pl.len(), dtype=pl.Int64))
        state[OWNERS_TABLE].upsert(new)
        found = pl.concat([found.filter("known").select("owner", "owner_number"), new])
    numbers = found.select("owner", "owner_number")
    return events.drop("owner_number", strict=False).join(
        numbers, on="owner", how="left", maintain_order="left"
    )
