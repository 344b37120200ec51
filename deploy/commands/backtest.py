"""`tidemark backtest`: a job over files, or a draft of the AML rules over recorded input."""

from pathlib import Path
from typing import Annotated, Any

import typer

PANEL = "Proof"
_EXAMPLES = """Examples:

tidemark backtest netting --input obligations=day/obligations.parquet --out results

tidemark backtest graph -i payments=p.csv -i obligations=o.avro --out edges -o edge-s=60 --json

tidemark backtest aml --rules draft.yaml --rule-keys rules.pub --out lower
--from 2026-03-02T00:00:00Z --to 2026-03-09T00:00:00Z
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=PANEL, epilog=_EXAMPLES)(backtest)


def backtest(
    job: Annotated[str, typer.Argument(help="A job of jobs/catalogue.py, such as netting.")],
    out: Annotated[Path, typer.Option(help="Folder for results; files there are replaced.")],
    files: Annotated[
        list[str] | None,
        typer.Option("-i", "--input", help="TOPIC=FILE (.parquet, .csv, .avro); once a topic."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("-o", "--option", help="key=number, as for submit: cycle-s=3600."),
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(help="A draft, YAML: compare its alerts with the live rules'.")
    ] = None,
    begin: Annotated[
        str | None, typer.Option("--from", help="The draft decides from this business time on.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="Alerts before this business time count.")
    ] = None,
    rule_keys: Annotated[
        list[Path] | None,
        typer.Option("--rule-keys", help="Public keys (.pub) of live sets; else as recorded."),
    ] = None,
    archive: Annotated[
        Path | None, typer.Option("--file", help="Read an archive that export wrote, not Kafka.")
    ] = None,
    brokers: Annotated[
        str | None, typer.Option(help="Kafka, HOST:PORT; this checkout's if left out.")
    ] = None,
    prefix: Annotated[str, typer.Option(help="What the topics' names have before them.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run the same step over files and write one Parquet file a result topic, and summary.json.

    A file is a recorded log as generate --out writes it, or has one row a record in order of time.

    Records have the columns of the topic's record; producer and sequence may be left out.

    A batch is made for each second that has records: -o slice-ms=60000 makes a long day quicker.

    With --rules it folds the AML job twice, from the log's start, and writes where the alerts of
    the draft differ from those of the live rules. Input is Kafka, or an archive, or files. What
    runs is not touched.
    """
    from deploy.errors import UserError

    if rules is not None:
        if job != "aml":
            raise UserError(f"{job} has no rule sets; leave --rules out, or take aml")
        place = {"archive": archive, "brokers": brokers, "prefix": prefix}
        chosen = {"files": files or [], "options": option or [], "keys": rule_keys or []}
        _draft(rules, out, begin, end, as_json, **place, **chosen)
        return
    if begin or end or rule_keys or archive or brokers or prefix:
        raise UserError("--from, --to, --rule-keys, --file, --brokers and --prefix go with --rules")
    _job(job, files or [], out, option or [], as_json)


def _job(job: str, files: list[str], out: Path, option: list[str], as_json: bool) -> None:
    from deploy import terminal
    from deploy.backtest import backtest as carry_out

    summary = carry_out(job, files, out, option)
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


def _draft(
    rules: Path, out: Path, begin: str | None, end: str | None, as_json: bool, **given: Any
) -> None:
    from deploy import terminal
    from deploy.drafts import asked, told
    from deploy.drafts.backtest import run

    within = asked.range_of(begin, end)
    draft = asked.draft(rules)
    outcome = run(asked.read(**given), draft, within, out)
    if as_json:
        terminal.show_json(outcome.summary)
        return
    told.show(outcome.compared)
    told.rates(outcome.summary["rates"])
    typer.echo(f"written to {out}: gained, lost and changed (.parquet), summary.json")
