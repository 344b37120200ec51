"""`tidemark drill`: what operations and bad luck do to a job, done on purpose and compared."""

from typing import Annotated

import typer

PANEL = "Proof"
DRILLS = ("savepoint", "replay", "notary", "risk", "tamper")
"""Modules of deploy.drills whose `run(stack, prefix, seed, count, echo=)` is the drill."""
OFFLINE = ("tamper",)
"""Those that need no stack: `run(seed, echo=)`."""

_EXAMPLES = """Examples:

tidemark drill savepoint --seed 7

tidemark drill replay --count 200000

tidemark drill risk --count 200000

tidemark drill tamper --seed 3
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=PANEL, epilog=_EXAMPLES)(drill)


def drill(
    name: Annotated[str, typer.Argument(help=f"One of: {', '.join(DRILLS)}.")] = "savepoint",
    seed: Annotated[int, typer.Option(min=0, help="Seed of what is generated.")] = 1,
    count: Annotated[
        int | None,
        typer.Option(
            min=1_000,
            help="Trades (100,000), obligations (5,000,000), or quotes and fills (2,000,000).",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run a drill beside the live jobs, in topics of its own; its figures go to docs/bench."""
    from importlib import import_module

    from deploy import terminal
    from deploy.drills.rig import free_prefix
    from deploy.errors import UserError
    from deploy.settings import Settings
    from deploy.stack import Stack

    if name not in DRILLS:
        raise UserError(f"there is no drill {name}; drills: {', '.join(DRILLS)}")
    module = import_module(f"deploy.drills.{name}")
    if name in OFFLINE:
        report = module.run(seed, echo=_echo)
    else:
        stack = Stack(Settings.load())
        prefix = free_prefix(stack.settings.brokers, "drill")
        given = {} if count is None else {"count": count}
        report = module.run(stack, prefix, seed, **given, echo=_echo)
    report.write()
    if as_json:
        terminal.show_json(report.document())
    else:
        terminal.show_table(("what", "value", "unit", "bar", "met"), report.rows())


def _echo(line: str) -> None:
    typer.echo(line, err=True)
