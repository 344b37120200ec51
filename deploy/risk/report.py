"""A backtest for people: a table, and one HTML page with plots inside that needs nothing else."""

from pathlib import Path

from deploy.risk import plots
from deploy.risk.backtest import Backtest, Verdict
from udfs.risk.backtests import Test

COLUMNS = (
    *("model", "days", "exceptions", "range", "holds", "Kupiec p", "independence p", "joint p"),
    *("zone", "last 250", "multiplier"),
)
_MARKED = ("no", "red")


def rows(found: Backtest) -> list[tuple[str, ...]]:
    """One line a model, under COLUMNS."""
    return [_row(one) for one in found.verdicts.values()]


def attribution(found: Backtest) -> str:
    """What the P&L attribution test says, in a sentence."""
    pla = found.attribution
    if pla is None:
        return "P&L attribution: the model's P&L is not known."
    return (
        f"P&L attribution over {pla.days} days: Spearman {pla.spearman:.3f}, "
        f"Kolmogorov-Smirnov {pla.ks:.3f}: {pla.zone}."
    )


def write(folder: Path, found: Backtest) -> Path:
    """Write `backtest.html` into the folder; its path."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("deploy.risk", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    page = environment.get_template("backtest.html.j2").render(
        title=f"Backtest of VaR {100 - found.tail_ppm / 10_000:g} %",
        of=found.title,
        columns=COLUMNS,
        rows=rows(found),
        marked=_MARKED,
        attribution=attribution(found),
        plots=plots.every(found),
    )
    path = folder / "backtest.html"
    path.write_text(page, encoding="utf-8")
    return path


def _row(one: Verdict) -> tuple[str, ...]:
    return (
        one.name,
        str(one.found.days),
        f"{one.found.count}, {one.expected:.1f} expected",
        f"{one.low} to {one.high}",
        "yes" if one.holds else "no",
        *(_p(test) for test in (one.number, one.order.independence, one.order.joint)),
        one.light.zone,
        "-" if one.lately is None else str(one.lately),
        "-" if one.multiplier is None else f"{one.multiplier:.2f}",
    )


def _p(test: Test) -> str:
    return f"{test.p_value:.4f}{' rejected' if test.rejected else ''}"
