"""`tidemark verify`: every link of every chain of the regulatory log."""

from typing import Annotated

import typer

PANEL = "Proof"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=PANEL, epilog="Example: tidemark verify --json")(verify)


def verify(
    brokers: Annotated[
        str | None, typer.Option(help="Kafka, HOST:PORT; this checkout's if left out.")
    ] = None,
    prefix: Annotated[str, typer.Option(help="Put before the topic's name.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Rebuild each partition's chain from the topic alone; name the first place that is wrong."""
    from deploy import terminal
    from deploy.settings import Settings
    from deploy.verification import verify_log

    settings = Settings.load()
    verdict = verify_log(brokers or settings.brokers, settings.partitions, prefix)
    rows = [
        (shard, "ok" if chain.ok else "WRONG", chain.length, chain.head.hex(), chain.problem or "")
        for shard, chain in verdict.chains.items()
    ]
    if as_json:
        names = ("shard", "verdict", "length", "head", "problem")
        terminal.show_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        terminal.show_table(["shard", "verdict", "events", "head", "first problem"], rows)
    if not verdict.ok:
        raise typer.Exit(1)
