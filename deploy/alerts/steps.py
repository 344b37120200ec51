"""What a person does about alerts, as commands: imported for --help, so nothing heavy up here."""

from typing import Annotated

import typer

from deploy.options import Brokers, Json, Prefix

EXAMPLES = {
    "acknowledge": "Example: tidemark alerts acknowledge structuring-77aa12 --user ada",
    "assign": "Example: tidemark alerts assign structuring-77aa12 --user ada",
    "label": "Example: tidemark alerts label velocity-5f1c --user ada --label false-positive",
    "close": """Example:

tidemark alerts close structuring-77aa12 --user ada --outcome false-positive
--reason "Takings of a shop, books seen"
""",
    "approve": "Example: tidemark alerts approve structuring-77aa12 --user bob",
    "reopen": "Example: tidemark alerts reopen velocity-5f1c --user bob --reason 'Books lack May'",
    "snooze": """Example:

tidemark alerts snooze C-77 --rule velocity --until 2026-04-01T00:00:00Z
--user ada --reason "Fair in March, licence on file"
""",
    "wake": "Example: tidemark alerts wake C-77 --rule velocity --user ada",
}

Alerts = Annotated[list[str], typer.Argument(metavar="ALERT...", help="Ids of alerts.")]
User = Annotated[str, typer.Option(help="Who does it, by user id.")]
Reason = Annotated[str, typer.Option(help="Why, in words.")]
Now = Annotated[
    str | None, typer.Option(help="Business time of it; that of the stream if left out.")
]
Subject = Annotated[str, typer.Argument(help="The customer.")]
Rule = Annotated[str, typer.Option(help="Only this rule; all if left out.")]


def acknowledge(
    alerts: Alerts,
    user: User,
    now: Now = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Say that somebody has seen it."""
    from deploy.alerts import told

    with told.actions(now, brokers, prefix) as actions:
        told.done(actions.act("ACKNOWLEDGE", alerts, user), as_json)


def assign(
    alerts: Alerts,
    user: User,
    now: Now = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Take it: the user works on it from now on."""
    from deploy.alerts import told

    with told.actions(now, brokers, prefix) as actions:
        told.done(actions.act("ASSIGN", alerts, user), as_json)


def label(
    alerts: Alerts,
    user: User,
    what: Annotated[
        str,
        typer.Option(
            "--label",
            help="true-positive, false-positive, unsure; suspect-unknown, suspect-known; filed.",
        ),
    ],
    reason: Reason = "",
    now: Now = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Say what it turned out to be, for training; or whether a suspect was identified; or filed.

    Without a suspect at detection a SAR is due in 60 days, not 30; that needs a reason. `filed` is
    for a report that went out by another way; its reason is the report's id.
    """
    from deploy.alerts import told

    with told.actions(now, brokers, prefix) as actions:
        told.done(actions.act("LABEL", alerts, user, what, reason), as_json)


def close(
    alerts: Alerts,
    user: User,
    outcome: Annotated[
        str, typer.Option(help="reported, not-reported, false-positive or duplicate.")
    ],
    reason: Reason,
    now: Now = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Propose to close it; another person approves."""
    from deploy.alerts import told

    with told.actions(now, brokers, prefix) as actions:
        told.done(actions.act("CLOSE", alerts, user, outcome, reason), as_json)


def approve(
    alerts: Alerts,
    user: User,
    reason: Reason = "",
    now: Now = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Approve that it is closed; not by the one who closed it."""
    from deploy.alerts import told

    with told.actions(now, brokers, prefix) as actions:
        told.done(actions.act("APPROVE", alerts, user, "", reason), as_json)


def reopen(
    alerts: Alerts,
    user: User,
    reason: Reason,
    now: Now = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Open one again that was closed, approved or not."""
    from deploy.alerts import told

    with told.actions(now, brokers, prefix) as actions:
        told.done(actions.act("REOPEN", alerts, user, "", reason), as_json)


def snooze(
    subject: Subject,
    until: Annotated[str, typer.Option(help="Business time, as in 2026-04-01T00:00:00Z.")],
    user: User,
    reason: Reason,
    rule: Rule = "",
    now: Now = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Keep a customer from raising further alerts for a while, of one rule or of all."""
    from deploy.alerts import told
    from deploy.rules.clock import time_of

    end = time_of("--until", until)
    with told.actions(now, brokers, prefix) as actions:
        snoozed = actions.snooze(subject, rule, end, user, reason)
    told.snoozes([snoozed], as_json)


def wake(
    subject: Subject,
    user: User,
    rule: Rule = "",
    reason: Reason = "",
    now: Now = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """End a snooze: that of the rule, or without one that of all rules."""
    from deploy.alerts import told

    with told.actions(now, brokers, prefix) as actions:
        ended = actions.wake(subject, rule, user, reason)
    told.snoozes([ended], as_json)
