"""The operations report as a page: HTML with the plots inside, and a CSV file a table."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from deploy.reports import form, plots
from deploy.reports.operations import Operations

SHOWN = 50
"""Lines of a table on the page; the CSV file has all of them."""

SECTIONS: tuple[tuple[str, str, str, str], ...] = (
    ("chains", "Chain verdict", "Each link of each chain, from the log's first event on.", ""),
    ("inputs", "Input", "Records read, by hour of log time, job and topic; ticks left out.", ""),
    ("batches", "Used, repeated, late, refused", "By job. Late ones are among those used.", ""),
    ("dead", "Dead letters", "By job, topic and code of the reason.", "No record was refused."),
    ("results", "Results", "Events of the log by hour, topic and kind.", ""),
    ("netting", "Netting", "What netting saved, by asset.", "No netting cycle ended."),
    ("cycles", "Netting cycles", "One line a cycle of a netting set.", "No netting cycle ended."),
    ("alerts", "Alerts by rule", "All fields of work.", "No rule was met."),
    (
        "fails",
        "Settlement fails",
        "Alerts of settlement.",
        "There are none in the log. Status advices of settlement are not in it either.",
    ),
    (
        "risk",
        "VaR and exceptions",
        "Alerts of risk.",
        "There are none in the log. VaR figures are not in it either.",
    ),
    ("changes", "Changes of controls", "Rule sets, models, limits, lists.", "Nobody changed any."),
    ("submissions", "Reports submitted", "Steps of reports by state.", "No report took a step."),
)
"""Table, heading, what it says, what an empty one says."""


def write(folder: Path, found: Operations, title: str) -> Path:
    """Write `report.html` and the CSV files into `folder`; the page."""
    tables = dict(found.tables)
    for name, domain in (("fails", "SETTLEMENT"), ("risk", "RISK")):
        tables[name] = tables["alerts"].filter(pl.col("domain") == domain)
    for name, frame in tables.items():
        form.write_csv(folder / f"{name}.csv", frame)
    path = folder / "report.html"
    path.write_text(_page(tables, found.totals, title), encoding="utf-8")
    return path


def _page(tables: Mapping[str, pl.DataFrame], totals: Mapping[str, int], title: str) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("deploy.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    sections = [_section(tables, *section) for section in SECTIONS]
    page = environment.get_template("operations.html.j2")
    return page.render(title=title, totals=totals, sections=sections)


def _section(
    tables: Mapping[str, pl.DataFrame], name: str, heading: str, says: str, empty: str
) -> dict[str, Any]:
    frame = tables[name]
    return {
        "name": name,
        "heading": heading,
        "says": says,
        "empty": empty or "There is nothing to show.",
        "columns": frame.columns,
        "rows": frame.head(SHOWN).rows(),
        "numbers": [dtype.is_numeric() for dtype in frame.dtypes],
        "hidden": max(0, frame.height - SHOWN),
        "plot": _plot(name, frame),
    }


def _plot(name: str, frame: pl.DataFrame) -> str:
    match name:
        case "inputs":
            return plots.hours(frame, "records", "records read, by topic")
        case "results":
            return plots.hours(frame, "events", "events, by topic")
        case "dead":
            counts = frame.group_by("reason").agg(pl.sum("records")).sort("reason")
            return plots.bars(counts["reason"].to_list(), counts["records"].to_list(), "refused")
        case "cycles":
            return plots.efficiency(frame, "efficiency of netting, median of the cycles")
        case "alerts":
            counts = frame.group_by("rule").agg(pl.sum("alerts")).sort("rule")
            return plots.bars(counts["rule"].to_list(), counts["alerts"].to_list(), "alerts")
    return ""
