"""Links between customers, accounts and alerts over the logs of transfers, postings and alerts.

A transfer is a link from payer to payee, the first posting of a customer on an account says that
the account is theirs, and an alert is about its subject. Each link rests on one record and is made
when that record comes, so neither lateness nor the slices change what is linked.

State: which customer is known to own which account.
"""

from dataclasses import dataclass

import polars as pl

from schemas.step import Batch, Clock, Outputs, State, TableSpec
from udfs.graph.edges import escaped
from udfs.shape import as_record

VERSION = "links/1"
"""Changes when the links made of the same records do."""

OWNED = "links.owned"
TABLES = {OWNED: TableSpec({"pair": "str", "offset": "int"}, key="pair")}
FEEDS = ("transfers", "postings", "alerts")
TOPIC = "graph.links"

_NO_MONEY = {"amount": pl.lit(0), "currency": pl.lit(""), "scale": pl.lit(0)}
_NO_RULE = {"rule": pl.lit(""), "band": pl.lit("")}


@dataclass(frozen=True)
class LinkStep:
    """The step contract: transfers, postings and alerts in, links out."""

    def __call__(self, state: State, batch: Batch, clock: Clock) -> Outputs:
        """The links of this batch, feed by feed, each feed in the order of its log."""
        made = [
            _record(found, topic, clock.shard)
            for topic in FEEDS
            if (events := batch.get(topic)) is not None
            and not (found := _LINKS[topic](state, events.sort("offset"))).is_empty()
        ]
        return {TOPIC: pl.concat(made)} if made else {}


def _sent(state: State, transfers: pl.DataFrame) -> pl.DataFrame:
    """A link for each transfer; a target that is known by its account only is not ours."""
    away = pl.col("target") == pl.col("target_account")
    return transfers.with_columns(
        kind=pl.when(away).then(pl.lit("SENT_AWAY")).otherwise(pl.lit("SENT")),
        link_id=pl.format("sent|{}", "transfer_id"),
        event="transfer_id",
        **_NO_RULE,
    )


def _owned(state: State, postings: pl.DataFrame) -> pl.DataFrame:
    """A link for each customer and account that were not seen together before."""
    pairs = postings.with_columns(
        pair=pl.format("{}|{}", escaped("owner"), escaped("account"))
    ).unique("pair", keep="first", maintain_order=True)
    known = state[OWNED].lookup(pairs["pair"])["known"]
    new = pairs.filter(~known)
    state[OWNED].upsert(new.select("pair", "offset"))
    return new.with_columns(
        **(_NO_MONEY | _NO_RULE),
        kind=pl.lit("OWNS"),
        link_id=pl.format("owns|{}", "pair"),
        source="owner",
        target="account",
        event="posting_id",
    )


def _about(state: State, alerts: pl.DataFrame) -> pl.DataFrame:
    """A link for each version of an alert on a customer or account, from its first version."""
    kinds = {"CUSTOMER": "ABOUT", "ACCOUNT": "ABOUT_ACCOUNT"}
    first = pl.when(pl.col("corrects") == "").then("alert_id").otherwise("corrects")
    return alerts.filter(pl.col("subject_kind").is_in(list(kinds))).with_columns(
        kind=pl.col("subject_kind").replace_strict(kinds, default="", return_dtype=pl.String),
        link_id=pl.format("about|{}", "alert_id"),
        source=first,
        target="subject",
        event="alert_id",
    )


_LINKS = {"transfers": _sent, "postings": _owned, "alerts": _about}


def _record(found: pl.DataFrame, topic: str, shard: int) -> pl.DataFrame:
    return as_record(
        found.with_columns(
            source_topic=pl.lit(topic),
            source_partition=pl.lit(shard),
            source_offset="offset",
            version=pl.lit(VERSION),
        ),
        "GraphLink",
    )
