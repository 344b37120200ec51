"""`tidemark evaluate exchange`: what the simulated exchange looks like."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.commands.evaluate import group

_EXAMPLES = """Examples:

tidemark evaluate exchange

tidemark evaluate exchange --mix honest --orders 50000 --json
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    group(app, "evaluate").command("exchange", epilog=_EXAMPLES)(exchange)


def exchange(
    mix: Annotated[str, typer.Option(help="As of generate exchange.")] = "default",
    orders: Annotated[int, typer.Option(min=5_000, help="Orders of the simulation.")] = 100_000,
    days: Annotated[int, typer.Option(min=1, max=250, help="Days of business.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Of the simulation.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="The JSON file; docs/bench/exchange.json if left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Simulate an exchange and measure spread, depth, cancels, trade sizes and volatility."""
    from deploy import terminal
    from deploy.bench.harness import Report
    from deploy.errors import UserError
    from deploy.exchange.facts import facts
    from deploy.exchange.simulate import simulate

    try:
        made = simulate(seed, mix, days, orders)
    except ValueError as error:
        raise UserError(str(error)) from None
    report = Report("exchange", seed, facts(made))
    path = report.write(out)
    if as_json:
        terminal.show_json(report.document())
        return
    terminal.show_table(("what", "value", "unit"), [row[:3] for row in report.rows()])
    typer.echo(f"written to {path}")
