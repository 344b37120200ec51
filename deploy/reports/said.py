"""What the alerts of a case say, as fields of a draft."""

from deploy.reports import form
from deploy.reports.background import Background
from deploy.reports.cases import Alert, Case
from deploy.reports.drafts import Known, Part


def root(alert: Alert) -> str:
    """The id of an alert's first version."""
    return str(alert["corrects"] or alert["alert_id"])


def roots(case: Case) -> tuple[str, ...]:
    """The ids of the alerts, each that of its first version."""
    return tuple(map(root, case.alerts))


def identity(background: Background | None) -> tuple[tuple[str, Known], ...]:
    """Who the subject is, as far as the customer's record says it."""
    known = (background.customer if background else None) or {}
    where = f"{known.get('country', '')} {known.get('area', '')}".strip()
    return (
        ("Name", known.get("name") or None),
        ("Person or business", known.get("kind")),
        ("Country and area", where or None),
        ("Address", None),
        ("Date of birth", None),
        ("Taxpayer identification number", None),
        ("Form of identification", None),
        ("Identity check", known.get("identity")),
        ("Occupation or type of business", known.get("industry") or None),
    )


def some(case: Case, field: str) -> Known:
    """The different values of a field of the alerts."""
    return case.values(field) or None


def who(case: Case) -> str:
    """The subject's id, and what kind of id it is."""
    return f"{case.subject} ({', '.join(case.values('subject_kind'))})"


def period(case: Case) -> str:
    """From the first event behind the alerts to the last."""
    return f"{form.at(case.first_time)} to {form.at(case.last_time)}"


def amounts(case: Case) -> Known:
    """The greatest amount of one alert, by currency."""
    found = case.amounts().items()
    return [f"{form.exact(most, scale)} {code}" for (code, scale), most in found] or None


def seen(case: Case) -> list[str]:
    """The rules that were met, with version, band and score."""
    return [
        f"{alert['rule']} {alert['rule_version']}"
        f"{', band ' + alert['band'] if alert['band'] else ''}, score {alert['score'] / 1e6:.6f}"
        for alert in case.alerts
    ]


def reasons(case: Case) -> list[str]:
    """What the alerts say, with what was measured and the limit."""
    return [_reason(alert) for alert in case.alerts]


def _reason(alert: Alert) -> str:
    listed = len([one for one in str(alert["events"]).split(";") if one])
    more = alert["event_count"] - listed
    rest = f"; {more} of its {alert['event_count']} events are not listed" if more > 0 else ""
    return (
        f"{form.at(alert['time'])}: {alert['reason']} "
        f"(measured {alert['measured']}, limit {alert['limit']}{rest})"
    )


def attached(case: Case, title: str) -> Part:
    """Where an outsider finds and proves each alert."""
    alerts = [
        f"alert {alert['alert_id']} is event {alert['event']}, decided by {alert['decided_by']}, "
        f"rests on {alert['event_lineage']}"
        for alert in case.alerts
    ]
    proofs = [f"tidemark prove {alert['event']}" for alert in case.alerts]
    fields: list[tuple[str, Known]] = [("Alerts in the log", alerts), ("Proofs", proofs)]
    if case.amended:
        fields.append(("Earlier forms of these alerts", list(case.amended)))
    return Part(title, tuple(fields))
