"""index, trace, as-of, events: what a result rests on, what a record caused, what was known."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.options import Archive, Brokers, Json, Prefix

PANEL = "Audit"
_INDEX = """Examples:

tidemark index

tidemark index --file audit/2026-03-02 --again
"""
_TRACE = """Examples:

tidemark trace 3:12345                 an event of the regulatory log: what it rests on

tidemark trace obligations/2/77        a raw record: what it caused

tidemark trace '999900CCP00000000012|EUR|EUR|2|1772456400000000' --json
"""
_AS_OF = """Examples:

tidemark as-of 2026-03-02T10:00:00Z 9999A000000000000012

tidemark as-of 0:1200,1:1180,2:1201,3:1199 '999900CCP00000000012|EUR' --json
"""
_EVENTS = """Examples:

tidemark events --kind NetPosition --limit 20

tidemark events --subject 9999A000000000000012 --json > events.jsonl
"""

At = Annotated[
    Path | None, typer.Option("--index", help="The index's file; lineage.duckdb in the home.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel=PANEL, epilog=_INDEX)(index)
    app.command(rich_help_panel=PANEL, epilog=_TRACE)(trace)
    app.command("as-of", rich_help_panel=PANEL, epilog=_AS_OF)(as_of)
    app.command(rich_help_panel=PANEL, epilog=_EVENTS)(events)


def index(
    file: Archive = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    at: At = None,
    again: Annotated[bool, typer.Option("--again", help="Start anew.")] = False,
    as_json: Json = False,
) -> None:
    """Build the lineage index over the regulatory log, or take it further to the log's end."""
    from deploy import terminal
    from deploy.lineage.build import build, missing
    from deploy.lineage.source import Origin, opened, partitions
    from deploy.settings import Settings

    settings = Settings.load()
    path = at or settings.home / "lineage.duckdb"
    origin = Origin(file, brokers, prefix)
    shards = partitions(origin, settings)
    with (
        opened(origin, settings) as log,
        terminal.bar("index", missing(log, path, shards, again)) as told,
    ):
        built = build(log, path, shards, again, told, origin)
    if as_json:
        terminal.show_json({"index": str(path), "offsets": built.offsets, "rows": built.rows})
        return
    rows = [(name, f"{count:,}") for name, count in sorted(built.rows.items())]
    terminal.show_table(["table", "new rows"], rows)
    typer.echo(f"{built.offsets:,} offsets read into {path}")


def trace(
    what: Annotated[
        str,
        typer.Argument(metavar="ID", help="SHARD:SEQUENCE, TOPIC/PARTITION/OFFSET or a result id."),
    ],
    records: Annotated[
        int, typer.Option(min=0, help="Raw records shown under one thing; 0: only named.")
    ] = 20,
    file: Archive = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    at: At = None,
    as_json: Json = False,
) -> None:
    """Follow a result back to the raw records it rests on, or a raw record to all it caused.

    Raw records are read from the log that was indexed, unless another one is named.
    """
    from deploy import terminal
    from deploy.lineage.answer import trace as answer
    from deploy.lineage.index import Index
    from deploy.lineage.source import Origin, opened
    from deploy.lineage.trace import Tracer
    from deploy.log_ids import parse_id
    from deploy.settings import Settings

    wanted, settings = parse_id(what), Settings.load()
    with Index(at or settings.home / "lineage.duckdb") as found:
        named = file is not None or brokers is not None or prefix
        origin = Origin(file, brokers, prefix) if named else found.origin
        if records:
            with opened(origin, settings) as log:
                nodes = answer(Tracer(found, log, records), wanted)
        else:
            nodes = answer(Tracer(found, None), wanted)
    if as_json:
        terminal.show_json([node.document() for node in nodes])
        return
    for node in nodes:
        typer.echo("\n".join(node.lines()))


def as_of(
    point: Annotated[
        str,
        typer.Argument(
            metavar="TIME|OFFSETS",
            help="Append time in ISO 8601 UTC, or PARTITION:OFFSET,... of regulatory.events.",
        ),
    ],
    subject: Annotated[str, typer.Argument(help="LEI, account, customer, netting set, ...")],
    at: At = None,
    as_json: Json = False,
) -> None:
    """Show what was known about a subject at a point of the log, corrections applied and shown.

    Known is what had been appended at or before TIME, or below each OFFSET.
    """
    from deploy import terminal
    from deploy.lineage import asof
    from deploy.lineage.index import Index
    from deploy.lineage.points import parse_point
    from deploy.settings import Settings

    until, settings = parse_point(point), Settings.load()
    with Index(at or settings.home / "lineage.duckdb") as found:
        state = asof.as_of(found, until, subject)
    for limit in state.limits:
        typer.echo(f"tidemark: {limit}", err=True)
    if as_json:
        terminal.show_json(asof.document(state))
        return
    for line in asof.lines(state):
        typer.echo(line)
    typer.echo(f"{len(state.results)} results about {subject} known at {until}")


def events(
    kind: Annotated[str | None, typer.Option(help="Record name, as in NetPosition.")] = None,
    subject: Annotated[str | None, typer.Option(help="Whom or what it is about.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many.")] = None,
    file: Archive = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Canonical JSON (RFC 8785), one event a line.")
    ] = False,
) -> None:
    """Export the events of the regulatory log, partition by partition, in the chain's order.

    In JSON, whole numbers beyond 2^53 - 1 are strings, and bytes are hexadecimal digits.
    """
    import sys

    from deploy.lineage import canonical
    from deploy.lineage.source import EVENTS, Origin, opened, partitions
    from deploy.settings import Settings

    origin, settings = Origin(file, brokers, prefix), Settings.load()
    shards = range(partitions(origin, settings)[EVENTS])
    with opened(origin, settings) as log:
        found = canonical.select(log, shards, kind, subject, limit)
        for line in canonical.lines(found) if as_json else canonical.shown(found):
            sys.stdout.buffer.write(line + b"\n")
