"""`tidemark backtest`: a job over files, without Flink and Kafka."""

from pathlib import Path
from typing import Annotated

import typer

PANEL = "Proof"
_EXAMPLES = """Examples:

tidemark backtest netting --input obligations=day/obligations.parquet --out results

tidemark backtest graph -i payments=p.csv -i obligations=o.avro --out edges -o edge-s=60 --json
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=PANEL, epilog=_EXAMPLES)(backtest)


def backtest(
    job: Annotated[str, typer.Argument(help="A job of jobs/catalogue.py, such as netting.")],
    files: Annotated[
        list[str],
        typer.Option("-i", "--input", help="TOPIC=FILE (.parquet, .csv, .avro); once a topic."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for results; files there are replaced.")],
    option: Annotated[
        list[str] | None,
        typer.Option("-o", "--option", help="key=number, as for submit: cycle-s=3600."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run the same step over files and write one Parquet file a result topic, and summary.json.

    A file is a recorded log as generate --out writes it, or has one row a record in order of time.

    Records have the columns of the topic's record; producer and sequence may be left out.

    A batch is made for each second that has records: -o slice-ms=60000 makes a long day quicker.
    """
    from deploy import terminal
    from deploy.backtest import backtest as carry_out

    summary = carry_out(job, files, out, option or [])
    if as_json:
        terminal.show_json(summary)
        return
    names = ("records", "used", "duplicates", "late", "dead")
    terminal.show_table(names, [[f"{summary[name]:,}" for name in names]])
    if summary["reasons"]:
        reasons = [(reason, f"{n:,}") for reason, n in summary["reasons"].items()]
        terminal.show_table(["dead letters", "records"], reasons)
    rows = [
        (topic, f"{n:,}", str(out / f"{topic}.parquet")) for topic, n in summary["results"].items()
    ]
    terminal.show_table(["topic", "results", "file"], rows)
