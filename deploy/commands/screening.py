"""`tidemark screening`: publish lists, see which are in force; `tidemark evaluate screening`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from deploy.commands.evaluate import group
from deploy.options import Brokers, Json

PANEL = "Data"
_PUBLISH = """Examples:

tidemark screening publish deploy/screening/synthetic.csv --name synthetic --author ann

tidemark screening publish good-guys.csv --name good-guys --kind exceptions --author ann

tidemark screening publish list.csv --name eu --author ann --out day/lists.parquet --time 2026-03-02
"""

Prefix = Annotated[str, typer.Option(help="Put before the topic's name.")]
Threshold = Annotated[
    int | None, typer.Option(min=1, max=1_000_000, help="Least score, parts per million.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    screening = typer.Typer(help="Lists that names are screened against.", no_args_is_help=True)
    screening.command("publish", epilog=_PUBLISH)(publish)
    screening.command("status", epilog="Example: tidemark screening status")(status)
    screening.command("try", epilog="Example: tidemark screening try 'Iwan Petrow'")(try_)
    app.add_typer(screening, name="screening", rich_help_panel=PANEL)
    group(app, "evaluate").command("screening", epilog="Example: tidemark evaluate screening")(
        evaluate
    )


def publish(
    file: Annotated[Path, typer.Argument(help="The list, CSV with a heading.")],
    name: Annotated[str, typer.Option(help="Name of the list, as in eu-consolidated.")],
    author: Annotated[str, typer.Option(help="Who publishes it, by user id.")],
    epoch: Annotated[
        int | None, typer.Option(min=1, help="Version; one more than the last if left out.")
    ] = None,
    kind: Annotated[
        Literal["listed", "exceptions"],
        typer.Option(help="Parties to look for, or pairs of names known to be no hit."),
    ] = "listed",
    time: Annotated[
        str | None, typer.Option(help="When, UTC, as in 2026-03-02T08:00; now if left out.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Add it to this recorded log (.parquet), not to Kafka.")
    ] = None,
    partitions: Annotated[int | None, typer.Option(help="Partitions of the topic.")] = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Publish a version of a list to every partition; it is in force when its last part is read.

    A row that is wrong refuses the whole list, and the version in force stays.
    """
    from deploy import terminal
    from deploy.screening import desk

    told = desk.publish(file, name, kind, epoch, author, time, out, partitions, brokers, prefix)
    if as_json:
        terminal.show_json(told)
        return
    typer.echo(
        f"list {told['name']} epoch {told['epoch']}: {told['rows']:,} rows in {told['parts']} "
        f"parts to {told['partitions']} partitions, SHA-256 {told['hash']}"
    )


def status(brokers: Brokers = None, prefix: Prefix = "", as_json: Json = False) -> None:
    """The version of each list in force in each partition, and whether all customers were screened.

    Exit code 1 if partitions differ, or fewer customers were screened than are known.
    """
    from deploy import terminal
    from deploy.screening import desk

    rows, wrong = desk.status(brokers, prefix)
    if as_json:
        terminal.show_json({"runs": rows, "wrong": wrong})
    else:
        columns = (
            "list",
            "epoch",
            "partition",
            "hash",
            "known",
            "screened",
            "unreadable",
            "raised",
        )
        terminal.show_table(columns, [[str(row[column]) for column in columns] for row in rows])
        for line in wrong:
            typer.echo(line, err=True)
    if wrong:
        raise typer.Exit(1)


def try_(
    name: Annotated[str, typer.Argument(help="The name to screen.")],
    file: Annotated[
        Path | None, typer.Option("--list", help="The list, CSV; the synthetic one if left out.")
    ] = None,
    threshold: Threshold = None,
    as_json: Json = False,
) -> None:
    """Screen one name against a list file, and show the parts of each score."""
    from deploy import terminal
    from deploy.screening import desk

    rows = desk.try_name(name, file, threshold)
    if as_json:
        terminal.show_json(rows)
        return
    terminal.show_table(
        ("score", "id", "name", "category", "both", "shorter", "pairs"),
        [list(row.values()) for row in rows],
    )


def evaluate(
    threshold: Threshold = None,
    entries: Annotated[int, typer.Option(min=1_000, help="Entries of the longer list.")] = 20_000,
    show: Annotated[bool, typer.Option("--wrong", help="Print the pairs judged wrong.")] = False,
    as_json: Json = False,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON, too.")] = None,
) -> None:
    """Precision, recall and F1 of screening on labelled pairs, by kind of variation."""
    from deploy import terminal
    from deploy.bench.harness import Report
    from deploy.screening import evaluate as measure
    from deploy.screening.made import SEED

    if show:
        columns = ("variation", "name", "listed", "what")
        terminal.show_table(columns, measure.wrong(threshold))
        return
    report = Report("screening", SEED, measure.run(threshold, entries))
    if out is not None:
        typer.echo(f"written to {report.write(out)}", err=True)
    if as_json:
        terminal.show_json(report.document())
        return
    terminal.show_table(("what", "value", "unit", "bar", "met"), report.rows())
