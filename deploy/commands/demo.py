"""`tidemark demo`: the whole path on this machine, with a summary that adds up."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from deploy.demo import Outcome
    from deploy.stack import Stack

PANEL = "Stack"


def register(app: typer.Typer) -> None:
    """Add the command."""
    example = "Example: tidemark demo --trades 50000 --payments 50000"
    app.command(rich_help_panel=PANEL, epilog=example)(demo)


def demo(
    trades: Annotated[int, typer.Option(min=1, help="Trades to generate.")] = 1_000_000,
    payments: Annotated[int, typer.Option(min=1, help="Payments to generate.")] = 1_000_000,
    faults: Annotated[float, typer.Option(min=0, max=0.2, help="Share of faults.")] = 0.01,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same feeds.")] = 1,
    again: Annotated[
        bool, typer.Option("--again", help="Delete all records and start anew.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Start the stack, net, draw and chain generated feeds, verify the log, sum up.

    A second call shows what is there and verifies the log again; --again starts from nothing.
    """
    import json
    import shutil
    from dataclasses import asdict

    from deploy import demo as path
    from deploy.settings import Settings
    from deploy.stack import Stack

    stack = Stack(Settings.load())
    kept = stack.settings.data / "demo.json"
    if again:
        stack.down(_echo)
        for folder in (stack.settings.data, stack.settings.checkpoints):
            shutil.rmtree(folder, ignore_errors=True)
    if kept.exists():
        outcome = path.again(stack, json.loads(kept.read_text()), _echo)
    else:
        outcome = path.run(stack, trades, payments, faults, seed, _echo)
        kept.write_text(json.dumps(asdict(outcome)))
    if as_json:
        typer.echo(json.dumps(asdict(outcome) | {"adds_up": outcome.adds_up}))
    else:
        _show(outcome, stack)
    if not (outcome.adds_up and outcome.chain_ok):
        raise typer.Exit(1)


def _echo(line: str) -> None:
    typer.echo(line, err=True)


def _show(outcome: "Outcome", stack: "Stack") -> None:
    from deploy import terminal

    names = ("records", "used", "duplicates", "dead", "late")
    rows: list[tuple[str, ...]] = []
    for job, counts in outcome.jobs.items():
        rows.append((job, *(f"{counts[name]:,}" for name in names)))
        rows.append(("  by the labels", *(f"{outcome.expected[job][name]:,}" for name in names)))
    terminal.show_table(["job", *names], rows)
    verdict = "as sent: inputs = used + duplicates + dead" if outcome.adds_up else "do NOT add up"
    typer.echo(f"counts {verdict}; late ones are used and marked\n")
    cells = [
        (
            asset,
            str(row["cycles"]),
            f"{row['bilateral'] / 1e4:.2f} %",
            f"{row['multilateral'] / 1e4:.2f} %",
        )
        for asset, row in outcome.efficiency.items()
    ]
    terminal.show_table(["netting of", "cycles", "bilateral", "multilateral efficiency"], cells)
    chain = "every link holds" if outcome.chain_ok else "BROKEN: run tidemark verify"
    typer.echo(f"regulatory log: {outcome.chain:,} events, {chain}")
    for what, counts in (("nodes", outcome.nodes), ("edges", outcome.edges)):
        typer.echo(f"graph {what}: " + ", ".join(f"{n:,} {kind}" for kind, n in counts.items()))
    for part, seconds in outcome.seconds.items():
        typer.echo(f"{part}: {seconds:.0f} s")
    settings = stack.settings
    typer.echo(
        f"\nFlink web UI {settings.rest_url}   Neo4j {settings.neo4j_url} (user neo4j, password in"
    )
    typer.echo(f"{settings.neo4j_password_file})   stop everything: tidemark down")
