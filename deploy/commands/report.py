"""`tidemark report`: drafts, extracts and the daily report from the log, and their submission."""

from typing import Annotated

import typer

from deploy.options import Archive, Brokers, Clock, Day, Json, Prefix, ReportFolder, Workers
from deploy.reports import drafting_steps, steps

PANEL = "Audit"
_TRANSACTIONS = """Example:

tidemark report transactions --day 2026-03-02 --out reports/rts22
"""
_EMIR = """Example:

tidemark report emir --day 2026-03-02 --clock business --out reports/emir
"""
_CONTROLS = """Example:

tidemark report controls --file audit/2026-03-02 --out reports/controls
"""
_OPERATIONS = """Examples:

tidemark report operations --day 2026-03-02 --out reports/day

tidemark report operations --day 2026-03-02 --file audit/2026-03-02 --out reports/day
"""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    report = typer.Typer(help="Write reports from the log, and submit them.", no_args_is_help=True)
    report.command("transactions", epilog=_TRANSACTIONS)(transactions)
    report.command("stor", epilog=drafting_steps.STOR)(drafting_steps.stor)
    report.command("sar", epilog=drafting_steps.SAR)(drafting_steps.sar)
    report.command("ctr", epilog=drafting_steps.CTR)(drafting_steps.ctr)
    report.command("emir", epilog=_EMIR)(emir)
    report.command("controls", epilog=_CONTROLS)(controls)
    report.command("operations", epilog=_OPERATIONS)(operations)
    report.command("submit", epilog=steps.SUBMIT)(steps.submit)
    report.command("status", epilog=steps.STATUS)(steps.status)
    report.command("endpoint", epilog=steps.ENDPOINT)(steps.endpoint)
    app.add_typer(report, name="report", rich_help_panel=PANEL)


def transactions(
    out: ReportFolder,
    day: Day = None,
    submitter: Annotated[str, typer.Option(help="LEI of the submitting entity, field 6.")] = "",
    file: Archive = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Fills in the shape of RTS 22, field numbers and all; missing fields are listed beside.

    The day is that of the trade time. A draft: nothing is filed.
    """
    from deploy.reports import asked, form
    from deploy.reports import transactions as report
    from deploy.reports.walk import Window

    window, submitter = Window.of(form.day_of(day), "business"), report.checked(submitter)
    place = asked.place(file, brokers, prefix)
    form.empty_folder(out)
    with asked.opened(place, (report.TOPIC,)) as (source, partitions):
        found = report.fills(source, partitions, window)
    counts = report.write(out, found, submitter)
    del counts["fields"]
    asked.told(out, {**counts, "repeats": found.repeats}, as_json)


def emir(
    out: ReportFolder,
    day: Day = None,
    clock: Clock = "business",
    obligations: Annotated[bool, typer.Option(help="Obligations of the day, too.")] = True,
    file: Archive = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Nets and obligations with the EMIR fields that the log has; missing fields are listed.

    Obligations are those traded on the day.
    """
    from deploy.reports import asked, form
    from deploy.reports import emir as report

    place = asked.place(file, brokers, prefix)
    window, log = asked.walked(place, day, clock, report.KINDS, workers, out)
    tables = report.report(log)
    if obligations:
        with asked.opened(place, (report.OBLIGATIONS,)) as (source, partitions):
            tables["obligations"] = report.obligations(source, partitions, window)
    report.write(form.empty_folder(out), tables)
    asked.told(out, {name: frame.height for name, frame in tables.items()}, as_json)
    asked.end(log)


def controls(
    out: ReportFolder,
    day: Day = None,
    file: Archive = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Evidence of controls: who changed which rule or model when, and what ran.

    Each change with its place in the chain. Changes and findings are those logged on the day.
    """
    from deploy.reports import asked, form
    from deploy.reports import controls as report
    from deploy.reports.walk import Window

    window = Window.of(form.day_of(day))
    place = asked.place(file, brokers, prefix)
    _, log = asked.walked(place, None, "log", report.KINDS, workers, out)
    tables = report.report(log, window)
    report.write(form.empty_folder(out), tables)
    asked.told(out, {name: frame.height for name, frame in tables.items()}, as_json)
    asked.end(log)


def operations(
    out: ReportFolder,
    day: Annotated[str, typer.Option(help="A day UTC, as in 2026-03-02.")],
    clock: Clock = "log",
    file: Archive = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """The report of a day: a page with plots, and a CSV file a table.

    Volumes, refused records, netting, alerts, reports submitted and the verdict on the chains.
    """
    from deploy.reports import asked, form, page
    from deploy.reports import operations as report

    place = asked.place(file, brokers, prefix)
    _, log = asked.walked(place, day, clock, report.KINDS, workers, out)
    found = report.operations(log)
    page.write(form.empty_folder(out), found, f"Operations on {day} ({clock} time, UTC)")
    asked.told(out, dict(found.totals), as_json)
    asked.end(log)
