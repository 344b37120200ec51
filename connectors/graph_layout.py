"""How records become nodes and relationships of Neo4j: which statement writes what of which kind.

The statements stand in connectors/cypher. Those that write nodes take `$ids`, those that write
relationships `$rows`, each row the layout's columns in order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from connectors.graph_summary import COLUMNS

CURSOR = "TidemarkCursor"
"""Label of the cursor nodes as the statements have it."""


@dataclass(frozen=True)
class Kind:
    """The statements of one kind of edge.

    Attributes:
        source: Merges the nodes that edges come from.
        target: Merges those that they go to.
        edges: Creates the edges.
    """

    source: str
    target: str
    edges: str


@dataclass(frozen=True)
class Layout:
    """What a job writes.

    Attributes:
        constraints: Statements that make the constraints.
        cursor: Label of its cursor nodes, so that two jobs may share a graph.
        columns: Fields of the record that are handed to the statements, source and target first.
        kinds: By kind of edge, in the order of writing.
    """

    constraints: str
    cursor: str
    columns: tuple[str, ...]
    kinds: Mapping[str, Kind]


FLOWS = Layout(
    constraints="constraints",
    cursor=CURSOR,
    columns=COLUMNS,
    kinds={
        "PAYMENT": Kind("accounts", "accounts", "payments"),
        "OBLIGATION": Kind("members", "members", "obligations"),
    },
)
"""GraphEdge records: who paid whom and who owed whom, added up."""

LINKS = Layout(
    constraints="links.constraints",
    cursor="TidemarkLinksCursor",
    columns=(
        *("source", "target", "link_id", "event", "time", "amount", "currency", "scale"),
        *("rule", "band", "source_topic", "source_partition", "source_offset", "version"),
    ),
    kinds={
        "SENT": Kind("customers", "customers", "sent"),
        "SENT_AWAY": Kind("customers", "accounts", "sent.away"),
        "OWNS": Kind("customers", "accounts", "owns"),
        "ABOUT": Kind("alerts", "customers", "about"),
        "ABOUT_ACCOUNT": Kind("alerts", "accounts", "about.account"),
    },
)
"""GraphLink records: who sent money to whom, who owns what, whom alerts are about."""


@cache
def cypher(name: str) -> str:
    """The text of a statement."""
    return files("connectors").joinpath("cypher", f"{name}.cypher").read_text(encoding="utf-8")
