"""`tidemark train`: fit the models that score customers."""

from pathlib import Path
from typing import Annotated

import typer

PANEL = "Data"
_EXAMPLES = """Examples:

tidemark train aml --name aml-2 --seed 2

tidemark train aml --name bank-1 --labels labelled --out models --card card.md
"""

_ABUSE = """Examples:

tidemark train abuse --name abuse-3 --seed 3

tidemark train abuse --name desk-1 --labels labelled --out models --card card.md
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    train = typer.Typer(help="Fit models; needs the extra train.", no_args_is_help=True)
    train.callback()(lambda: None)
    train.command("aml", epilog=_EXAMPLES)(aml)
    train.command("abuse", epilog=_ABUSE)(abuse)
    app.add_typer(train, name="train", rich_help_panel=PANEL)


def aml(
    name: Annotated[str, typer.Option(help="Of the model; as in aml-2.")],
    seed: Annotated[int, typer.Option(min=0, help="Of worlds and models.")] = 1,
    people: Annotated[int, typer.Option(min=300, help="Persons of each world.")] = 3_000,
    days: Annotated[int, typer.Option(min=10, help="Days of each world.")] = 30,
    labels: Annotated[
        Path | None, typer.Option(help="Folder with analysts' labels: docs/models.md.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of models; those that ship if left out.")
    ] = None,
    card: Annotated[
        Path | None, typer.Option(help="The card's file; docs/models/NAME.md if left out.")
    ] = None,
) -> None:
    """Fit isolation forest, boosted trees and peer groups; try others; write model and card.

    The same seed and packages give the same files. A new model is used when a rule set names it.
    """
    from deploy.train import desk

    digest, written = desk.train(name, seed, people, days, labels, out, card, _echo)
    typer.echo(f"model {name} {digest}, card {written}")


def abuse(
    name: Annotated[str, typer.Option(help="Of the model; as in abuse-3.")],
    seed: Annotated[int, typer.Option(min=0, help="Of markets and models.")] = 1,
    orders: Annotated[
        int | None, typer.Option(min=5_000, help="Orders of each market; 100,000 if left out.")
    ] = None,
    trees: Annotated[int | None, typer.Option(min=1, help="Of each practice.")] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Folder with what people said: docs/abuse-models.md.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of models; those that ship if left out.")
    ] = None,
    card: Annotated[
        Path | None, typer.Option(help="The card's file; docs/models/NAME.md if left out.")
    ] = None,
) -> None:
    """Fit boosted trees, isolation forest and autoencoder of market abuse; write model and card.

    The same seed and packages give the same files. With the default options it takes some minutes.
    """
    from deploy.train.abuse import desk

    digest, written = desk.train(name, seed, orders, labels, out, card, _echo, trees)
    typer.echo(f"model {name} {digest}, card {written}")


def _echo(line: str) -> None:
    typer.echo(line, err=True)
