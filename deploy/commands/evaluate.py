"""`tidemark evaluate aml`: how well the AML rules find what generated worlds hide."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import polars as pl

    from deploy.bench.harness import Report

_EXAMPLES = """Examples:

tidemark evaluate aml

tidemark evaluate aml --customers 5000 --worlds 1 --ring 0 --json
"""

_ABUSE = """Examples:

tidemark evaluate abuse

tidemark evaluate abuse --mix hard --markets 5 --json
"""

_MOTIFS = """Example:

tidemark evaluate motifs --worlds 1
"""

_RINGS = """Example:

tidemark evaluate rings --worlds 1
"""

_IN_TABLES = (
    "recall of ",
    "false alerts of ",
    " touched by any rule, of ",
    ": median time to its alert",
    ": alert before its end",
    ": 95 % ",
    ": of",
    ", rule ",
    ", honest ",
    ": schemes found",
)
"""Parts of the names of figures that stand in the tables."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    group(app, "evaluate").command("aml", epilog=_EXAMPLES)(aml)
    group(app, "evaluate").command("abuse", epilog=_ABUSE)(abuse)
    group(app, "evaluate").command("motifs", epilog=_MOTIFS)(motifs)
    group(app, "evaluate").command("rings", epilog=_RINGS)(rings)


def group(app: typer.Typer, name: str) -> typer.Typer:
    """The group of this name, made if no other module has made it."""
    for found in app.registered_groups:
        if found.name == name and found.typer_instance is not None:
            return found.typer_instance
    made = typer.Typer(help="Measure how well the rules find what they look for.")
    made.callback()(lambda: None)
    app.add_typer(made, name=name, rich_help_panel="Proof")
    return made


def aml(
    customers: Annotated[int, typer.Option(min=300, help="Customers of a world, about.")] = 14_000,
    days: Annotated[int, typer.Option(min=7, max=366, help="Days of a world.")] = 30,
    seed: Annotated[int, typer.Option(min=0, help="Of the first world.")] = 1,
    worlds: Annotated[int, typer.Option(min=1, help="How many, each with the next seed.")] = 2,
    laundering: Annotated[
        str, typer.Option(help="Share of postings in schemes, as 0.1% or 0.001.")
    ] = "0.1%",
    ring: Annotated[
        int, typer.Option(min=0, help="Depositors of a ring, in a world of its own.")
    ] = 1_000,
    out: Annotated[
        Path | None, typer.Option(help="The JSON file; docs/bench/evaluate-aml.json if left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make worlds with money laundering in them, fold the job over each, and judge its alerts.

    The rules are the default ones. With the default options it takes some minutes.
    """
    from deploy import terminal
    from deploy.evaluate.aml import Asked, run

    asked = Asked(customers, days, seed, worlds, _share(laundering), ring)
    outcome = run(asked, lambda line: typer.echo(line, err=True))
    path = outcome.report.write(out)
    if as_json:
        terminal.show_json(outcome.report.document())
        return
    _show(outcome.report, (outcome.kinds, outcome.rules, outcome.ring))
    typer.echo(f"written to {path}")


def abuse(
    model: Annotated[str, typer.Option(help="Name of the model; the champion if left out.")] = "",
    mix: Annotated[
        list[str] | None, typer.Option(help="As default; default, hard and unseen if left out.")
    ] = None,
    markets: Annotated[int, typer.Option(min=1, help="Of each mix, each with its seed.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of the first markets.")] = 1,
    orders: Annotated[
        int | None, typer.Option(min=5_000, help="Of each market; as the mix says if left out.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The JSON file; docs/bench/evaluate-abuse.json otherwise.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Simulate markets with abuse in them, fold the job over each, and judge scores and alerts.

    Traders and weeks are others than those of training. With the default options it takes some
    minutes.
    """
    from deploy import terminal
    from deploy.evaluate.abuse import MIXES, Wanted, run
    from deploy.evaluate.abuse_model import named

    wanted = Wanted(seed, markets, tuple(mix) if mix else MIXES, orders)
    outcome = run(wanted, named(model), lambda line: typer.echo(line, err=True))
    path = outcome.report.write(out)
    if as_json:
        terminal.show_json(outcome.report.document())
        return
    _show(outcome.report, (outcome.practices, outcome.rules, outcome.honest))
    typer.echo(f"written to {path}")


def motifs(
    payments: Annotated[int, typer.Option(min=1_000, help="Payments of a world.")] = 1_100_000,
    days: Annotated[int, typer.Option(min=7, max=366, help="Days of a world.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="Of the first world.")] = 1,
    worlds: Annotated[int, typer.Option(min=1, help="How many, each with the next seed.")] = 2,
    each: Annotated[int, typer.Option(min=1, help="Schemes of each shape in a world.")] = 15,
    out: Annotated[
        Path | None, typer.Option(help="The JSON file; docs/bench/motifs-quality.json if left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make worlds with fans, cycles and layers in them, and judge what the motif job says.

    The rule set is the default one. With the default options it takes some minutes.
    """
    from deploy import terminal
    from deploy.evaluate.motifs import Asked, run

    outcome = run(
        Asked(payments, days, seed, worlds, each), lambda line: typer.echo(line, err=True)
    )
    path = outcome.report.write(out)
    if as_json:
        terminal.show_json(outcome.report.document())
        return
    _show(outcome.report, (outcome.kinds, outcome.rules))
    typer.echo(f"written to {path}")


def rings(
    seed: Annotated[int, typer.Option(min=0, help="Of the first world.")] = 1,
    worlds: Annotated[int, typer.Option(min=1, help="How many, each with the next seed.")] = 3,
    out: Annotated[
        Path | None, typer.Option(help="The JSON file; docs/bench/rings-quality.json if left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make worlds with a ring of 1,000 structurers, and judge what the search for rings finds."""
    from deploy import terminal
    from deploy.bench.harness import Report
    from deploy.evaluate.rings import run

    results = run(seed, worlds, lambda line: typer.echo(line, err=True))
    report = Report("rings-quality", seed, results)
    path = report.write(out)
    if as_json:
        terminal.show_json(report.document())
        return
    terminal.show_table(("what", "value", "unit", "bar", "met"), report.rows())
    typer.echo(f"written to {path}")


def _share(text: str) -> float:
    from deploy.errors import UserError

    number, percent = text.removesuffix("%"), text.endswith("%")
    try:
        found = float(number) / (100 if percent else 1)
    except ValueError:
        found = -1.0
    if not 0.0 <= found <= 0.1:
        raise UserError(f"--laundering {text} is no share from 0% to 10%; give it as 0.1%")
    return found


def _cell(value: object) -> str:
    from deploy.bench.harness import shown

    return "-" if value is None else shown(value) if isinstance(value, int | float) else str(value)


def _show(report: "Report", tables: Sequence["pl.DataFrame"]) -> None:
    """The tables, and the figures that stand in none of them."""
    from deploy import terminal

    for table in tables:
        if table.height:
            terminal.show_table(table.columns, [[*map(_cell, row)] for row in table.iter_rows()])
    rules = [rule for table in tables if "precision" in table.columns for rule in table["rule"]]
    shown = (*_IN_TABLES, *(f"precision of {rule}," for rule in rules))
    rows = [row[:4] for row in report.rows() if not any(part in row[0] for part in shown)]
    terminal.show_table(("figure", "value", "unit", "bar"), rows)
