"""`tidemark alerts`: the work on alerts, each step a record in the stream."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.alerts import steps
from deploy.options import Archive, Brokers, Json, Prefix

PANEL = "Compliance"
_LIST = """Examples:

tidemark alerts list --state OPEN

tidemark alerts list --subject C-77 --json
"""
_CASES = """Example:

tidemark alerts cases --now 2026-04-02
"""
_DIFF = """Examples:

tidemark alerts diff

tidemark alerts diff 4 --out shadow4 --json
"""

Rule = Annotated[str, typer.Option(help="Only this rule; all if left out.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    alerts = typer.Typer(help="Work on alerts; every step is recorded.", no_args_is_help=True)
    alerts.command("list", epilog=_LIST)(list_)
    alerts.command("show", epilog="Example: tidemark alerts show structuring-77aa12")(show)
    alerts.command("cases", epilog=_CASES)(cases)
    alerts.command("diff", epilog=_DIFF)(diff)
    alerts.command("snoozes", epilog="Example: tidemark alerts snoozes")(snoozes)
    for name, command in (
        ("acknowledge", steps.acknowledge),
        ("assign", steps.assign),
        ("label", steps.label),
        ("close", steps.close),
        ("approve", steps.approve),
        ("reopen", steps.reopen),
        ("snooze", steps.snooze),
        ("wake", steps.wake),
    ):
        alerts.command(name, epilog=steps.EXAMPLES[name])(command)
    app.add_typer(alerts, name="alerts", rich_help_panel=PANEL)


def list_(
    state: Annotated[str, typer.Option(help="Only alerts in this state, as OPEN.")] = "",
    subject: Annotated[str, typer.Option(help="Only this customer's.")] = "",
    rule: Rule = "",
    domain: Annotated[str, typer.Option(help="Only this field of work, as AML.")] = "",
    archive: Archive = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Alerts and where they stand; an amended one once, with its first version's id."""
    from deploy.alerts import told
    from deploy.alerts.states import STATES
    from deploy.errors import UserError

    if state and state.upper() not in STATES:
        raise UserError(f"--state {state} is none; give one of: {', '.join(STATES)}")
    asked = {"state": state.upper(), "subject": subject, "rule": rule, "domain": domain}
    found = told.read(archive, brokers, prefix)
    told.alerts([told.line(item) for item in found.items], asked, as_json)
    told.end(found)


def show(
    alert: Annotated[str, typer.Argument(help="Its id, that of the first or a later version.")],
    archive: Archive = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """One alert: every version with its reasons, and everything that was done about it."""
    from deploy.alerts import told

    item = told.read(archive, brokers, prefix).one(alert)
    told.whole(item, as_json)


def cases(
    now: Annotated[str, typer.Option(help="The day it is, as in 2026-04-02, UTC.")],
    archive: Archive = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Customers with alerts and by when a report may be due, soonest first; overdue ones named.

    SAR: 30 days from the first alert that nobody has settled, 60 where no suspect was identified.
    CTR: 15 days.
    """
    from datetime import date

    from deploy.alerts import told
    from deploy.alerts.cases import cases as by_customer
    from deploy.errors import UserError

    try:
        today = date.fromisoformat(now)
    except ValueError:
        raise UserError(f"--now {now[:60]!r} is not a day; write it as in 2026-04-02") from None
    found = told.read(archive, brokers, prefix)
    told.cases(by_customer(found.items), today, as_json)
    told.end(found)


def snoozes(
    archive: Archive = None, brokers: Brokers = None, prefix: Prefix = "", as_json: Json = False
) -> None:
    """Who raises no alerts of which rule, until when, and why."""
    from deploy.alerts import told

    found = told.read(archive, brokers, prefix)
    told.snoozes(list(found.snoozes.values()), as_json)
    told.end(found)


def diff(
    epoch: Annotated[
        int | None, typer.Argument(help="Epoch of a shadow; the last one if left out.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for gained, lost and changed as Parquet.")
    ] = None,
    archive: Archive = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Where the alerts of a shadow rule set differ from those of the live one, while it ran.

    Gained are those only the shadow raised, lost those only the live set did; changed ones have
    another band or score. Two alerts are the same if rule, subject and the time of the trigger are.
    """
    from deploy import terminal
    from deploy.drafts import shadow, told
    from deploy.reports import asked

    with asked.opened(asked.place(archive, brokers, prefix), shadow.TOPICS) as (source, partitions):
        found, ran = shadow.said(source, partitions, epoch)
    if out is not None:
        told.write(found, out)
    if as_json:
        rows = found.by_rule().to_dicts()
        terminal.show_json({"from": ran.begin, "to": ran.end, "rules": rows})
    else:
        told.show(found)
