"""How risk is shown: where each book stands, by tables for people."""

from collections.abc import Iterable
from typing import Any

import polars as pl
import typer

from deploy import terminal
from deploy.proofs.sources import Source
from deploy.reports.form import at, exact
from deploy.risk import stand
from udfs.risk.marks import Quality

MOST = 20
"""Corrections and positions that are shown; JSON has all of them."""
_PNL = ("total", "day", "realised", "unrealised", "fees", "corrections")
_VAR = ("var", "es_inclusive", "es_fractional", "var_975", "es_975", "gross", "net")


def gathered(
    source: Source, partitions: Iterable[int], as_of: int, book: str | None
) -> dict[str, Any]:
    """What was last said of all books and the firm, or of one book, by a business time."""
    partitions = list(partitions)

    def last(topic: str, *keys: str, only: pl.Expr | None = None) -> list[dict[str, Any]]:
        return stand.latest(source, topic, partitions, keys, as_of, only).to_dicts()

    own = None if book is None else pl.col("book") == book
    named = None if book is None else pl.col("name") == book
    now = pl.col("kind") == "SLICE"
    found: dict[str, Any] = {
        "pnl": last("pnl", "name", only=now if named is None else now & named),
        "positions": last("positions", "book", "isin", only=own),
        "var": last("var", "name", only=named),
        "limits": last("limits.used", "limit_id", only=named),
        "margin_calls": last("margin.calls", "book", only=own),
    }
    corrected = stand.corrections(source, partitions, as_of)
    found["corrections"] = (corrected if own is None else corrected.filter(own)).to_dicts()
    if book is None:
        found["firm"] = {
            "pnl": last("firm.pnl", "name", only=now),
            "var": last("firm.var", "name"),
            "limits": last("firm.limits", "limit_id"),
        }
    return found


def show(found: dict[str, Any], one_book: bool) -> None:
    """Print where things stand; amounts with the decimals of the reporting currency."""
    firm = found.get("firm", {"pnl": [], "var": [], "limits": []})
    pnl = [*firm["pnl"], *found["pnl"]]
    terminal.show_table(
        ("P&L of", "at", *_PNL, "open", "stale", "unvalued"),
        [
            (
                *(row["name"], at(row["time"])[:19], *(_money(row[key]) for key in _PNL)),
                *(row["positions"], row["stale"], row["unvalued"]),
            )
            for row in pnl
        ],
    )
    terminal.show_table(
        ("risk of", "at", *_VAR, "set", "complete"),
        [
            (
                *(row["name"], at(row["time"])[:19], *(_money(row[key]) for key in _VAR)),
                *(row["scenario_set"], "yes" if row["complete"] else row["incomplete"]),
            )
            for row in [*firm["var"], *found["var"]]
        ],
    )
    _limits([*firm["limits"], *found["limits"]])
    _margin(found["margin_calls"])
    if one_book:
        _positions(found["positions"])
    _corrections(found["corrections"])


def explained(found: dict[str, Any]) -> None:
    """Print what makes a book's risk and its P&L."""
    measures = found["measures"]
    terminal.show_table(tuple(measures), [[_money(value) for value in measures.values()]])
    if not found["complete"]:
        typer.echo(f"not complete: {found['incomplete']}")
    terminal.show_table(
        ("component", "exposure", "of ES", "of VaR"),
        [
            (row["row"], f"{row['exposure']:,}", _money(row["es"]), _money(row["var"]))
            for row in found["components"][:MOST]
        ],
    )
    terminal.show_table(
        ("worst", "scenario", "P&L", "most by"),
        [
            (
                *(row["rank"], row["scenario"], _money(row["pnl"])),
                ", ".join(f"{one['row']} {_money(one['pnl'])}" for one in row["worst"]),
            )
            for row in found["scenarios"]
        ],
    )
    terminal.show_table(
        (f"P&L since {found['since'][:19]}", "total", "price", "fx", "trades"),
        [
            (row["isin"], *(_money(row[key]) for key in ("total", "price", "fx", "trades")))
            for row in found["pnl"][:MOST]
        ],
    )


def what_if(found: dict[str, Any]) -> None:
    """Print a book's risk and limits before and after a trade."""
    rows = [
        (key, *(_money(found[when][key]) for when in ("before", "after", "incremental")))
        for key in found["after"]
    ]
    terminal.show_table((found["book"], "before", "after", "incremental"), rows)
    for reason in found["incomplete"]:
        typer.echo(f"not complete: {reason}")
    terminal.show_table(
        ("limit", "measure", "hard", "before", "status", "after", "status after"),
        [
            (
                *(row["limit_id"], row["measure"], _money(row["hard"]), _money(row["before"])),
                *(row["status"], _money(row["after"]), row["status_after"]),
            )
            for row in found["limits"]
        ],
    )


def _limits(rows: list[dict[str, Any]]) -> None:
    terminal.show_table(
        ("limit", "of", "measure", "value", "soft", "hard", "use", "status"),
        [
            (
                *(row["limit_id"], row["name"], row["measure"], _money(row["value"])),
                *(_money(row["soft"]), _money(row["hard"])),
                *(f"{row['use_ppm'] / 10_000:.1f} %", row["status"]),
            )
            for row in rows
        ],
    )


def _margin(rows: list[dict[str, Any]]) -> None:
    names = ("initial", "variation", "collateral", "required", "call", "returned", "uncalled")
    terminal.show_table(
        ("margin of", "at", *names),
        [(r["book"], at(r["time"])[:19], *(_money(r[key]) for key in names)) for r in rows],
    )


def _positions(rows: list[dict[str, Any]]) -> None:
    held = sorted((r for r in rows if r["quantity"]), key=lambda r: -abs(r["value"]))
    terminal.show_table(
        ("position", "currency", "quantity", "price", "value", "P&L", "mark"),
        [
            (
                *(r["isin"], r["currency"], f"{r['quantity']:,}"),
                *(exact(r["price"], r["price_scale"]), _money(r["value"]), _money(r["pnl"])),
                Quality(r["quality"]).name,
            )
            for r in held[:MOST]
        ],
    )
    if len(held) > MOST:
        typer.echo(f"{len(held) - MOST} more positions; --json shows all of them")


def _corrections(rows: list[dict[str, Any]]) -> None:
    if not rows:
        typer.echo("no corrections")
        return
    terminal.show_table(
        ("corrected point", "book", "instrument", "cause", "before", "after", "difference"),
        [
            (
                *(at(row["time"])[:19], row["book"], row["isin"], row["cause"]),
                *(_money(row[key]) for key in ("before", "after", "difference")),
            )
            for row in rows[-MOST:]
        ],
    )
    total = sum(row["difference"] for row in rows)
    typer.echo(f"{len(rows)} corrections, {_money(total)} in all")


def _money(value: int | None) -> str:
    return "-" if value is None else exact(value, 2)
