"""`tidemark risk`: where risk stands and why, what a trade would add, whether the model holds."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from deploy.options import Archive, Brokers, Json, Prefix, ReportFolder

if TYPE_CHECKING:
    from deploy.risk.publishing import Done, Said

PANEL = "Risk"
_BACKTEST = """Examples:

tidemark risk backtest --out backtest

tidemark risk backtest --seed 2 --book B-001 --valuation delta-gamma --out backtest

tidemark risk backtest --model volatility-scaled --scale 0.5 --out wrong --json

tidemark risk backtest --file pnl.csv --tail-ppm 25000 --out backtest
"""
_SHOW = """Examples:

tidemark risk show

tidemark risk show --book BOOK-001 --as-of 2026-03-02T12:00:00Z --json
"""
_WHATIF = """Example:

tidemark risk whatif --book BOOK-001 --isin DE0007164600 --side BUY --quantity 1000 --price 23145
"""
_SCENARIOS = """Examples:

tidemark risk publish scenarios history.csv --name days --author ada --reason "First set"

tidemark risk publish scenarios history.parquet --name draws --method monte-carlo --seed 7
--decay-ppm 995000 --author ada --approver bob --reason "Quarterly"
"""
_LIMITS = """Examples:

tidemark risk publish limits limits.yaml --author ada --approver bob --reason "Board, 2 March"

A file: limits: [{id: firm-var, scope: FIRM, measure: VAR, soft: 100_000_000, hard: 150_000_000},
{id: b1-net, scope: BOOK, name: BOOK-001, measure: NET, revoked: true}]
"""
_MARGIN = """Examples:

tidemark risk publish margin margin.yaml --author ada --reason "Agreement of 1 March"

A file: margin: [{book: BOOK-001, collateral: 50_000_000, haircut_ppm: 20_000, rounding: 10_000}]
"""
_ACTION = """Examples:

tidemark risk publish action --isin DE0007164600 --kind split --new 2 --old 1
--effective 2026-03-03T00:00:00Z --author ada

tidemark risk publish action --isin DE0007164600 --kind dividend --amount 120 --price-scale 2
--effective 2026-03-03T00:00:00Z --author ada
"""

Author = Annotated[str, typer.Option(help="Who publishes it, by user id.")]
Approver = Annotated[str, typer.Option(help="Who approved it, by user id; not the author.")]
Reason = Annotated[str, typer.Option(help="Why, in words.")]
Effective = Annotated[
    str | None, typer.Option(help="Business time from which on it holds; the stream's if left out.")
]
AsOf = Annotated[
    str | None, typer.Option(help="Business time; what had been said by then. Now if left out.")
]


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
    risk.command("show", epilog=_SHOW)(show)
    risk.command("explain", epilog="Example: tidemark risk explain BOOK-001")(explain)
    risk.command("whatif", epilog=_WHATIF)(whatif)
    risk.command("backtest", epilog=_BACKTEST)(backtest)
    publish = typer.Typer(
        help="Put scenarios, limits, margin terms, corporate actions into every partition.",
        no_args_is_help=True,
    )
    publish.command("scenarios", epilog=_SCENARIOS)(publish_scenarios)
    publish.command("limits", epilog=_LIMITS)(publish_limits)
    publish.command("margin", epilog=_MARGIN)(publish_margin)
    publish.command("action", epilog=_ACTION)(publish_action)
    risk.add_typer(publish, name="publish")
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


def show(
    book: Annotated[str | None, typer.Option(help="One book, with its positions.")] = None,
    as_of: AsOf = None,
    archive: Archive = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Where the firm and its books stand: P&L, VaR and ES, limits, margin calls, corrections."""
    from deploy import terminal
    from deploy.reports import asked
    from deploy.risk import stand, told

    place = asked.place(archive, brokers, prefix)
    time = _as_of(as_of)
    with asked.opened(place, stand.RESULTS) as (source, partitions):
        found = told.gathered(source, partitions, time, book)
    if as_json:
        terminal.show_json(found)
    else:
        told.show(found, book is not None)


def explain(
    book: Annotated[str, typer.Argument(help="Which book.")],
    as_of: AsOf = None,
    top: Annotated[int, typer.Option(min=1, help="Scenarios that are shown.")] = 10,
    archive: Archive = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """What makes a book's VaR and ES: components, worst scenarios; and its P&L since midnight."""
    from deploy import terminal
    from deploy.reports import asked
    from deploy.risk import explained, stand, told

    place, time = asked.place(archive, brokers, prefix), _as_of(as_of)
    with asked.opened(place, ("positions", *stand.BEHIND)) as (source, partitions):
        found = explained.explain(source, partitions, book, time, top)
    if as_json:
        terminal.show_json(found)
    else:
        told.explained(found)


def whatif(
    book: Annotated[str, typer.Option(help="Which book.")],
    isin: Annotated[str, typer.Option(help="Instrument.")],
    side: Annotated[Literal["BUY", "SELL"], typer.Option(help="Of the book.")],
    quantity: Annotated[int, typer.Option(min=1, help="Pieces.")],
    price: Annotated[
        int | None, typer.Option(min=0, help="Price units; the mark's mid if left out.")
    ] = None,
    as_of: AsOf = None,
    archive: Archive = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """What a trade would add to a book's VaR and ES, and where its limits would stand then.

    Exit code 0 whatever comes out; `accepted` of --json is false if a hard limit is exceeded after.
    """
    from deploy import terminal
    from deploy.reports import asked
    from deploy.risk import explained, stand, told

    place, time = asked.place(archive, brokers, prefix), _as_of(as_of)
    signed = quantity if side == "BUY" else -quantity
    with asked.opened(place, ("positions", "pnl", *stand.BEHIND)) as (source, partitions):
        found = explained.whatif(source, partitions, book, isin, signed, price, time)
    if as_json:
        terminal.show_json(found)
    else:
        told.what_if(found)


def publish_scenarios(
    file: Annotated[Path, typer.Argument(help="History: day,name,return|price CSV, .parquet.")],
    name: Annotated[str, typer.Option(help="Name of the set.")],
    author: Author,
    reason: Reason,
    epoch: Annotated[
        int | None, typer.Option(min=1, help="Its version; one above the last if left out.")
    ] = None,
    method: Annotated[
        Literal["historical", "monte-carlo"],
        typer.Option(help="The days themselves, or draws with their covariance."),
    ] = "historical",
    seed: Annotated[int, typer.Option(min=0, help="Of the draws.")] = 0,
    decay_ppm: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="Weight of a day against the one after it.")
    ] = 1_000_000,
    book_scenarios: Annotated[
        int | None, typer.Option(min=1, help="For a book; all days, or 5,000 draws.")
    ] = None,
    firm_scenarios: Annotated[
        int | None, typer.Option(min=1, help="For the firm; all days, or 100,000 draws.")
    ] = None,
    approver: Approver = "",
    effective: Effective = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Publish the daily returns of instruments as a scenario set, the whole of it or none.

    Names with a colon, and market, are factors and left out; all others must be ISINs.
    """
    from deploy.risk import publishing, sets
    from deploy.rules import ends
    from deploy.rules.recorded import recorded

    said = _said(author, reason, approver, effective)
    topics = (publishing.SCENARIOS, publishing.CHANGES, *publishing.CLOCKS)
    sizes = {"book_scenarios": book_scenarios, "firm_scenarios": firm_scenarios}
    with ends.opened(topics, brokers, prefix) as opened:
        if epoch is None:
            known = recorded(opened.source, publishing.SCENARIOS, range(opened.partitions))
            epoch = max((one.row["epoch"] for one in known), default=0) + 1
        asked = sets.Asked(name, epoch, method.upper().replace("-", "_"), decay_ppm, seed, **sizes)
        made = sets.made(file, asked)
        done = publishing.scenarios(opened, made, said)
    told = {"set": f"{name}@{epoch}", "instruments": len(made.rows), "days": made.days}
    _published({**told, "factors_left_out": len(made.factors)}, done, as_json)


def publish_limits(
    file: Annotated[Path, typer.Argument(help="The limits, YAML; see the example.")],
    author: Author,
    reason: Reason,
    approver: Approver = "",
    effective: Effective = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Publish limits; one that has the id of an earlier one replaces it from its time on."""
    from deploy.risk import publishing, written
    from deploy.rules import ends

    found, said = written.limits(file), _said(author, reason, approver, effective)
    topics = (publishing.LIMITS, publishing.CHANGES, *publishing.CLOCKS)
    with ends.opened(topics, brokers, prefix) as opened:
        done = publishing.limits(opened, found, said)
    _published({"limits": len(found)}, done, as_json)


def publish_margin(
    file: Annotated[Path, typer.Argument(help="The margin terms, YAML; see the example.")],
    author: Author,
    reason: Reason,
    approver: Approver = "",
    effective: Effective = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Publish margin terms of books; later ones replace earlier ones."""
    from deploy.risk import publishing, written
    from deploy.rules import ends

    found, said = written.margin(file), _said(author, reason, approver, effective)
    topics = (publishing.MARGIN, publishing.CHANGES, *publishing.CLOCKS)
    with ends.opened(topics, brokers, prefix) as opened:
        done = publishing.margin(opened, found, said)
    _published({"books": len(found)}, done, as_json)


def publish_action(
    isin: Annotated[str, typer.Option(help="Instrument.")],
    kind: Annotated[Literal["split", "dividend"], typer.Option(help="What happens.")],
    effective: Annotated[str, typer.Option(help="Business time from which on it holds (ex).")],
    author: Author,
    new: Annotated[int, typer.Option(min=1, help="Split: new units for --old ones.")] = 1,
    old: Annotated[int, typer.Option(min=1, help="Split: old units.")] = 1,
    amount: Annotated[
        int, typer.Option(min=0, help="Dividend of a unit, or cash for one where a rest is left.")
    ] = 0,
    price_scale: Annotated[int, typer.Option(min=0, max=9, help="Decimals of the amount.")] = 2,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Announce a split or a dividend; its time may lie in the past, for it may be told late."""
    from deploy.errors import UserError
    from deploy.risk import publishing
    from deploy.rules import ends
    from deploy.rules.clock import time_of

    if kind == "split" and new == old:
        raise UserError("a split of as many for as many is none; give --new and --old")
    if kind == "dividend" and (amount == 0 or (new, old) != (1, 1)):
        raise UserError("a dividend has --amount, and neither --new nor --old")
    row = {"isin": isin, "kind": kind.upper(), "new": new, "old": old, "amount": amount}
    row |= {"price_scale": price_scale, "author": author}
    row["time"] = time_of("--effective", effective)
    with ends.opened((publishing.ACTIONS,), brokers, prefix) as opened:
        done = publishing.action(opened, row)
    _published({"isin": isin, "kind": row["kind"]}, done, as_json)


def _said(author: str, reason: str, approver: str, effective: str | None) -> "Said":
    from deploy.risk.publishing import Said
    from deploy.rules.clock import time_of

    time = None if effective is None else time_of("--effective", effective)
    return Said(author, reason, approver, time)


def _published(what: dict[str, Any], done: "Done", as_json: bool) -> None:
    from deploy import terminal
    from deploy.reports.form import at

    told = what | {
        "records": done.records,
        "written": done.written,
        "effective": at(done.time),
        "changes": done.changes,
    }
    if done.digest:
        told["digest"] = done.digest
    if as_json:
        terminal.show_json(told)
        return
    terminal.show_table(("what", "value"), list(told.items()))


def _as_of(text: str | None) -> int:
    from deploy.risk.stand import EVER
    from deploy.rules.clock import time_of

    return EVER if text is None else time_of("--as-of", text)
