"""The jobs by name, without their ends: which feeds go into which step, and where results go.

Nothing of Flink is imported here, so that the oracle, the backtest and `tidemark` know a job as the
cluster does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

from connectors.spec import SECOND, Feed, JobSpec
from connectors.topics import TOPICS
from udfs.abuse import crossing, drift
from udfs.abuse import step as abuse
from udfs.abuse.shipped import shipped
from udfs.aml import step as aml
from udfs.aml import trust
from udfs.aml.slots import VERSION as AML_VERSION
from udfs.graph import links
from udfs.graph import step as graph
from udfs.matching import step as matching
from udfs.motifs import step as motifs
from udfs.netting import step as netting
from udfs.regulatory import step as regulatory
from udfs.risk import firm, marking
from udfs.risk import step as risk
from udfs.risk.parameters import POINT_US
from udfs.screening import step as screening

AML_CONTROLS = ("customers", "rules", "alert.actions")
RULED = frozenset({"aml", "motifs"})
"""Jobs that are told which keys' rule sets count."""
ANY_TIME = 2**61
"""Our own results may be dated ahead of log time: dated ticks judged their inputs."""

RISK_SLICE_MS = 250
"""Longest slice of the market-risk jobs: a P&L is as old as its slice is long."""

MATCHING_SLICE_MS = 250
"""Longest slice of the matching job: an order waits so long for its answer."""

SHARDS_APART = 900 * SECOND
"""So much business time the shards of a job may be apart: what they gather in one partition is not
late by that, and is decided on so much later."""


@dataclass(frozen=True)
class Config:
    """What may be chosen at submission. It is part of a job's identity: results depend on it.

    Attributes:
        partitions: Partitions of every topic; a partition is a shard.
        slice_ms: Length of a slice of log time, milliseconds.
        lateness_ms: How far behind the greatest business time an event is not yet late,
            milliseconds.
        cycle_s: Length of a netting cycle in business time, seconds.
        edge_s: Window over which graph edges are aggregated in business time, seconds.
        rule_keys: Public keys (Ed25519) whose rule sets count, hex, joined by commas; none if
            empty. It is kept in the one form that udfs.aml.trust.keys_text gives it.
    """

    partitions: int = 4
    slice_ms: int = 1_000
    lateness_ms: int = 5_000
    cycle_s: int = 3_600
    edge_s: int = 10
    rule_keys: str = ""

    def __post_init__(self) -> None:
        """Bring the keys into their one form; ValueError if they are none."""
        keys = trust.keys_text(trust.keys_of(self.rule_keys))
        object.__setattr__(self, "rule_keys", keys)

    def __str__(self) -> str:
        """As a batch index records it, so that a run can be recomputed from the log alone.

        Without keys nothing is said of them.
        """
        said = {option.name: getattr(self, option.name) for option in fields(self)}
        return ";".join(f"{name}={value}" for name, value in said.items() if value != "")

    @classmethod
    def parse(cls, text: str) -> "Config":
        """The options that a batch index has recorded; ValueError if these are other options."""
        given = dict(part.partition("=")[::2] for part in text.split(";"))
        keys = given.pop("rule_keys", "")
        names = [option.name for option in fields(cls) if option.name != "rule_keys"]
        if list(given) != names or not all(value.isdecimal() for value in given.values()):
            raise ValueError(f"options {text or 'none'}, this code has {', '.join(names)}")
        return cls(**{name: int(value) for name, value in given.items()}, rule_keys=keys)


def netting_job(config: Config) -> JobSpec:
    """Obligations to net positions, cycle by cycle."""
    return JobSpec(
        name="netting",
        feeds=(Feed("obligations", config.lateness_ms * 1_000, leaves=True),),
        step=netting.NettingStep(netting.Config(cycle_us=config.cycle_s * SECOND)),
        tables=netting.TABLES,
        results=("nets", "nets.provenance", "cycles"),
        version=f"{netting.VERSION};{config}",
        slice_ms=config.slice_ms,
        partitions=config.partitions,
    )


def graph_job(config: Config) -> JobSpec:
    """Payments and obligations to edges between accounts and between members."""
    feeds = ("payments", "obligations")
    return JobSpec(
        name="graph",
        feeds=tuple(Feed(topic, config.lateness_ms * 1_000) for topic in feeds),
        step=graph.GraphStep(graph.Config(window_us=config.edge_s * SECOND)),
        tables=graph.TABLES,
        results=("graph.edges",),
        effect_on="graph.edges",
        version=f"{graph.VERSION};{config}",
        slice_ms=config.slice_ms,
        partitions=config.partitions,
    )


def links_job(config: Config) -> JobSpec:
    """Transfers, postings and alerts to links between customers, accounts and alerts."""
    lateness = config.lateness_ms * 1_000
    return JobSpec(
        name="links",
        feeds=tuple(Feed(topic, lateness, ahead=ANY_TIME, order="log") for topic in links.FEEDS),
        step=links.LinkStep(),
        tables=links.TABLES,
        results=(links.TOPIC,),
        effect_on=links.TOPIC,
        version=f"{links.VERSION};{config}",
        slice_ms=config.slice_ms,
        partitions=config.partitions,
    )


def regulatory_job(config: Config) -> JobSpec:
    """Results, dead letters, batch indexes, what people changed or filed: a chain a partition."""
    topics = (
        "nets",
        "nets.provenance",
        "cycles",
        "netting.dead",
        "netting.batches",
        "graph.dead",
        "graph.batches",
        "links.dead",
        "links.batches",
        "aml.dead",
        "aml.batches",
        "motifs.dead",
        "motifs.batches",
        "alerts",
        "screening.dead",
        "screening.batches",
        "screening.runs",
        "customers",
        "rules",
        "alert.actions",
        "control.changes",
        "submissions",
        "marks.dead",
        "marks.batches",
        "risk.dead",
        "risk.batches",
        "firm.dead",
        "firm.batches",
        "pnl",
        "pnl.corrections",
        "var",
        "limits.used",
        "margin.calls",
        "risk.refused",
        "firm.pnl",
        "firm.var",
        "firm.limits",
        "limits",
        "margin.terms",
        "corporate.actions",
        "matching.dead",
        "matching.batches",
        "abuse.dead",
        "abuse.batches",
        "crossing.dead",
        "crossing.batches",
        "executions",
        "orders.refused",
        "abuse.refused",
        "alerts.evidence",
        "abuse.drift",
        "episodes",
        "venue.controls",
        "owner.links",
        "instrument.links",
    )
    return JobSpec(
        name="regulatory",
        feeds=tuple(Feed(t, ahead=ANY_TIME, order="log", leaves=True, raw=True) for t in topics),
        step=regulatory.RegulatoryStep(
            regulatory.Config({topic: TOPICS[topic].record for topic in topics})
        ),
        tables=regulatory.TABLES,
        results=("regulatory.events",),
        version=f"{regulatory.VERSION};{config}",
        slice_ms=config.slice_ms,
        partitions=config.partitions,
    )


def aml_job(config: Config) -> JobSpec:
    """Postings to alerts, by the rule set in force; transfers for the motif stage."""
    lateness = config.lateness_ms * 1_000
    return JobSpec(
        name="aml",
        feeds=(
            Feed("postings", lateness),
            *(Feed(topic, lateness, ahead=ANY_TIME) for topic in AML_CONTROLS),
        ),
        step=aml.AmlStep(trust.keys_of(config.rule_keys)),
        tables=aml.TABLES,
        results=("alerts", "alerts.shadow", "transfers"),
        gathered=frozenset({"transfers"}),
        version=f"{AML_VERSION};{config}",
        slice_ms=config.slice_ms,
        partitions=config.partitions,
    )


def motifs_job(config: Config) -> JobSpec:
    """Transfers of all AML shards, in one partition, to alerts of shapes among them."""
    lateness = config.lateness_ms * 1_000
    return JobSpec(
        name="motifs",
        feeds=(
            Feed(motifs.TRANSFERS, lateness + SHARDS_APART, ahead=ANY_TIME),
            Feed(motifs.RULES, lateness, ahead=ANY_TIME),
        ),
        step=motifs.MotifStep(trust.keys_of(config.rule_keys)),
        tables=motifs.TABLES,
        results=(motifs.ALERTS,),
        version=f"{motifs.VERSION};{config}",
        slice_ms=config.slice_ms,
        partitions=config.partitions,
    )


def screening_job(config: Config) -> JobSpec:
    """Names of customers and of the other side of payments, against lists, to alerts."""
    topics = ("lists", "customers", "alert.actions", "postings")
    return JobSpec(
        name="screening",
        feeds=tuple(Feed(topic, config.lateness_ms * 1_000, order="log") for topic in topics),
        step=screening.ScreeningStep(),
        tables=screening.TABLES,
        results=("alerts", "screening.runs"),
        version=f"{screening.VERSION};{config}",
        slice_ms=config.slice_ms,
        partitions=config.partitions,
    )


def risk_job(config: Config) -> JobSpec:
    """Fills and marks to positions, P&L and risk of books; what the firm needs, in one partition.

    Marks are our own results and controls may be dated ahead, so both may have any time.
    """
    lateness = config.lateness_ms * 1_000
    return JobSpec(
        name="risk",
        feeds=(
            Feed(risk.FILLS, lateness, order="log"),
            *(Feed(t, lateness, ahead=ANY_TIME, order="log") for t in (risk.MARKS, *risk.CONTROLS)),
        ),
        step=risk.RiskStep(),
        tables=risk.TABLES,
        results=risk.RESULTS,
        gathered=frozenset({risk.POSITIONS, risk.PNL}),
        version=f"{risk.VERSION};{config}",
        slice_ms=min(config.slice_ms, RISK_SLICE_MS),
        partitions=config.partitions,
    )


def firm_job(config: Config) -> JobSpec:
    """Positions and P&L of all books, in one partition, to P&L, risk and limits of the firm.

    The watermark of `pnl` waits a minute for shards that are behind the others.
    """
    lateness = config.lateness_ms * 1_000
    behind = {firm.PNL: POINT_US}
    return JobSpec(
        name="firm",
        feeds=tuple(
            Feed(topic, lateness + behind.get(topic, 0), ahead=ANY_TIME, order="log")
            for topic in firm.FEEDS
        ),
        step=firm.FirmStep(),
        tables=firm.TABLES,
        results=firm.RESULTS,
        version=f"{firm.VERSION};{config}",
        slice_ms=min(config.slice_ms, RISK_SLICE_MS),
        partitions=config.partitions,
    )


def marks_job(config: Config) -> JobSpec:
    """Quotes and terms of instruments to one mark an instrument and slice, in every partition."""
    topics = (marking.INSTRUMENTS, marking.QUOTES)
    return JobSpec(
        name="marks",
        feeds=tuple(Feed(topic, config.lateness_ms * 1_000, order="log") for topic in topics),
        step=marking.MarkStep(),
        tables=marking.TABLES,
        results=(marking.MARKS,),
        spread=frozenset({marking.MARKS}),
        version=f"{marking.VERSION};{config}",
        slice_ms=min(config.slice_ms, RISK_SLICE_MS),
        partitions=config.partitions,
    )


def matching_job(config: Config) -> JobSpec:
    """Orders and what venues set to order events, trades, levels and best prices.

    Controls and terms may be dated ahead: they count from their place in the log on.
    """
    lateness = config.lateness_ms * 1_000
    settings = (matching.INSTRUMENTS, matching.CONTROLS)
    return JobSpec(
        name="matching",
        feeds=(
            *(Feed(topic, lateness, ahead=ANY_TIME, order="log") for topic in settings),
            Feed(matching.ORDERS, lateness, order="log"),
        ),
        step=matching.MatchingStep(),
        tables=matching.TABLES,
        results=matching.RESULTS,
        version=f"{matching.VERSION};{config}",
        slice_ms=min(config.slice_ms, MATCHING_SLICE_MS),
        partitions=config.partitions,
    )


def abuse_job(config: Config) -> JobSpec:
    """Order events and links to alerts with evidence; what may be half of an abuse, in one place.

    Order events are our own results and links may be dated ahead, so all may have any time. The
    models that ship decide, and their hashes are part of the version; without any, rules alone.

    Raises:
        ModelError: A model that is named is not there, damaged, or takes other features.
    """
    lateness = config.lateness_ms * 1_000
    topics = (abuse.EVENTS, *abuse.CONTROLS)
    models = shipped()
    return JobSpec(
        name="abuse",
        feeds=tuple(Feed(topic, lateness, ahead=ANY_TIME, order="log") for topic in topics),
        step=abuse.AbuseStep(
            scorer=models.scorer, challenger=models.challenger, watcher=models.watcher
        ),
        tables={**abuse.TABLES, **drift.TABLES},
        results=abuse.RESULTS,
        gathered=frozenset({abuse.EPISODES}),
        version=f"{abuse.VERSION}{models};{config}",
        slice_ms=config.slice_ms,
        partitions=config.partitions,
    )


def crossing_job(config: Config) -> JobSpec:
    """Episodes of all shards, in one partition, to alerts of abuse over several books."""
    lateness = config.lateness_ms * 1_000
    topics = (crossing.EPISODES, crossing.LINKS)
    return JobSpec(
        name="crossing",
        feeds=tuple(Feed(topic, lateness, ahead=ANY_TIME, order="log") for topic in topics),
        step=crossing.CrossingStep(),
        tables=crossing.TABLES,
        results=(crossing.ALERTS, crossing.EVIDENCE),
        version=f"{crossing.VERSION};{config}",
        slice_ms=config.slice_ms,
        partitions=config.partitions,
    )


JOBS: Mapping[str, Callable[[Config], JobSpec]] = {
    "netting": netting_job,
    "graph": graph_job,
    "links": links_job,
    "regulatory": regulatory_job,
    "aml": aml_job,
    "motifs": motifs_job,
    "screening": screening_job,
    "risk": risk_job,
    "firm": firm_job,
    "marks": marks_job,
    "matching": matching_job,
    "abuse": abuse_job,
    "crossing": crossing_job,
}
