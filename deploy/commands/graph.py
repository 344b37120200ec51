"""`tidemark graph`: rings in the graph of transfers, and how two customers hang together."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.options import Brokers, Json, Prefix

if TYPE_CHECKING:
    from connectors.neo4j import Connection
    from deploy.graph.search import Search

PANEL = "Compliance"
_RINGS = """Examples:

tidemark graph rings

tidemark graph rings --as-of 2026-03-12T00:00:00Z --window 14 --min-size 10 --json

tidemark graph rings --file audit/2026-03-12
"""
_LINKS = """Example:

tidemark graph links C0000017 C0004068 --hops 3
"""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    graph = typer.Typer(help="Look into the graph of transfers.", no_args_is_help=True)
    graph.command("rings", epilog=_RINGS)(rings)
    graph.command("links", epilog=_LINKS)(links)
    app.add_typer(graph, name="graph", rich_help_panel=PANEL)


def rings(
    as_of: Annotated[
        str | None,
        typer.Option(help="End of the window, as 2026-03-12T00:00:00Z; newest transfer."),
    ] = None,
    window: Annotated[int, typer.Option(min=1, max=366, help="Days that are looked at.")] = 14,
    least: Annotated[int, typer.Option("--min-size", min=3, help="Members of a ring.")] = 10,
    drawn: Annotated[
        bool, typer.Option("--neo4j/--no-neo4j", help="Write rings to this checkout's Neo4j, too.")
    ] = True,
    file: Annotated[
        Path | None, typer.Option("--file", help="Search an archive; nothing is written.")
    ] = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Find rings of structurers, raise each as an alert, and write them to Neo4j.

    Known rings are not raised again; a ring with new members amends its alert.
    """
    from deploy.graph.params import Params
    from deploy.reports import asked
    from deploy.rules import ends
    from deploy.rules.clock import time_of

    params = Params(window_us=window * 86_400_000_000, least_members=least)
    until = time_of("--as-of", as_of) if as_of is not None else None
    search = _search()
    if file is not None:
        place = asked.place(file, None, prefix)
        with asked.opened(place, search.TOPICS) as (source, partitions):
            found = search.search(source, partitions, params, until)
        _told(found, {"written": 0}, as_json)
        return
    with ends.opened(search.TOPICS, brokers, prefix) as opened:
        found = search.search(opened.source, range(opened.partitions), params, until)
        done = {"written": search.raise_alerts(found, opened)}
    if drawn:
        done["drawn"] = _drawn(found)
    _told(found, done, as_json)


def links(
    first: Annotated[str, typer.Argument(metavar="A", help="A customer or an account.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    hops: Annotated[int, typer.Option(min=1, max=6, help="Steps in a row at most.")] = 3,
    as_json: Json = False,
) -> None:
    """The shortest ways from one to the other, over transfers, payments and ownership."""
    from connectors.graph_links import LinkGraph
    from connectors.neo4j import GraphError
    from deploy import terminal
    from deploy.errors import UserError

    try:
        found = LinkGraph(_connection()).paths(first, second, hops)
    except (GraphError, ValueError) as error:
        raise UserError(str(error)) from None
    if found is None:
        raise UserError(
            f"the graph lacks {first[:64]!r} or {second[:64]!r}; see that the job links has caught "
            "up: tidemark jobs"
        )
    if as_json:
        terminal.show_json(found)
        return
    for number, path in enumerate(found, 1):
        rows = [_hop(link) for link in path["links"]]
        typer.echo(f"way {number}: " + " - ".join(name for _, name in path["nodes"]))
        terminal.show_table(("from", "link", "to", "amount", "time", "event"), rows)
    if not found:
        typer.echo(f"no way of at most {hops} steps")


def _hop(link: dict[str, Any]) -> Sequence[object]:
    from deploy.reports.form import at, exact

    amount = ""
    if "amount" in link:
        unit = link.get("currency", link.get("asset", ""))
        amount = f"{exact(link['amount'], link['scale'])} {unit}"
    time = at(link.get("time", link.get("window_start", 0)))
    event = link.get("event", link.get("edge_id", ""))
    return link["source"], link["type"], link["target"], amount, time, event


def _search() -> Any:
    """The search, if what it needs is installed."""
    from importlib import import_module

    from deploy.errors import UserError

    try:
        return import_module("deploy.graph.search")
    except ModuleNotFoundError as error:
        if error.name != "igraph":
            raise
        raise UserError("igraph is not installed; run: pip install 'tidemark[graph]'") from None


def _connection() -> "Connection":
    from connectors.neo4j import Connection
    from deploy.settings import Settings

    settings = Settings.load()
    return Connection(settings.bolt_url, settings.neo4j_password_file)


def _drawn(found: "Search") -> int:
    from connectors.graph_links import LinkGraph
    from connectors.neo4j import GraphError
    from deploy.errors import UserError

    try:
        return int(_search().draw(found, LinkGraph(_connection())))
    except GraphError as error:
        raise UserError(
            f"the alerts are written, Neo4j has not got them: {error}; then run it again"
        ) from None


def _told(found: "Search", done: dict[str, int], as_json: bool) -> None:
    from deploy import terminal
    from deploy.reports.form import at, exact

    line = _search().line
    rows = [line(one, found) for one in found.rings]
    if as_json:
        seen = found.seen
        said = {"as_of": seen.as_of, "transfers": seen.transfers.height, "read": seen.read}
        terminal.show_json({**said, "marked": len(seen.marked), "rings": rows, **done})
        return
    if rows:
        currency, scale = found.seen.transfers.select("currency", "scale").row(0)
        sums = [{"amount": f"{exact(row['amount'], scale)} {currency}"} for row in rows]
        shown = [tuple((row | text).values()) for row, text in zip(rows, sums, strict=True)]
        terminal.show_table(tuple(rows[0]), shown)
    typer.echo(
        f"{len(rows)} rings in {found.seen.transfers.height:,} transfers up to "
        f"{at(found.seen.as_of)}; " + ", ".join(f"{n} {what}" for what, n in done.items())
    )
