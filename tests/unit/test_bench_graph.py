"""The made-up graph is as large as asked for, the same for a seed, and has hubs."""

import polars as pl

from connectors.graph_layout import LINKS
from deploy.bench.graph import asked, made
from deploy.evaluate.rings import everyday, judged
from deploy.graph.params import Params
from deploy.graph.rings import find


def test_a_graph_is_made_of_owned_accounts_and_transfers() -> None:
    links = made(1, 20_000)
    assert links.equals(made(1, 20_000))
    assert not links.equals(made(2, 20_000))
    assert links.columns == ["kind", *LINKS.columns]
    assert dict(links.group_by("kind").len().sort("kind").rows()) == {"OWNS": 2_000, "SENT": 18_000}
    sent = links.filter(kind="SENT")
    assert sent.filter(pl.col("source") == pl.col("target")).is_empty()
    # P(N * u^3 < N / 100) = 0.01^(1/3) = 0.215
    hubs = sent.filter(pl.col("source").str.tail(-1).cast(pl.Int64) < 20).height
    assert abs(hubs / 18_000 - 0.2154) < 0.02
    assert links["link_id"].n_unique() == 20_000


def test_questions_are_about_two_customers_of_the_graph() -> None:
    pairs = asked(1, 20_000, 50)
    assert pairs == asked(1, 20_000, 50)
    assert len(pairs) == 50
    assert all(a != b and int(a[1:]) < 2_000 and int(b[1:]) < 2_000 for a, b in pairs)


def test_members_found_and_false_are_counted() -> None:
    rows = [(f"d{n:02}", "sink", 900_000) for n in range(12)]
    sent = pl.DataFrame(rows, schema=["source", "target", "amount"], orient="row")
    marked = frozenset(who for who, _, _ in rows)
    rings = find(sent, marked, Params())
    told = judged("", rings, frozenset({*marked, "sink", "missed"}) - {"d00"})
    assert [result.value for result in told] == [round(12 / 13, 4), 1, 0]
    assert [result.value for result in judged("", [], marked)] == [0.0, 0, 0]
    more = everyday(1, sent, frozenset({"sink"}))
    assert more.filter(pl.col("source") == "sink").height == 3
    assert more.filter(pl.col("target") == "sink").height == 3
