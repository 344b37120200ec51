"""What `tidemark train` does: checks what was asked, fits, writes."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from deploy.errors import UserError
from udfs.aml.model import FOLDER
from udfs.model_files import CARD

NEEDED = ("jax", "onnx", "optax", "skl2onnx", "sklearn")
CARDS = Path(__file__).parents[2] / "docs" / "models"


def train(
    name: str,
    seed: int,
    people: int,
    days: int,
    labels: Path | None,
    out: Path | None,
    card: Path | None,
    echo: Callable[[str], None],
) -> tuple[str, Path]:
    """Fit a model and write it and its card; its hash, and where the card is.

    Raises:
        UserError: A package is missing, the name is none, or labels cannot be used.
    """
    folder = place(name, out or FOLDER, NEEDED, "aml-2")
    from deploy.train.aml import Order
    from deploy.train.aml import train as fit
    from deploy.train.card import card as text
    from deploy.train.labels import labelled

    more = None if labels is None else labelled(labels)
    order = Order(seed=seed, people=people, days=days, more=more)
    written = card or CARDS / f"{name}.md"
    with writing():
        trained = fit(order, folder, name, echo)
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(text(name, order, trained), encoding="utf-8")
    return trained.digest, written


def place(name: str, models: Path, needed: Sequence[str], example: str) -> Path:
    """The folder of a model that is to be fitted.

    Args:
        name: Of the model.
        models: Folder of all models.
        needed: Packages that fitting imports.
        example: A name as it should be.

    Raises:
        UserError: A package is missing, the name is none, or the model is there.
    """
    if missing := [package for package in needed if find_spec(package) is None]:
        raise UserError(f"{missing[0]} is not installed: pip install 'tidemark[train]'")
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", name):
        raise UserError(f"--name {name}: give small letters, digits and hyphens, as in {example}")
    folder = models / name
    if (folder / CARD).exists():
        raise UserError(f"model {name} is there already, in {folder}; choose another --name")
    return folder


@contextmanager
def writing() -> Iterator[None]:
    """While a model and its card are written: what fails is told in one line.

    Raises:
        UserError: A file cannot be written.
    """
    try:
        yield
    except OSError as error:
        problem = error.strerror or str(error)
        raise UserError(f"{error.filename} cannot be written: {problem}; choose another") from None
