"""How long a question over three steps takes in a real Neo4j of a million links.

The graph is made up: customers with an account each, and transfers between them in which few take
part in very many, as hubs do. A Neo4j of its own runs in .tidemark/bench, with the memory that
`tidemark up` gives it, and is removed afterwards.
"""

import shutil
from collections.abc import Callable
from time import perf_counter

import numpy as np
import polars as pl

from connectors.graph_layout import LINKS
from connectors.graph_links import LinkGraph, paths
from connectors.neo4j import Connection, GraphWriter
from deploy.bench.harness import Result
from deploy.graph.params import Params
from deploy.graph.rings import find
from deploy.settings import Settings
from deploy.stack import Stack

PORT_OFFSET = 450
HOPS = 3
LINKS_A_CUSTOMER = 10
BAR_S = 1.0
_BATCH = 50_000
_SKEW = 3.0
"""Customer number of a payer or payee is N * u^3 for a uniform u: the first 1 % takes part in
22 % of all transfers on each side."""

Echo = Callable[[str], None]


def made(seed: int, edges: int) -> pl.DataFrame:
    """Links: one owned account a customer, the rest transfers; columns kind and LINKS.columns."""
    rng = np.random.default_rng([seed, 7])
    customers = max(2, edges // LINKS_A_CUSTOMER)
    sent = edges - customers
    source, target = (
        (customers * rng.random(sent) ** _SKEW).astype(np.int64) for _ in ("source", "target")
    )
    target = np.where(source == target, (target + 1) % customers, target)
    owner = np.arange(customers)
    frame = pl.DataFrame(
        {
            "kind": ["OWNS"] * customers + ["SENT"] * sent,
            "source": np.concatenate([owner, source]),
            "target": np.concatenate([owner, target]),
            "amount": np.concatenate([np.zeros(customers, np.int64), _amounts(rng, sent)]),
        }
    ).with_row_index("number")
    account = pl.format("A{}", "target")
    return frame.select(
        "kind",
        source=pl.format("C{}", "source"),
        target=pl.when(pl.col("kind") == "OWNS")
        .then(account)
        .otherwise(pl.format("C{}", "target")),
        link_id=pl.format("l{}", "number"),
        event=pl.format("e{}", "number"),
        time=pl.col("number").cast(pl.Int64),
        amount="amount",
        currency=pl.lit("USD"),
        scale=pl.lit(2),
        rule=pl.lit(""),
        band=pl.lit(""),
        source_topic=pl.lit("transfers"),
        source_partition=pl.lit(0),
        source_offset=pl.col("number").cast(pl.Int64),
        version=pl.lit("bench"),
    ).select("kind", *LINKS.columns)


def asked(seed: int, edges: int, count: int) -> list[tuple[str, str]]:
    """Pairs of customers: half of them any two, half as likely as they take part in transfers."""
    rng = np.random.default_rng([seed, 8])
    customers = max(2, edges // LINKS_A_CUSTOMER)
    pairs = []
    for number in range(count):
        skew = _SKEW if number % 2 else 1.0
        a, b = (customers * rng.random(2) ** skew).astype(np.int64).tolist()
        pairs.append((f"C{a}", f"C{b if a != b else (b + 1) % customers}"))
    return pairs


def run(settings: Settings, seed: int, edges: int, queries: int, echo: Echo) -> list[Result]:
    """Load the links, ask for ways of three steps, and look for rings in the same transfers."""
    own = Settings(
        home=settings.home / "bench" / "graph",
        jars=settings.jar_home,
        port_offset=settings.port_offset + PORT_OFFSET,
    )
    links, stack = made(seed, edges), Stack(own)
    results = [_rings(links)]
    try:
        stack.start("neo4j")
        echo("neo4j: up")
        connection = Connection(own.bolt_url, own.neo4j_password_file)
        results.append(_loaded(connection, links, echo))
        return results + _questions(connection, asked(seed, edges, queries), echo)
    finally:
        stack.down()
        shutil.rmtree(own.home, ignore_errors=True)


def _amounts(rng: np.random.Generator, count: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Amounts in minor units: log-normal around 1,000.00."""
    drawn: np.ndarray[tuple[int], np.dtype[np.int64]] = (
        100_000 * np.exp(rng.normal(0, 1, count))
    ).astype(np.int64) + 1
    return drawn


def _rings(links: pl.DataFrame) -> Result:
    """The ring search alone, one customer in a hundred with evidence."""
    sent = links.filter(kind="SENT").select("source", "target", "amount")
    marked = frozenset(sent["source"].unique().sort().gather_every(100).to_list())
    start = perf_counter()
    find(sent, marked, Params())
    passed = perf_counter() - start
    return Result(f"ring search in {sent.height:,} transfers", round(passed, 2), "s")


def _loaded(connection: Connection, links: pl.DataFrame, echo: Echo) -> Result:
    writer = GraphWriter(connection, LINKS)
    writer.open()
    start = perf_counter()
    try:
        for number, part in enumerate(links.iter_slices(_BATCH)):
            writer.apply(0, number, "", part)
            echo(f"{(number + 1) * _BATCH:,} links written")
    finally:
        writer.close()
    passed = perf_counter() - start
    counts = LinkGraph(connection).counts()
    assert counts["sent"] + counts["owns"] == links.height
    return Result(f"{links.height:,} links written", round(links.height / passed), "1/s")


def _questions(connection: Connection, pairs: list[tuple[str, str]], echo: Echo) -> list[Result]:
    """Seconds a question, the first one apart: it makes the plan."""
    times, found = [], 0
    with connection.open() as driver:
        for a, b in pairs:
            start = perf_counter()
            ways = paths(driver, a, b, HOPS)
            times.append(perf_counter() - start)
            found += bool(ways)
    echo(f"{len(pairs)} questions asked")
    first, rest = times[0], np.array(times[1:])
    what = f"way of {HOPS} steps between two customers"
    return [
        Result(f"p50, {what}", round(float(np.percentile(rest, 50)), 4), "s", BAR_S, at_most=True),
        Result(f"p99, {what}", round(float(np.percentile(rest, 99)), 4), "s", BAR_S, at_most=True),
        Result(f"longest, {what}", round(float(rest.max()), 4), "s", BAR_S, at_most=True),
        Result("first question", round(first, 3), "s"),
        Result(f"pairs with such a way, of {len(pairs)}", found, "pairs"),
    ]
