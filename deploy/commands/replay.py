"""replay: run a recorded stretch of a job again, and compare."""

from typing import Annotated

import typer

PANEL = "Proof"
_EXAMPLES = """Examples:

tidemark replay netting --compare -p 2

tidemark replay netting --from 2026-03-02T08:00:00Z --to 2026-03-02T12:00:00Z --oracle --json

tidemark replay graph --to payments/0:5000,obligations/0:9000 --compare --keep

tidemark replay netting --prefix audit1. --against "" --compare
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=PANEL, epilog=_EXAMPLES)(replay)


def replay(
    job: Annotated[str, typer.Argument(help="A job, such as netting.")],
    begin: Annotated[
        str,
        typer.Option(
            "--from", help="start, end, a time (ISO 8601, UTC) or TOPIC/PARTITION:OFFSET,..."
        ),
    ] = "start",
    end: Annotated[str, typer.Option("--to", help="The same; rounded down to batches.")] = "end",
    parallelism: Annotated[
        int | None,
        typer.Option("-p", "--parallelism", help="At most the partitions, which is the default."),
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="With what the job wrote, record by record.")
    ] = False,
    oracle: Annotated[
        bool, typer.Option("--oracle", help="Compare with the fold of the input, without Flink.")
    ] = False,
    prefix: Annotated[str, typer.Option(help="Put before the names of input topics.")] = "",
    against: Annotated[
        str | None,
        typer.Option(help="Put before the recorded run's topics; --prefix if left out."),
    ] = None,
    out_prefix: Annotated[
        str | None, typer.Option(help="For the replay's topics; else replay1. or the next free.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the replay's topics.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run a job again over its recorded input, into topics of its own; the live job is untouched.

    The job is computed from the log's start, with the options its batch indexes name.

    What lies before --from is not compared. Exit code 1 if a compared record differs.
    """
    from deploy import terminal
    from deploy.replay.audit import replay as carry_out
    from deploy.replay.bounds import parse_point
    from deploy.replay.order import Order
    from deploy.settings import Settings
    from deploy.stack import Stack

    order = Order(
        job=job,
        begin=parse_point("--from", begin),
        end=parse_point("--to", end),
        parallelism=parallelism,
        prefix=prefix,
        against=prefix if against is None else against,
        out_prefix=out_prefix,
        compare=compare or oracle,
        keep=keep,
        oracle=oracle,
    )
    report = carry_out(Stack(Settings.load()), order, _echo)
    if as_json:
        terminal.show_json(report.document())
    else:
        columns = ["topic", "shard", "records", "head recorded", "head replayed", ""]
        terminal.show_table(columns, report.rows())
        for line in report.verdict():
            typer.echo(line)
    if not report.equal:
        raise typer.Exit(1)


def _echo(line: str) -> None:
    typer.echo(line, err=True)
