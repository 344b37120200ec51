"""`tidemark review`: the alerts a model is least sure of, put to a person, and learned from."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.options import Archive, Brokers, Json, Prefix

if TYPE_CHECKING:
    from deploy.alerts.worklist import Item

PANEL = "Compliance"
_LIST = """Examples:

tidemark review list --most 5

tidemark review list --file archive --json
"""
_ASK = "Example: tidemark review ask --user ada --most 5"
_TRAIN = "Example: tidemark review train --name desk-1 --labels labelled --out models"
ANSWERS: Mapping[str, str] = {"t": "true-positive", "f": "false-positive", "u": "unsure"}
_COLUMNS = ("id", "rule", "subject", "band", "score", "time", "reason")

Most = Annotated[int, typer.Option(min=1, help="At most so many alerts.")]
Domain = Annotated[str, typer.Option(help="Field of work, as MARKET_ABUSE.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    review = typer.Typer(
        help="Label the alerts a model is least sure of; train with the labels.",
        no_args_is_help=True,
    )
    review.command("list", epilog=_LIST)(list_)
    review.command("ask", epilog=_ASK)(ask)
    review.command("train", epilog=_TRAIN)(train)
    app.add_typer(review, name="review", rich_help_panel=PANEL)


def list_(
    most: Most = 10,
    domain: Domain = "MARKET_ABUSE",
    archive: Archive = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Alerts without a label, those with a score nearest to one half first."""
    from deploy import terminal
    from deploy.alerts import told
    from deploy.alerts.uncertain import uncertain

    found = told.read(archive, brokers, prefix)
    rows = [told.line(item) for item in uncertain(found.items, most, domain)]
    if as_json:
        terminal.show_json([{name: row[name] for name in _COLUMNS} for row in rows])
    else:
        terminal.show_table(_COLUMNS, [[row[name] for name in _COLUMNS] for row in rows])
    told.end(found)


def ask(
    user: Annotated[str, typer.Option(help="Who labels, by user id.")],
    most: Most = 10,
    domain: Domain = "MARKET_ABUSE",
    now: Annotated[
        str | None, typer.Option(help="Business time of it; that of the stream if left out.")
    ] = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
) -> None:
    """Show one alert after the other: t, f, u label it; s skips, q ends. Labels are stored then."""
    from deploy.alerts import told
    from deploy.alerts.uncertain import uncertain

    with told.actions(now, brokers, prefix) as actions:  # without a time nobody is asked
        chosen = uncertain(actions.list.items, most, domain)
    said: dict[str, list[str]] = {}
    for place, item in enumerate(chosen, 1):
        answer = _asked(item, place, len(chosen))
        if answer == "q":
            break
        if answer in ANSWERS:
            said.setdefault(ANSWERS[answer], []).append(item.id)
    for label, alerts in said.items():
        with told.actions(now, brokers, prefix) as actions:  # numbers follow those just written
            actions.act("LABEL", alerts, user, label, "reviewed by uncertainty")
    typer.echo(f"{sum(map(len, said.values()))} of {len(chosen)} labelled")


def train(
    name: Annotated[str, typer.Option(help="Of the new model; as in desk-1.")],
    labels: Annotated[
        Path, typer.Option(help="Folder with order.events, alerts, alert.actions: *.parquet.")
    ],
    seed: Annotated[int, typer.Option(min=0, help="Of markets and models.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Folder of models; those that ship if left out.")
    ] = None,
    card: Annotated[
        Path | None, typer.Option(help="The card's file; docs/models/NAME.md if left out.")
    ] = None,
) -> None:
    """Fit the models of market abuse again, with what people said of alerts."""
    from deploy.train.abuse import desk

    echo: Callable[[str], None] = lambda line: typer.echo(line, err=True)  # noqa: E731
    digest, written = desk.train(name, seed, None, labels, out, card, echo)
    typer.echo(f"model {name} {digest}, card {written}")


def _asked(item: "Item", place: int, of: int) -> str:
    """What the user says of one alert."""
    from deploy.alerts import told

    row = told.line(item)
    typer.echo(f"\n{place} of {of}: {row['id']}")
    for column in ("rule", "subject", "band", "score", "time", "reason"):
        typer.echo(f"  {column:8} {row[column]}")
    for column in ("instrument", "venue", "measured", "limit", "events"):
        typer.echo(f"  {column:8} {str(item.latest[column])[:200]}")
    while True:
        answer: str = typer.prompt("true, false, unsure, skip, quit [t/f/u/s/q]").strip().lower()
        if answer[:1] in (*ANSWERS, "s", "q"):
            return answer[:1]
