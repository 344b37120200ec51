"""ticker: keep log time moving, in the foreground; `tidemark up` has it running."""

from typing import Annotated

import typer

PANEL = "Data"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=PANEL, epilog="Example: tidemark ticker --interval-ms 50")(ticker)


def ticker(
    brokers: Annotated[
        str | None, typer.Option(help="Kafka, HOST:PORT; this checkout's if left out.")
    ] = None,
    partitions: Annotated[int | None, typer.Option(min=1, help="Partitions of each topic.")] = None,
    interval_ms: Annotated[
        int | None, typer.Option(min=10, help="Milliseconds between two ticks.")
    ] = None,
) -> None:
    """Write an empty tick to every partition of every topic until it is told to end."""
    from deploy.settings import Settings
    from deploy.ticker import tick

    settings = Settings.load()
    tick(
        brokers or settings.brokers,
        partitions or settings.partitions,
        interval_ms or settings.tick_ms,
    )
