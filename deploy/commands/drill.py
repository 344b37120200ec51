"""`tidemark drill`: what operations and bad luck do to a job, done on purpose and compared."""

from typing import Annotated

import typer

PANEL = "Proof"
DRILLS = ("savepoint",)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=PANEL, epilog="Example: tidemark drill savepoint --seed 7")(drill)


def drill(
    name: Annotated[str, typer.Argument(help=f"One of: {', '.join(DRILLS)}.")] = "savepoint",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the generated trades.")] = 1,
    count: Annotated[int, typer.Option(min=1_000, help="Trades to send.")] = 100_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run a drill beside the live jobs, in topics of its own; its figures go to docs/bench."""
    from deploy import terminal
    from deploy.drills import savepoint
    from deploy.drills.rig import free_prefix
    from deploy.errors import UserError
    from deploy.settings import Settings
    from deploy.stack import Stack

    if name not in DRILLS:
        raise UserError(f"there is no drill {name}; drills: {', '.join(DRILLS)}")
    stack = Stack(Settings.load())
    report = savepoint.run(
        stack, free_prefix(stack.settings.brokers, "drill"), seed, count, echo=_echo
    )
    report.write()
    if as_json:
        terminal.show_json(report.document())
    else:
        terminal.show_table(("what", "value", "unit", "bar", "met"), report.rows())


def _echo(line: str) -> None:
    typer.echo(line, err=True)
