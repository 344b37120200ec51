"""What `tidemark train abuse` does: checks what was asked, fits, writes."""

import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from deploy.errors import UserError
from udfs.abuse.model import FOLDER
from udfs.model_files import CARD

NEEDED = ("jax", "onnx", "optax", "sklearn")
CARDS = Path(__file__).parents[3] / "docs" / "models"


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
    if missing := [package for package in NEEDED if find_spec(package) is None]:
        raise UserError(f"{missing[0]} is not installed: pip install 'tidemark[train]'")
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", name):
        raise UserError(f"--name {name}: give small letters, digits and hyphens, as in abuse-2")
    folder = (out or FOLDER) / name
    if (folder / CARD).exists():
        raise UserError(f"model {name} is there already, in {folder}; choose another --name")
    from deploy.train.abuse import fit, run
    from deploy.train.abuse.card import card as text
    from deploy.train.abuse.labels import labelled

    said = None if labels is None else labelled(labels)
    order = run.Order(seed=seed, orders=orders, trees=trees or fit.TREES, said=said)
    written = card or CARDS / f"{name}.md"
    try:
        trained = run.train(order, folder, name, echo)
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(text(name, order, trained), encoding="utf-8")
    except OSError as error:
        problem = error.strerror or str(error)
        raise UserError(f"{error.filename} cannot be written: {problem}; choose another") from None
    return trained.digest, written
