"""Which set of scenarios is in force: parts are gathered, checked as a whole, wait for their time.

State: the sets by epoch, the parts of each, and what was refused. A set is complete when all its
parts are there, and is in force from the first batch after whose watermark its time has come. What
is wrong is refused whole with a reason, and the set before stays in force. Epochs count over all
names: there is one set at a time.
"""

from dataclasses import dataclass

import polars as pl

from schemas.step import State, TableSpec
from udfs.risk.measure_parameters import MOST_COMING
from udfs.risk.scenario_parts import Head, fault

_HEAD = (*Head.__dataclass_fields__,)
SETS, PARTS, REFUSED = "scenario.sets", "scenario.parts", "scenario.refused"
TABLES = {
    SETS: TableSpec(
        key="set",
        columns={
            "set": "str",
            "name": "str",
            "epoch": "int",
            "parts": "int",
            "method": "str",
            "decay_ppm": "int",
            "seed": "int",
            "book_scenarios": "int",
            "firm_scenarios": "int",
            "set_digest": "str",
            "time": "int",
            "gathered": "int",
            "complete": "bool",
        },
    ),
    PARTS: TableSpec(
        key="row",
        columns={
            "row": "str",
            "epoch": "int",
            "part": "int",
            "isin": "str",
            "returns": "bytes",
        },
    ),
    REFUSED: TableSpec(key="what", columns={"what": "str", "count": "int", "reason": "str"}),
}


@dataclass(frozen=True)
class Refused:
    """Parts that are not taken in, or all of a set that will not come into force, and why."""

    name: str
    epoch: int
    reason: str
    parts: int


def gather(state: State, rows: pl.DataFrame) -> list[Refused]:
    """Take parts in, in log order; what they complete is checked.

    Args:
        state: Tables of TABLES.
        rows: Columns of ScenarioRow, and `offset`.
    """
    refused: list[Refused] = []
    runs = rows.sort("offset").with_columns(_run=pl.struct(*_HEAD).rle_id())
    for run in runs.partition_by("_run", maintain_order=True):
        refused += _taken(state, Head(*run.select(*_HEAD).row(0)), run)
    if refused:
        told = state[REFUSED].lookup(pl.Series("what", ["sets"]))
        last = refused[-1]
        state[REFUSED].upsert(
            told.select("what", "count").with_columns(
                count=pl.col("count") + sum(one.parts for one in refused),
                reason=pl.lit(f"{last.name}@{last.epoch}: {last.reason}"),
            )
        )
    return refused


def in_force(state: State, watermark: int) -> Head | None:
    """The set in force; those before it are dropped.

    Args:
        state: Tables of TABLES.
        watermark: Business time, microseconds UTC.
    """
    sets = state[SETS].frame()
    ready = sets.filter(pl.col("complete") & (pl.col("time") <= watermark)).sort("epoch")
    if ready.is_empty():
        return None
    head = Head(*ready.select(*_HEAD).row(-1))
    if ready.height > 1:
        _drop(state, sets.filter((pl.col("epoch") < head.epoch) & pl.col("complete")))
    return head


def parts_in_state(state: State, head: Head) -> pl.DataFrame:
    """The parts of a set: columns part, isin, returns, in order of part."""
    rows = state[PARTS].lookup(_rows(head.epoch, pl.Series(range(head.parts))))
    return rows.select("part", "isin", "returns")


def why_none(state: State) -> str:
    """What to say when no set is in force."""
    coming = state[SETS].frame().sort("epoch")
    refused = state[REFUSED].lookup(pl.Series("what", ["sets"])).row(0, named=True)
    said = "no scenario set in force"
    if coming.height:
        last = coming.row(-1, named=True)
        have = "all" if last["complete"] else str(last["gathered"])
        said += f"; {last['name']}@{last['epoch']}: {have} of {last['parts']} parts"
    if refused["count"]:
        said += f"; parts refused: {refused['count']}, last {refused['reason']}"
    return said


def _taken(state: State, head: Head, run: pl.DataFrame) -> list[Refused]:
    """Parts of one set that came one after another."""
    sets = state[SETS].frame()
    wrong = _wrong(head, sets)
    if wrong:
        return [Refused(head.name, head.epoch, wrong, run.height)]
    impossible = run.filter(pl.col("part") >= head.parts)
    if impossible.height:
        reason = f"there is no part {impossible['part'][-1]} of {head.parts}"
        refused = [Refused(head.name, head.epoch, reason, impossible.height)]
        run = run.filter(pl.col("part") < head.parts)
        return [*(_taken(state, head, run) if run.height else []), *refused]
    _drop(state, sets.filter((pl.col("epoch") < head.epoch) & ~pl.col("complete")))
    key = pl.Series("set", [_set(head.epoch)])
    row = state[SETS].lookup(key).row(0, named=True)
    if row["complete"]:
        return []
    fresh = ~state[PARTS].lookup(_rows(head.epoch, run["part"]))["known"]
    fresh &= run["part"].is_first_distinct()
    gathered = row["gathered"] + fresh.cast(pl.Int64).cum_sum()
    until = (
        int((gathered < head.parts).sum()) + 1
    )  # what comes after the last part is looked at anew
    new = run[:until].filter(fresh[:until])
    state[PARTS].upsert(
        new.select(
            row=_rows(head.epoch, new["part"]),
            epoch=pl.lit(head.epoch),
            part=pl.col("part").cast(pl.Int64),
            isin="isin",
            returns="returns",
        )
    )
    kept = {name: getattr(head, name) for name in _HEAD} | {
        "set": key[0],
        "time": max(row["time"], int(run["time"][:until].to_numpy().max())),
        "gathered": int(gathered[:until][-1]),
    }
    state[SETS].upsert(pl.DataFrame([kept]))
    if kept["gathered"] < head.parts:
        return []
    reason = fault(head, parts_in_state(state, head))
    state[SETS].upsert(pl.DataFrame([{"set": key[0], "complete": not reason}]))
    if reason:
        _drop(state, state[SETS].lookup(key))
    refused = [Refused(head.name, head.epoch, reason, head.parts)] if reason else []
    return [*refused, *(_taken(state, head, run[until:]) if run[until:].height else [])]


def _wrong(head: Head, sets: pl.DataFrame) -> str:
    """Why parts are not taken in; empty if they are."""
    same = sets.filter(epoch=head.epoch)
    if same.height:
        differs = Head(*same.select(*_HEAD).row(0)) != head
        return f"another set with epoch {head.epoch} is here already" if differs else ""
    latest = sets.filter("complete")["epoch"].max()
    if isinstance(latest, int) and head.epoch < latest:
        return f"epoch {latest} is here already, a greater one is asked"
    coming = sets["epoch"].max()
    if isinstance(coming, int) and head.epoch < coming:
        return f"epoch {coming} is coming in, a greater one is asked"
    if sets.filter("complete").height >= MOST_COMING:
        return f"{MOST_COMING} sets wait already"
    return ""


def _drop(state: State, sets: pl.DataFrame) -> None:
    """Forget sets with their parts."""
    for epoch, parts in sets.select("epoch", "parts").rows():
        rows = state[PARTS].lookup(_rows(epoch, pl.Series(range(parts))))
        state[PARTS].upsert(rows.filter("known").select("row").with_columns(epoch=pl.lit(-1)))
        state[SETS].upsert(pl.DataFrame({"set": [_set(epoch)], "epoch": [-1]}))
    if sets.height:
        state[PARTS].expire("epoch", 0)
        state[SETS].expire("epoch", 0)


def _set(epoch: int) -> str:
    return str(epoch)


def _rows(epoch: int, parts: pl.Series) -> pl.Series:
    return pl.Series("row", [f"{epoch}|{part}" for part in parts])
