"""Transfers a second that the motif stage takes on one core, and how its state grows.

The job is folded over a log in memory without Flink: decoding, judging, searching, encoding and
committing are in, Kafka is not. Transfers are those of a generated bank, as the AML job writes
them; a fold is measured at slices as small as a calm stream has and as large as a catch-up has. The
worst that one party can do is measured beside: to be paid by somebody new each time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from time import process_time

import numpy as np
import polars as pl

from connectors.batches import Shard
from connectors.generators import AmlWorld
from connectors.generators.aml.units import PAYMENT, TRANSFER, WIRE, payment_ids
from connectors.generators.feed import DAY, midnight
from connectors.log import MemoryLog, slices
from deploy.bench.harness import Result
from jobs.catalogue import Config, motifs_job
from schemas.codec import encode_frame
from schemas.records import record
from udfs.aml.ruleset import DEFAULT
from udfs.motifs.params import MOTIFS

ACCOUNTS = (20_000, 200_000)
ACCOUNTS_OF_A_PERSON = 1.4
FIRST, DAYS = date(2026, 3, 2), 10
SLICES = (1_000, 10_000)
"""Transfers of a slice."""
BAR_RATE = 8_000
"""Transfers a second: one posting in twelve is one, of 100,000 postings a second."""
FLOOD = 50_000


def run(seed: int, payments: int, echo: Callable[[str], None]) -> list[Result]:
    """Rate by slice and number of accounts, state at each, and the rate at a single hub."""
    results = []
    for accounts in ACCOUNTS:
        echo(f"a bank of {accounts:,} accounts")
        world = AmlWorld(seed, FIRST, DAYS, payments, round(accounts / ACCOUNTS_OF_A_PERSON))
        made = transfers(world)
        what = f"{made.height:,} transfers of {accounts:,} accounts"
        for size in SLICES:
            echo(f"{what}, slices of {size:,}")
            done = _folded(made, size)
            named = f"{what}, slices of {size:,}"
            results.append(Result(named, done.rate, "transfers/s", BAR_RATE))
        results.append(Result(f"state after {what}", done.mib, "MiB"))
        results += [
            Result(f"looks for {shape} cut off, {what}", share, "share")
            for shape, share in done.cut.items()
        ]
    echo("one hub, paid by somebody new each time")
    done = _folded(flood(FLOOD), SLICES[0])
    what = f"{FLOOD:,} transfers to one party, each of a new source, slices of {SLICES[0]:,}"
    results.append(Result(what, done.rate, "transfers/s"))
    return [*results, Result(f"state after {what}", done.mib, "MiB")]


def transfers(world: AmlWorld) -> pl.DataFrame:
    """The transfers that the AML job makes of a world's payments: records Transfer, in order."""
    bank, parts = world.bank, []
    for units in world.units():
        chosen = units.filter(
            (pl.col("what") == PAYMENT)
            & pl.col("channel").is_in([TRANSFER, WIRE])
            & (pl.col("debtor") != pl.col("creditor"))
            & (pl.col("debtor_account") < bank.customer_accounts)
        )
        column = {name: chosen[name].to_numpy() for name in chosen.columns}
        ours = pl.Series(column["creditor"] < bank.customers)
        account = bank.accounts.gather(column["creditor_account"])
        made = pl.DataFrame(
            {
                "transfer_id": payment_ids(world.seed, column["number"]) + "-D",
                "time": column["at"],
                "source": bank.ids.gather(column["debtor"]),
                "target": bank.ids.gather(column["creditor"]).zip_with(ours, account),
                "source_account": bank.accounts.gather(column["debtor_account"]),
                "target_account": account,
                "amount": bank.rates.base(column["amount"], column["currency"]),
            }
        )
        parts.append(made.filter(pl.col("amount") >= DEFAULT.transfer_floor))
    return pl.concat(parts).sort("time", "transfer_id")


def flood(count: int) -> pl.DataFrame:
    """One party that is paid by so many different ones, a second apart."""
    number = pl.int_range(count, eager=True).cast(pl.String)
    start = midnight(FIRST)
    return pl.DataFrame(
        {
            "transfer_id": "t" + number,
            "time": start + np.arange(count) * 1_000_000,
            "source": "s" + number,
            "target": pl.repeat("hub", count, eager=True),
            "source_account": "a" + number,
            "target_account": pl.repeat("account", count, eager=True),
            "amount": pl.repeat(500_000, count, eager=True, dtype=pl.Int64),
        }
    )


@dataclass(frozen=True)
class _Done:
    """One fold.

    Attributes:
        rate: Transfers a second of processor time.
        mib: State at its end.
        cut: By shape, the share of looks of which `ends` or `paths` hid a part.
    """

    rate: int
    mib: int
    cut: dict[str, float]


def _folded(made: pl.DataFrame, size: int) -> _Done:
    log = _log(made, size)
    spec = motifs_job(Config(partitions=1, lateness_ms=1_000))
    shard, names, used = Shard(spec, 0, {}), [feed.topic for feed in spec.feeds], 0.0
    for batch in slices(names, log.partition(names, 0), spec.slice_ms):
        began = process_time()
        shard.fold(*batch)
        used += process_time() - began
    counts = dict(shard.state["counts"].frame().iter_rows())
    cut = {
        shape: round(counts[f"{shape}|cut"] / counts[f"{shape}|looked"], 4)
        for shape in MOTIFS
        if counts.get(f"{shape}|looked")
    }
    state = sum(table.nbytes for table in shard.store.tables.values())
    return _Done(round(made.height / used), round(state / 2**20), cut)


def _log(made: pl.DataFrame, size: int) -> MemoryLog:
    """The log of transfers, so many in a second; the business clock of rules goes with them."""
    shape = record("Transfer")
    frame = made.with_columns(
        producer=pl.lit("aml/0"),
        sequence=pl.int_range(made.height, dtype=pl.Int64),
        currency=pl.lit("USD"),
        scale=pl.lit(2),
        late=pl.lit(value=False),
        source_topic=pl.lit("postings"),
        source_partition=pl.lit(0),
        source_offset=pl.int_range(made.height, dtype=pl.Int64),
        version=pl.lit("aml/1"),
    )
    log, times = MemoryLog(), made["time"].to_list()
    values = encode_frame(shape, frame.select(list(shape.columns)))
    start = times[0] // 1_000_000 * 1_000
    for number, value in enumerate(values):
        log.append("transfers", 0, start + number // size * 1_000, value, b"aml/0")
    for number in range(0, len(times), size):
        log.tick("rules", 0, start + number // size * 1_000, times[number])
    end = start + len(times) // size * 1_000 + 1_000
    for topic in ("transfers", "rules"):
        log.tick(topic, 0, end, times[-1] + DAY)
    return log
