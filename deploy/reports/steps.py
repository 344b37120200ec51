"""submit, status, endpoint of `tidemark report`: imported for --help, so nothing heavy up here."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.options import Archive, Brokers, Json, Prefix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy.reports.states import Step

SUBMIT = """Examples:

tidemark report submit reports/rts22/transactions.csv --endpoint http://127.0.0.1:8700/reports

tidemark report submit corrected.csv --kind transactions --corrects transactions-5f1c --reason "LEI"
"""
STATUS = """Example:

tidemark report status --json
"""
ENDPOINT = """Example:

tidemark report endpoint --port 8700 --reject 0.5
"""

KINDS = ("transactions", "stor", "sar", "ctr", "emir", "controls", "operations")


def submit(
    report: Annotated[Path, typer.Argument(metavar="FILE", help="The report's file.")],
    endpoint: Annotated[str, typer.Option(help="Where it goes, http://HOST:PORT/PATH.")],
    kind: Annotated[
        str | None, typer.Option(help=f"One of {', '.join(KINDS)}; by the file's name if left out.")
    ] = None,
    corrects: Annotated[str, typer.Option(help="Id of the rejected report it corrects.")] = "",
    reason: Annotated[str, typer.Option(help="Why it was corrected.")] = "",
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Send a report and record each step in the log; rejected: exit code 1.

    Submitting the same file again goes on where it stopped. A SAR or CTR needs all its alerts
    closed as reported by one person and approved by another.
    """
    from deploy.alerts import told
    from deploy.reports import client, desk, filing
    from deploy.reports.states import ACKNOWLEDGED, REJECTED
    from deploy.reports.submission import submit as carry_out
    from deploy.settings import Settings

    content, kind = desk.content_of(report), desk.kind_of(report, kind, KINDS)
    url = desk.checked_url(endpoint)
    settings = Settings.load()
    if kind in filing.FOUR_EYES:
        filing.check(kind, content, told.read(None, brokers, prefix))
    with desk.journal(settings, brokers or settings.brokers, prefix) as journal:
        last = carry_out(
            journal,
            kind,
            content,
            url,
            lambda name, attempt, octets: client.send(url, name, attempt, octets),
            corrects,
            reason,
        )
    _steps([last], as_json)
    if kind in filing.FOUR_EYES and last.state == ACKNOWLEDGED:
        _filed(kind, content, last.report_id, brokers, prefix)
    if last.state == REJECTED:
        raise typer.Exit(1)


def status(
    report: Annotated[str | None, typer.Argument(metavar="[ID]", help="One report.")] = None,
    file: Archive = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Where each submitted report is; with an id, all its steps.

    A history that breaks the rules of submission ends with exit code 1.
    """
    from deploy.errors import UserError
    from deploy.reports import asked
    from deploy.reports.states import replayed
    from deploy.reports.submission import TOPIC, histories, steps

    with asked.opened(asked.place(file, brokers, prefix), (TOPIC,)) as (source, partitions):
        found = histories(steps(source, partitions))
    if report is not None and report not in found:
        raise UserError(f"there is no report {report}; look at: tidemark report status")
    chosen = sorted(found) if report is None else [report]
    _steps([found[name][-1] for name in chosen] if report is None else found[report], as_json)
    for name in chosen:
        if wrong := replayed(found[name]):
            raise UserError(f"report {name} has a history that cannot be: {wrong[0]}")


def endpoint(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: a free one.")] = 8_700,
    reject: Annotated[float, typer.Option(min=0, max=1, help="Share of good files refused.")] = 0.2,
    seed: Annotated[int, typer.Option(min=0, help="Of what is refused.")] = 1,
) -> None:
    """Serve a stand-in for the authority on loopback; what it refuses depends on content alone."""
    from deploy.errors import UserError
    from deploy.reports.endpoint import HOST, PATH, Rules, server

    try:
        serving = server(port, Rules(seed, reject))
    except OSError as error:
        raise UserError(f"port {port} cannot be had ({error.strerror}); take another one") from None
    typer.echo(f"serving http://{HOST}:{serving.server_address[1]}{PATH}; end with Ctrl-C")
    with serving:
        serving.serve_forever()


def _filed(kind: str, content: bytes, report: str, brokers: str | None, prefix: str) -> None:
    """Mark the alerts behind a report that went out."""
    from deploy.alerts import told
    from deploy.errors import UserError
    from deploy.reports import filing

    try:
        with told.actions(None, brokers, prefix) as actions:
            filing.mark(kind, content, actions, report)
    except UserError as error:
        raise UserError(
            f"{report} was acknowledged, but its alerts are not marked so ({error}); mark them: "
            f"tidemark alerts label ALERT... --label filed --reason {report} --user YOU"
        ) from None


def _steps(steps: "Sequence[Step]", as_json: bool) -> None:
    from deploy import terminal

    if as_json:
        terminal.show_json(steps)
        return
    terminal.show_table(
        ("report", "step", "state", "attempt", "reference", "reason"),
        [
            (one.report_id, one.number, one.state, one.attempt, one.reference, one.reason)
            for one in steps
        ],
    )
