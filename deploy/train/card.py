"""The card of a model: what it was fitted on, what was tried, how well it does."""

from collections.abc import Mapping
from importlib.metadata import version

from deploy.evaluate.judged import wilson
from deploy.train.aml import GRAPH_MODELS, RATES, Order, Trained
from deploy.train.measure import BUDGET, Judged, average_precision, figure, found, recall
from deploy.train.weighed import at_bands
from udfs.aml.features import FEATURES

SHIPPED = {
    "boosted": "shipped: what the bands go by",
    "forest": "shipped: needs no labels; beside the score, or instead of it (`by`)",
}
_USED = ("scikit-learn", "skl2onnx", "onnx", "onnxruntime", "jax", "numpy")


def card(name: str, order: Order, trained: Trained) -> str:
    """The card as Markdown."""
    test = trained.test
    return "\n".join(
        [
            f"# Model {name}",
            "",
            "Written by `tidemark train aml`; what it means stands in [models](../models.md).",
            "",
            f"Hash (SHA-256 of card.json): `{trained.digest}`",
            "",
            *_data(order, trained),
            "",
            "## What was tried",
            "",
            f"Customers of the test worlds: {len(test.member):,}, {int(test.member.sum()):,} of "
            f"them members of schemes. Recall is the share of members among the {BUDGET:.0%} of "
            "customers with the greatest scores. Ranges: 95 %, bootstrap over customers.",
            "",
            *_candidates(order, trained),
            "",
            "## What the bands mean",
            "",
            *_bands(test),
            "",
            "## By kind of scheme",
            "",
            "`never shown`: found by trees fitted without any member of that kind, at the same "
            "budget. It is the better guess of what happens with a scheme nobody has labelled.",
            "",
            *_kinds(test, trained.unseen),
            "",
            "## Features",
            "",
            ", ".join(f"`{feature}`" for feature in FEATURES) + ".",
            "",
        ]
    )


def _data(order: Order, trained: Trained) -> list[str]:
    seeds = order.seeds()
    rows = [
        f"| {part} | {', '.join(map(str, seeds[part]))} | {RATES[part]:.0%} | "
        f"{trained.samples[part][0]:,} | {trained.samples[part][1]:,} |"
        for part in RATES
    ]
    beside = "" if order.more is None else " Labels of analysts are among those of training."
    return [
        "## Data",
        "",
        f"Generated worlds (`AmlWorld`) of {order.people:,} persons and {order.days} days, seed "
        f"{order.seed}. A sample is a customer and a day with postings; worlds of other seeds have "
        f"other customers, so no customer is in two parts.{beside}",
        "",
        "| part | seeds of worlds | accounts of launderers | samples | positive |",
        "|---|---|---|---|---|",
        *rows,
        "",
        "Fitted with " + ", ".join(f"{package} {version(package)}" for package in _USED) + ".",
    ]


def _candidates(order: Order, trained: Trained) -> list[str]:
    rows = [
        "| model | average precision | recall | AP less that of boosted (validation) | |",
        "|---|---|---|---|---|",
    ]
    for name in trained.test.scores:
        own = figure(trained.test, average_precision, name, order.seed)
        hit = figure(trained.test, recall, name, order.seed)
        less, verdict = "", SHIPPED.get(name, "")
        if name != "boosted":
            beside = figure(trained.validation, average_precision, name, order.seed, "boosted")
            less = str(beside)
            if not verdict:
                verdict = _verdict(name, beside.low > 0)
        rows.append(f"| {name} | {own} | {hit} | {less} | {verdict} |")
    return rows


def _verdict(name: str, better: bool) -> str:
    if not better:
        return "not kept: no better on the same split"
    if name in GRAPH_MODELS:
        return "better on the same split; not shipped: needs postings of other partitions"
    return "better on the same split"


def _bands(test: Judged) -> list[str]:
    rows = [
        "Customers whose greatest score of the boosted trees reaches the limit. The "
        "last column is the precision if one customer in a thousand were a member, all else equal.",
        "",
        "| score from | customers | members among them | precision, 95 % | at 1 in 1,000 |",
        "|---|---|---|---|---|",
    ]
    for limit, reached, members, prior in at_bands(test):
        low, high = wilson(members, reached)
        share = members / max(1, reached)
        rows.append(
            f"| {limit / 1e6:.2f} | {reached:,} | {members:,} | {share:.3f} ({low:.3f} to "
            f"{high:.3f}) | {prior:.3f} |"
        )
    return rows


def _kinds(test: Judged, unseen: Mapping[str, tuple[int, int]]) -> list[str]:
    rows = ["| kind | members | found | never shown |", "|---|---|---|---|"]
    for kind, members, hit in found(test, "boosted").iter_rows():
        blind = unseen.get(kind)
        rows.append(f"| {kind} | {members} | {hit} | {'' if blind is None else blind[1]} |")
    return rows
