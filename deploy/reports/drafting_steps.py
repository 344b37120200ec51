"""stor, sar, ctr of `tidemark report`: imported for --help, so nothing heavy up here."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from deploy.options import Archive, Brokers, Clock, Day, Json, Prefix, ReportFolder, Workers

if TYPE_CHECKING:
    from deploy.verification import Place

STOR = """Example:

tidemark report stor --subject 9999A000000000000012 --out reports/stor
"""
SAR = """Example:

tidemark report sar --alert structuring-77aa12 --out reports/sar
"""
CTR = """Example:

tidemark report ctr --subject C-77 --out reports/ctr
"""

Subject = Annotated[str | None, typer.Option(help="Only this subject.")]
Alert = Annotated[list[str] | None, typer.Option("--alert", help="An alert's id; repeatable.")]


def stor(
    out: ReportFolder,
    subject: Subject = None,
    alert: Alert = None,
    day: Day = None,
    clock: Clock = "log",
    file: Archive = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Drafts of suspicious transaction and order reports from alerts of market abuse.

    One draft a subject, after the template of Delegated Regulation (EU) 2016/957.
    """
    from deploy.reports import asked

    place = asked.place(file, brokers, prefix)
    _drafts("stor", out, subject, alert, day, clock, place, workers, as_json)


def sar(
    out: ReportFolder,
    subject: Subject = None,
    alert: Alert = None,
    day: Day = None,
    clock: Clock = "log",
    file: Archive = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Drafts of suspicious activity reports from alerts of money laundering.

    One draft a subject, with the parts of the FinCEN SAR.
    """
    from deploy.reports import asked

    place = asked.place(file, brokers, prefix)
    _drafts("sar", out, subject, alert, day, clock, place, workers, as_json)


def ctr(
    out: ReportFolder,
    subject: Subject = None,
    alert: Alert = None,
    day: Day = None,
    clock: Clock = "log",
    file: Archive = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Drafts of currency transaction reports: all cash of a person on a business day.

    One draft a person and day, with the parts of the FinCEN CTR; from postings, not from alerts.
    """
    from deploy.reports import asked

    place = asked.place(file, brokers, prefix)
    _drafts("ctr", out, subject, alert, day, clock, place, workers, as_json)


def _drafts(
    name: str,
    out: Path,
    subject: str | None,
    alerts: list[str] | None,
    day: str | None,
    clock: Literal["log", "business"],
    place: "Place",
    workers: int | None,
    as_json: bool,
) -> None:
    from deploy.reports import asked, drafts, form
    from deploy.reports.drafting import drafted

    _, log = asked.walked(place, day, clock, ("Alert",), workers, out)
    made, count = drafted(name, place, log.results["Alert"], subject, alerts or ())
    drafts.write(form.empty_folder(out), made)
    asked.told(out, {"drafts": len(made), "alerts": count}, as_json)
    asked.end(log)
