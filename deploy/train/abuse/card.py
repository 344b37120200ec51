"""The card of a model: what it was fitted on, what was tried, how well it does."""

from importlib.metadata import version

from deploy.train.abuse.markets import FIRST
from deploy.train.abuse.run import HEADS, Order, Trained
from udfs.abuse.features import FEATURES

_USED = ("scikit-learn", "onnx", "onnxruntime", "jax", "numpy")
_SHIPPED = {
    "boosted trees": "shipped: decides",
    "isolation forest": "shipped: beside, never decides alone",
}


def card(name: str, order: Order, trained: Trained) -> str:
    """The card as Markdown."""
    return "\n".join([
        f"# Model {name}",
        "",
        "Written by `tidemark train abuse`; what it means stands in "
        "[models of market abuse](../abuse-models.md).",
        "",
        f"Hash (SHA-256 of card.json): `{trained.digest}`",
        "",
        *_data(order, trained),
        "",
        "## Heads",
        "",
        "Orders of the validation markets. Limit: probability from which an order is an alert. "
        "Calibration error: mean gap of probability and outcome over ten bins, before and after.",
        "",
        *_heads(trained),
        "",
        "## What was tried",
        "",
        "Any abuse against none, orders of validation. Ranges: 95 %, bootstrap over owners.",
        "",
        *_candidates(trained),
        "",
        "## Features",
        "",
        ", ".join(f"`{feature}`" for feature in FEATURES) + ".",
        "",
    ])  # fmt: skip


def _data(order: Order, trained: Trained) -> list[str]:
    rows = []
    for part, (count, abusive) in trained.counts.items():
        markets = ", ".join(f"{one.mix} {one.seed}" for one in order.markets(part))
        rows.append(f"| {part} | {FIRST[part]} | {markets} | {count:,} | {abusive:,} |")
    beside = "" if order.said is None else (
        f" {len(order.said.heads)} orders behind alerts that people labelled are among those of "
        "training."
    )  # fmt: skip
    return [
        "## Data",
        "",
        f"Simulated markets (`deploy.exchange`), seed {order.seed}. A sample is an order at its "
        "end. Markets of other seeds have other traders, and the parts lie in other weeks: no "
        f"trader and no day is in two parts.{beside}",
        "",
        "| part | first day | markets (mix, seed) | orders | abusive |",
        "|---|---|---|---|---|",
        *rows,
        "",
        f"{order.trees} trees a head. Fitted with "
        + ", ".join(f"{package} {version(package)}" for package in _USED) + ".",
    ]  # fmt: skip


def _heads(trained: Trained) -> list[str]:
    rows = [
        "| head | practices | orders in training | in validation | average precision | limit | "
        "recall | honest flagged, of 100,000 | calibration error |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for head, told in trained.heads.items():
        rows.append(
            f"| {head} | {', '.join(HEADS[head])} | {told['training']:,.0f} | "
            f"{told['orders']:,.0f} | {told['average_precision']:.3f} | {told['limit']:.3f} | "
            f"{told['recall']:.3f} | {1e5 * told['false']:.1f} | "
            f"{told['reliability_before']:.4f}, {told['reliability']:.4f} |"
        )
    return rows


def _candidates(trained: Trained) -> list[str]:
    better = trained.against.low > 0
    verdicts = _SHIPPED | {
        "autoencoder": "shipped: beside, never decides alone",
        "LSTM autoencoder": f"average precision less that of the plain one: {trained.against}; "
        + ("better, but it needs an owner's last orders; not shipped" if better else "not kept"),
    }
    rows = ["| model | average precision | area under the curve | |", "|---|---|---|---|"]
    for name, figure in trained.candidates.items():
        rows.append(f"| {name} | {figure} | {trained.area[name]:.3f} | {verdicts[name]} |")
    return rows
