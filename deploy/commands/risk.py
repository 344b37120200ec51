"""`tidemark risk`: where risk stands and why, what a trade would add, whether the model holds."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from deploy.options import Json, ReportFolder

PANEL = "Risk"
_BACKTEST = """Examples:

tidemark risk backtest --out backtest

tidemark risk backtest --seed 2 --book B-001 --valuation delta-gamma --out backtest

tidemark risk backtest --model volatility-scaled --scale 0.5 --out wrong --json

tidemark risk backtest --file pnl.csv --tail-ppm 25000 --out backtest
"""


class Name(StrEnum):
    """The models of udfs.risk.forecasts."""

    HISTORICAL = "historical"
    AGE_WEIGHTED = "age-weighted"
    VOLATILITY_SCALED = "volatility-scaled"
    NORMAL = "normal"
    MONTE_CARLO = "monte-carlo"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    risk = typer.Typer(help="Positions, VaR, limits, margin; backtests.", no_args_is_help=True)
    risk.command("backtest", epilog=_BACKTEST)(backtest)
    app.add_typer(risk, name="risk", rich_help_panel=PANEL)


def backtest(
    out: ReportFolder,
    file: Annotated[
        Path | None, typer.Option(help="CSV: day,pnl,var or day,pnl,var,model; no market then.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the generated market.")] = 1,
    book: Annotated[str | None, typer.Option(help="One of its books; all if left out.")] = None,
    model: Annotated[
        list[Name] | None, typer.Option(help="What tells VaR; all models if left out.")
    ] = None,
    valuation: Annotated[
        Literal["full", "delta-gamma"],
        typer.Option(help="What models see of options; delta-gamma is what the job does."),
    ] = "full",
    tail_ppm: Annotated[
        int, typer.Option(min=1, max=500_000, help="1 - confidence, ppm: 10000 for 99 %.")
    ] = 10_000,
    scale: Annotated[
        float, typer.Option(min=0.0, help="VaR times this: 0.5 is a model that is wrong.")
    ] = 1.0,
    days: Annotated[int, typer.Option(min=2, max=5_000, help="Days that are judged.")] = 750,
    window: Annotated[int, typer.Option(min=2, max=5_000, help="Days a model looks back.")] = 500,
    as_json: Json = False,
) -> None:
    """Whether a VaR model holds: exceptions, tests, zones, P&L attribution, and a page of plots.

    Without --file: of the books of a generated market, whose days before the opening are judged.

    Exit code 0 whatever the verdict is; `holds` of --json says it.
    """
    from deploy import terminal
    from deploy.errors import UserError
    from deploy.reports.form import empty_folder
    from deploy.risk import backtest as carried
    from deploy.risk import pnl_file, report
    from udfs.risk.forecasts import MODELS

    empty_folder(out)
    if file is not None:
        found = carried.of_line(file.name, pnl_file.read(file), tail_ppm)
    else:
        if window * tail_ppm < 1_000_000:
            raise UserError(
                f"--window {window} has no tail of {tail_ppm} ppm; give {-(-1_000_000 // tail_ppm)}"
            )
        chosen = [name for name in MODELS if not model or name in model]
        found = carried.of_market(seed, book, chosen, valuation, tail_ppm, scale, days, window)
    path = report.write(out, found)
    if as_json:
        terminal.show_json(carried.summary(found) | {"report": str(path)})
        return
    terminal.show_table(report.COLUMNS, report.rows(found))
    typer.echo(report.attribution(found))
    typer.echo(f"written to {path}", err=True)
