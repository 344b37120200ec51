"""Plots of the operations report as SVG text: equal figures give equal bytes."""

import io
import re
from collections.abc import Sequence
from typing import Any

import polars as pl

_SALT = "tidemark"
_SIZE = (9.0, 3.0)
COLOURS = ("#0b6e99", "#d9730d", "#4d6461", "#ad1a72", "#6940a5", "#dfab01", "#0f7b6c", "#e03e3e")


def hours(frame: pl.DataFrame, count: str, title: str) -> str:
    """Counts by hour, one colour a topic; columns hour, topic and `count`. Empty if none."""
    if frame.is_empty():
        return ""
    summed = frame.group_by("hour", "topic").agg(pl.sum(count)).sort("hour", "topic")
    places = {hour: place for place, hour in enumerate(sorted(set(summed["hour"])))}
    figure, plot = axes(title)
    below = [0] * len(places)
    for number, topic in enumerate(sorted(set(summed["topic"]))):
        own = summed.filter(pl.col("topic") == topic)
        heights = [0] * len(places)
        for hour, height in own.select("hour", count).rows():
            heights[places[hour]] = height
        colour = COLOURS[number % len(COLOURS)]
        plot.bar(range(len(places)), heights, bottom=below, label=_plain(topic), color=colour)
        below = [low + high for low, high in zip(below, heights, strict=True)]
    step = -(-len(places) // 24)
    plot.set_xticks(
        range(0, len(places), step), [_label(hour) for hour in list(places)[::step]], rotation=60
    )
    plot.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return svg(figure)


def bars(names: Sequence[str], values: Sequence[int], title: str) -> str:
    """One bar a name. Empty if there are none."""
    if not names:
        return ""
    figure, plot = axes(title)
    plot.barh(range(len(names)), values, color=COLOURS[0])
    plot.set_yticks(range(len(names)), [_plain(name) for name in names])
    plot.invert_yaxis()
    return svg(figure)


def efficiency(cycles: pl.DataFrame, title: str) -> str:
    """Efficiency of netting by end of cycle: median over the cycles that end then, in per cent."""
    if cycles.is_empty():
        return ""
    names = ("bilateral_efficiency_ppm", "multilateral_efficiency_ppm")
    medians = cycles.group_by("cycle_end").agg(pl.median(name) for name in names).sort("cycle_end")
    figure, plot = axes(title)
    places = range(medians.height)
    for number, name in enumerate(names):
        values = [value / 10_000 for value in medians[name]]
        label = name.partition("_")[0]
        plot.plot(places, values, marker=".", label=label, color=COLOURS[number])
    step = -(-medians.height // 24)
    ends = [_label(end) for end in medians["cycle_end"]]
    plot.set_xticks(list(places)[::step], ends[::step], rotation=60)
    plot.set_ylim(0, 100)
    plot.set_ylabel("%")
    plot.legend(fontsize=7, frameon=False)
    return svg(figure)


def _plain(text: str) -> str:
    """A text in which nothing is read as a formula."""
    return text.replace("$", r"\$")


def _label(time: str) -> str:
    """2026-03-02T10:00... as 03-02 10:00."""
    return f"{time[5:10]} {time[11:16]}"


def axes(title: str) -> tuple[Any, Any]:
    """A figure with a title, and its only plot."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, layout="constrained")
    plot = figure.subplots()
    plot.set_title(title, fontsize=9, loc="left")
    plot.tick_params(labelsize=7)
    plot.spines[["top", "right"]].set_visible(False)
    return figure, plot


def svg(figure: Any) -> str:
    """The figure as an `svg` element, without date, program name and XML heading."""
    from matplotlib import rc_context

    out = io.StringIO()
    with rc_context({"svg.hashsalt": _SALT, "svg.fonttype": "none"}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    found = re.search(r"<svg.*</svg>", text, re.DOTALL)
    return found.group() if found else text
