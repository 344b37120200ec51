"""What `tidemark train abuse` does: checks what was asked, fits, writes."""

from collections.abc import Callable
from pathlib import Path

from deploy.train.desk import CARDS, place, writing
from udfs.abuse.model import FOLDER

NEEDED = ("jax", "onnx", "optax", "sklearn")


def train(
    name: str,
    seed: int,
    orders: int | None,
    labels: Path | None,
    out: Path | None,
    card: Path | None,
    echo: Callable[[str], None],
    trees: int | None = None,
) -> tuple[str, Path]:
    """Fit a model and write it and its card; its hash, and where the card is.

    Raises:
        UserError: A package is missing, the name is none, or labels cannot be used.
    """
    folder = place(name, out or FOLDER, NEEDED, "abuse-2")
    from deploy.train.abuse import fit, run
    from deploy.train.abuse.card import card as text
    from deploy.train.abuse.labels import labelled

    said = None if labels is None else labelled(labels)
    order = run.Order(seed=seed, orders=orders, trees=trees or fit.TREES, said=said)
    written = card or CARDS / f"{name}.md"
    with writing():
        trained = run.train(order, folder, name, echo)
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(text(name, order, trained), encoding="utf-8")
    return trained.digest, written
