"""A simulated exchange through `matching`, `abuse` and `crossing`, and what must hold of it.

The same is asked of a fold in memory and of a real stack: a class of tests is a `Checks` with a
fixture `run` of its own.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import polars as pl

from connectors.generators import Plan
from connectors.generators.feed import Batch, Chunk
from connectors.generators.line import COPIED
from connectors.topics import partition_of
from deploy.exchange.bad import with_bad
from deploy.exchange.feed import ExchangeWorld
from deploy.exchange.simulate import Simulated, simulate
from jobs.catalogue import JOBS, Config
from schemas.codec import encode
from schemas.records import record
from tests.exchange_log import LEI, command, control, row, terms
from tests.made_log import filled
from udfs.abuse import crossing
from udfs.abuse.decide import MODEL, digest
from udfs.abuse.drift_records import RULE as DRIFT
from udfs.matching import rebuild

JOBS_OF_IT = ("matching", "abuse", "crossing")
SEED, MIX, DAYS, BAD = 5, "practices", 2, 0.005
OPEN_HOURS = (2 * 3_600, 30 * 3_600)
"""When books are looked at: so many seconds after the opening auction of the first day."""
RULES_OF = {
    "spoofing": {"spoofing", "layering"},
    "layering": {"layering"},
    "wash-trade": {"wash-trade", "wash-ring"},
    "matched-orders": {"matched-orders", "painting-the-tape", "wash-ring"},
    "cross-venue": {"cross-venue"},
    "cross-product": {"cross-product"},
}
"""Practice that the simulator planted -> rules one of which should find it."""
LEAST = {
    "spoofing": 0.6, "layering": 0.8, "wash-trade": 0.6, "matched-orders": 0.6, "crossing": 0.5,
}  # fmt: skip
"""Share of the planted schemes that must be found, so that rules at work are seen; how many they
find is for the evaluation. `crossing` is both practices over several books."""
BOOK = (
    *("bid", "bid_size", "ask", "ask_size"),
    *("bid_after", "bid_size_after", "ask_after", "ask_size_after"),
)
HAND, HAND_MIC = "US0378331005", "XOSL"
"""A book of its own for what is sent by hand."""


@dataclass(frozen=True)
class Sent:
    """What goes in: a simulated market with messages no book can follow, and some by hand."""

    orders: int
    partitions: int

    @cached_property
    def world(self) -> ExchangeWorld:
        """The feed."""
        return ExchangeWorld(SEED, MIX, days=DAYS, orders=self.orders, bad=BAD)

    @cached_property
    def made(self) -> Simulated:
        """The same market as the simulator's own books left it, without the bad messages."""
        return simulate(SEED, MIX, DAYS, self.orders)

    @cached_property
    def bad(self) -> dict[str, str]:
        """Bad message -> the reason it must be refused for."""
        both = with_bad(self.made.orders, self.made.instruments, BAD, SEED)
        added = both.join(self.made.orders, on="command_id", how="anti")["command_id"].to_list()
        return {name: name.rpartition("-")[2] for name in added}

    def plan(self, chunk: int) -> Plan:
        """How the feed is sent."""
        return Plan(self.world.count, SEED, self.partitions, chunk=chunk)

    def records(self, topic: str) -> int:
        """Messages that are sent to a topic, what is sent by hand included."""
        frames = {
            "instruments": self.made.instruments,
            "venue.controls": self.made.controls,
            "owner.links": self.made.owner_links,
            "instrument.links": self.made.instrument_links,
        }
        if topic == "orders":
            return self.made.orders.height + len(self.bad) + len(BY_HAND)
        by_hand = topic in ("instruments", "venue.controls")
        copies = self.partitions if topic in COPIED else 1
        return (frames[topic].height + by_hand) * copies

    def by_hand(self) -> list[Chunk]:
        """A book of its own, and orders of which some are no good; the book opens before them."""
        start = self.world.start
        given = {"producer": "hand", "sequence": 0, "time": start}
        listed = terms(HAND, **given, mic=HAND_MIC, kind="EQUITY", multiplier=1, reference_id="h")
        _, opened = row(control(0, mic=HAND_MIC, phase="CONTINUOUS"))
        opening = encode(record("VenueControl"), opened | given | {"user": "u"})
        home = partition_of(HAND.encode(), self.partitions)
        orders = [_order(start, **one) for one in BY_HAND]
        return [
            [Batch("instruments", home, b"h", [encode(record("Instrument"), listed)])],
            [Batch("venue.controls", p, b"h", [opening]) for p in range(self.partitions)],
            [Batch("orders", home, b"h", [*orders[:-1], b"no order at all"])],
        ]


_KNOWN = {"order_id": "hand10", "side": "SELL", "owner": "hand"}
BY_HAND: list[dict[str, Any]] = [
    {"number": 10, "side": "SELL", "owner": "hand"},
    {"number": 10, "side": "SELL", "owner": "hand"},  # a repeat
    {"number": 10, "side": "SELL", "owner": "hand", "quantity": 6},  # a repeat with another body
    {"number": 20, "isin": "US0378331006"},  # the check digit is wrong
    {"number": 5, "action": "CANCEL", **_KNOWN},  # dated before its entry
    {"number": 30},  # fills it
    {"number": 40, "action": "CANCEL", **_KNOWN},  # it is over
    {"number": 50},  # replaced by octets that are no record
]
DEAD = {"conflicting-duplicate": 1, "out-of-range": 1, "undecodable": 1}
"""Dead letters of these by the first word of their reason."""
REFUSED = {"hand5": "TIME_BACKWARDS", "hand40": "ORDER_OVER"}


def _order(start: int, number: int, **more: Any) -> bytes:
    """A message at microsecond `number` of business, five pieces at one price unless told."""
    given = {"side": "BUY", "price": 100, "quantity": 5, "isin": HAND, "mic": HAND_MIC}
    given |= {"order_id": f"hand{number}"} | more
    named = command(number, **given)._replace(command_id=f"hand{number}", time=start + number)
    named = named._replace(display_quantity=named.quantity)
    values = filled("Order", named._asdict() | {"producer": "hand", "sequence": number})
    return encode(record("Order"), values | {"member": LEI, "client": LEI})


def strange_events(run: "Run") -> Batch:
    """Order events that no book has said, and the sound entry that one of them goes back behind."""
    said = run.frame("order.events").filter(order_id="hand30", event="NEWO").row(0, named=True)
    given = [
        {"event": "FILL", "order_id": "nobody", "remaining": 0, "last_quantity": 5},
        {"event": "CAME", "order_id": "nobody", "remaining": 0},
        {"order_id": "early"},
        {"event": "CAME", "order_id": "early", "remaining": 0, "time": said["time"] - 1},
    ]
    values: list[bytes | None] = []
    for number, more in enumerate(given):
        numbered = {"event_id": f"strange{number}", "producer": "hand", "sequence": number}
        values.append(encode(record("OrderEvent"), filled("OrderEvent", said | numbered | more)))
    return Batch("order.events", partition_of(HAND.encode(), run.config.partitions), b"h", values)


STRANGE = {
    "strange0": "EXECUTION_WITHOUT_ORDER",
    "strange1": "UNKNOWN_ORDER",
    "strange3": "TIME_BACKWARDS",
}
"""Why they are refused."""


class Run(Protocol):
    """A run of the three jobs, and what they wrote."""

    sent: Sent
    config: Config

    def frame(self, topic: str) -> pl.DataFrame:
        """The records of a result topic, in order within each partition."""

    def counts(self, job: str) -> Counter[str]:
        """As in the job's batch indexes."""


class Checks:
    """What must hold of every run."""

    def test_what_went_in_was_used_or_refused_or_a_repeat(self, run: Run) -> None:
        fed = {
            "matching": ("instruments", "venue.controls", "orders"),
            "abuse": ("owner.links", "instrument.links"),
            "crossing": ("instrument.links",),
        }
        written = {"abuse": run.frame("order.events").height}
        written["crossing"] = run.frame("episodes").height
        for job, topics in fed.items():
            counts = run.counts(job)
            into = sum(run.sent.records(topic) for topic in topics) + written.get(job, 0)
            lost = counts["dead"] + counts["duplicates"] + counts["duplicates_unchecked"]
            assert counts["records"] == into == counts["used"] + lost, job
            assert lost == (len(DEAD) + 1 if job == "matching" else 0), job

    def test_no_order_is_filled_twice_or_not_at_all(self, run: Run) -> None:
        """As the simulator's own books, which know nothing of logs and slices, filled them."""
        names = ["event_id", "event", "remaining", "last_price", "last_quantity", "execution_id"]
        events = run.frame("order.events")
        assert events["event_id"].is_unique().all()
        market = events.filter((pl.col("isin") != HAND) & ~pl.col("order_id").str.ends_with("-bad"))
        made = run.sent.made.events.select(names).sort("event_id")
        assert market.select(names).sort("event_id").equals(made)
        trades = run.frame("executions").filter(pl.col("isin") != HAND)
        made = run.sent.made.executions
        assert trades["execution_id"].sort().equals(made["execution_id"].sort())
        by_hand = events.filter(pl.col("isin") == HAND).sort("event_id")
        assert by_hand["event"].to_list() == ["NEWO", "NEWO", "FILL", "FILL"]

    def test_books_from_single_orders_show_what_the_books_showed(self, run: Run) -> None:
        first = run.sent.world.start
        for hours in OPEN_HOURS:
            until = pl.col("time") <= first + (8 * 3_600 + hours) * 1_000_000
            events, depth, best = (
                run.frame(topic).filter(until) for topic in ("order.events", "depth", "best")
            )
            found = rebuild.levels(rebuild.resting(events))
            assert found["isin"].n_unique() > 40
            assert found.equals(rebuild.levels_told(depth))
            told = rebuild.best_told(best)
            shown = told.filter((pl.col("bid_size") > 0) | (pl.col("ask_size") > 0))
            assert rebuild.best(found).equals(shown)

    def test_bad_messages_are_refused_with_their_reason(self, run: Run) -> None:
        told = run.frame("orders.refused").select("record_id", "reason")
        found = {name: why for name, why in told.rows() if name in run.sent.bad | REFUSED}
        assert found == run.sent.bad | REFUSED
        letters = run.frame("matching.dead")
        reasons = [reason.partition(":")[0] for reason in letters["reason"].to_list()]
        assert Counter(reasons) == DEAD
        assert run.frame("abuse.refused").is_empty()

    def test_alerts_rest_on_the_schemes_that_were_planted(self, run: Run) -> None:
        low = {name: share for name, share in recalls(run).items() if share < LEAST[name]}
        assert low == {}

    def test_evidence_shows_the_books_that_the_events_saw(self, run: Run) -> None:
        alerts = run.frame("alerts").filter(pl.col("source_topic") == "order.events")
        evidence = run.frame("alerts.evidence").join(alerts.select("alert_id"), on="alert_id")
        events = run.frame("order.events").select("event_id", "order_id", *BOOK)
        pieces = evidence.filter(pl.col("kind") != "FEATURE")
        both = pieces.join(events, on="event_id", suffix="_then")
        assert both.height == pieces.height == alerts["event_count"].sum()
        for name in ("order_id", *BOOK):
            assert both[name].equals(both[f"{name}_then"], check_names=False), name

    def test_every_alert_names_what_decided(self, run: Run) -> None:
        step = JOBS["abuse"](run.config).step
        rules, model = f"rules:{digest(step.book)}", f"model:{step.scorer.hash}"
        crossed = f"rules:{crossing.digest(crossing.Params())}"
        alerts = run.frame("alerts")
        assert alerts["alert_id"].is_unique().all()
        one_book = alerts.filter(pl.col("source_topic") == "order.events")
        by_model = pl.col("rule").is_in([MODEL, DRIFT])
        assert set(one_book.filter(~by_model)["decided_by"]) == {rules}
        assert set(one_book.filter(by_model)["decided_by"]) <= {model}
        others = alerts.filter(pl.col("source_topic") == "episodes")
        assert set(others["decided_by"]) == {crossed}
        scored = run.frame("alerts.evidence").filter(pl.col("kind") == "FEATURE")
        assert (scored.height > 0) == bool(step.scorer.hash)
        beside = f"model:{step.challenger.hash}" if step.challenger is not None else ""
        assert set(run.frame("abuse.challenger")["decided_by"]) <= {beside}


def recalls(run: Run) -> dict[str, float]:
    """Share of the planted schemes of the practices in LEAST that a rule for them found."""
    labels = run.sent.made.labels.filter("abusive").select("order_id", "scheme", "practice")
    events = run.frame("order.events").select("event_id", "order_id")
    behind = run.frame("alerts").select("rule", event_id=pl.col("events").str.split(";"))
    hits = behind.explode("event_id").join(events, on="event_id").join(labels, on="order_id")
    rules = pl.DataFrame(
        [(practice, rule) for practice, names in RULES_OF.items() for rule in names],
        schema=["practice", "rule"],
        orient="row",
    )
    right = hits.join(rules, on=["practice", "rule"], how="semi").select("scheme").unique()
    name = pl.when(pl.col("practice").str.starts_with("cross-")).then(pl.lit("crossing"))
    planted = labels.select("scheme", name=name.otherwise("practice")).unique()
    planted = planted.with_columns(found=pl.col("scheme").is_in(right["scheme"].implode()))
    shares = planted.group_by("name").agg(pl.col("found").mean())
    found: dict[str, float] = dict(shares.rows())
    return {practice: found[practice] for practice in LEAST}
