"""export, import: topics as files, and back."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.options import Brokers, Json

PANEL = "Proof"
_EXPORT = """Examples:

tidemark export audit/2026-03-02

tidemark export day --topic obligations --topic nets --json
"""
_IMPORT = """Example:

tidemark import audit/2026-03-02 --prefix audit1.
"""

Topics = Annotated[list[str] | None, typer.Option("--topic", help="A topic; repeatable.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel=PANEL, epilog=_EXPORT)(export)
    app.command("import", rich_help_panel=PANEL, epilog=_IMPORT)(import_)


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is new or empty.")],
    topic: Topics = None,
    prefix: Annotated[str, typer.Option(help="What the topics' names have before them.")] = "",
    brokers: Brokers = None,
    as_json: Json = False,
) -> None:
    """Write committed records of topics to Parquet files, with a manifest of offsets and hashes.

    Without --topic: every topic of the live system. Ticks are included.
    """
    from deploy import terminal
    from deploy.archive.export import export as carry_out
    from deploy.settings import Settings

    manifest = carry_out(brokers or Settings.load().brokers, folder, topic or (), prefix)
    if as_json:
        terminal.show_json(manifest.model_dump())
        return
    rows = [
        (name, number, f"{part.first:,}", f"{part.next:,}", f"{part.records:,}", f"{part.ticks:,}")
        for name, number, part in manifest.places()
    ]
    terminal.show_table(["topic", "partition", "first", "next", "records", "ticks"], rows)


def import_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="An archive that export wrote.")],
    prefix: Annotated[str, typer.Option(help="Put before the topics' names; they must be new.")],
    topic: Topics = None,
    brokers: Brokers = None,
    as_json: Json = False,
) -> None:
    """Put an archive back into topics of another prefix: same partitions, offsets and times.

    The archive is checked first. Append times are the recorded ones, so the topics use CreateTime.
    """
    from deploy import terminal
    from deploy.archive.reading import Archive
    from deploy.archive.restore import restore
    from deploy.settings import Settings

    names = restore(brokers or Settings.load().brokers, Archive(folder), prefix, topic or ())
    if as_json:
        terminal.show_json(names)
    else:
        typer.echo(f"{len(names)} topics written: {', '.join(names)}")
