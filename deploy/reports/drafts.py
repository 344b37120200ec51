"""Drafts of STOR and SAR from alerts: what is known, and which parts a person has to fill.

STOR: sections of the template in the Annex of Delegated Regulation (EU) 2016/957. SAR: parts of the
FinCEN Suspicious Activity Report (FinCEN Form 111). A draft decides nothing: whether there is a
suspicion, and whether it is reported, is for a person to say.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.reports import form
from deploy.reports.cases import Alert, Case

Known = str | list[str] | None
"""What is known of a field; None if a person has to fill it."""

DETECTED_TO_FILED_US = 30 * 86_400_000_000
"""31 CFR 1020.320(b)(3): a SAR is filed within 30 days of initial detection."""


@dataclass(frozen=True)
class Part:
    """A section of the form: its heading and its fields in order."""

    title: str
    fields: tuple[tuple[str, Known], ...]


@dataclass(frozen=True)
class Draft:
    """One draft: what form, whom it is about, and its parts."""

    form: str
    subject: str
    parts: tuple[Part, ...]

    @property
    def open(self) -> list[str]:
        """Parts and fields that nothing is known of, as `part: field`."""
        return [
            f"{part.title}: {name}"
            for part in self.parts
            for name, value in part.fields
            if value is None
        ]


def stor(case: Case) -> Draft:
    """The draft of a STOR on a case of market abuse."""
    seen = _seen(case)
    return Draft(
        "STOR",
        case.subject,
        (
            _open(
                "Section 1 - Identity of entity/person submitting the STOR",
                *("Name of the natural person", "Position within the reporting entity"),
                *("Name of the reporting entity", "Address of the reporting entity"),
                "Acting capacity of entity with respect to the orders or transactions",
                "Type of trading activity and type of instrument traded by the reporting entity",
                "Relationship with the person in respect of which the STOR is submitted",
                "Contact for additional request for information",
            ),
            Part(
                "Section 2 - Transaction/order",
                (
                    ("Description of the financial instrument: ISIN", _some(case, "instrument")),
                    ("Description of the financial instrument: full name", None),
                    ("Description of the financial instrument: type (CFI code)", None),
                    ("Date and time of transactions or orders", _period(case)),
                    ("Market where order or transaction occurred: MIC", _some(case, "venue")),
                    ("Location: country", None),
                    ("Description of the order or transaction: events", case.events() or None),
                    ("Description of the order or transaction: particulars", None),
                ),
            ),
            Part(
                "Section 3 - Description of the nature of the suspicion",
                (
                    ("Nature of the suspicion: rules that were met", seen),
                    ("Reasons for the suspicion", _reasons(case)),
                    ("Reasons for the suspicion: assessment of a person", None),
                ),
            ),
            Part(
                "Section 4 - Identity of person whose orders or transactions could constitute "
                "insider dealing or market manipulation",
                (
                    ("Identifier in our systems", _who(case)),
                    ("Account numbers", _some(case, "account")),
                    ("Name", None),
                    ("Date of birth", None),
                    ("National identification number", None),
                    ("Address", None),
                    ("Information about the employment", None),
                    ("Client identifier and type of relationship", None),
                    ("Relationship with the issuer of the instrument concerned", None),
                ),
            ),
            _open(
                "Section 5 - Additional information",
                "Background or any other information considered relevant",
            ),
            _attached(case, "Section 6 - Documentation attached"),
        ),
    )


def sar(case: Case) -> Draft:
    """The draft of a SAR on a case of money laundering."""
    due = form.at(case.detected + DETECTED_TO_FILED_US)[:10]
    return Draft(
        "SAR",
        case.subject,
        (
            Part(
                "Part I - Subject information",
                (
                    ("Identifier in our systems", _who(case)),
                    ("Account numbers involved", _some(case, "account")),
                    ("Name", None),
                    ("Address", None),
                    ("Date of birth", None),
                    ("Taxpayer identification number", None),
                    ("Form of identification", None),
                    ("Occupation or type of business", None),
                    ("Relationship to the institution", None),
                ),
            ),
            Part(
                "Part II - Suspicious activity information",
                (
                    ("Date or date range of suspicious activity", _period(case)),
                    ("Amount: greatest of one alert, by currency", _amounts(case)),
                    ("Amount involved in this report, in US dollars", None),
                    ("Rules that were met", _seen(case)),
                    ("Type of suspicious activity, as the form lists it", None),
                    ("Product types and payment mechanisms", None),
                    ("Latest day of filing, if the first alert was initial detection", due),
                ),
            ),
            _open(
                "Part III - Information about financial institution where activity occurred",
                *("Name", "Taxpayer identification number", "Address", "Primary federal regulator"),
                "Branch where activity occurred",
            ),
            _open(
                "Part IV - Filing institution contact information",
                *("Name", "Taxpayer identification number", "Address", "Contact office and phone"),
            ),
            Part(
                "Part V - Suspicious activity information - narrative",
                (
                    ("What the log says", _reasons(case)),
                    ("Events behind it", case.events() or None),
                    ("Who, why and how, in the words of the person who looked at it", None),
                ),
            ),
            _attached(case, "Annex - Evidence in the log"),
        ),
    )


FORMS: Mapping[str, tuple[str, Callable[[Case], Draft]]] = {
    "stor": ("MARKET_ABUSE", stor),
    "sar": ("AML", sar),
}
"""Name of the draft -> domain of its alerts, and how it is made."""


def markdown(draft: Draft) -> str:
    """The draft for people; open fields say so."""
    lines = [
        f"# {draft.form} draft: {form.words(draft.subject)}",
        "",
        "Made from the log. Not filed; nothing in it was judged by a person.",
    ]
    for part in draft.parts:
        lines += ["", f"## {part.title}", ""]
        for name, value in part.fields:
            if value is None:
                lines.append(f"- {name}: **open**")
            elif isinstance(value, str):
                lines.append(f"- {name}: {form.words(value)}")
            else:
                lines.append(f"- {name}:")
                lines += [f"  - {form.words(one)}" for one in value]
    return "\n".join(lines) + "\n"


def write(folder: Path, drafts: list[Draft]) -> list[Path]:
    """Write each draft as Markdown and JSON; the Markdown files."""
    paths = []
    for draft in drafts:
        path = folder / f"{draft.form.lower()}-{form.safe(draft.subject)}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(markdown(draft), encoding="utf-8")
        parts = [
            {"title": part.title, "fields": [{"name": n, "value": v} for n, v in part.fields]}
            for part in draft.parts
        ]
        told = {"form": draft.form, "subject": draft.subject, "status": "draft, not filed"}
        form.write_json(path.with_suffix(".json"), {**told, "parts": parts, "open": draft.open})
        paths.append(path)
    return paths


def _open(title: str, *names: str) -> Part:
    return Part(title, tuple((name, None) for name in names))


def _some(case: Case, field: str) -> Known:
    return case.values(field) or None


def _who(case: Case) -> str:
    return f"{case.subject} ({', '.join(case.values('subject_kind'))})"


def _period(case: Case) -> str:
    return f"{form.at(case.first_time)} to {form.at(case.last_time)}"


def _amounts(case: Case) -> Known:
    found = case.amounts().items()
    return [f"{form.exact(most, scale)} {code}" for (code, scale), most in found] or None


def _seen(case: Case) -> list[str]:
    return [
        f"{alert['rule']} {alert['rule_version']}"
        f"{', band ' + alert['band'] if alert['band'] else ''}, score {alert['score'] / 1e6:.6f}"
        for alert in case.alerts
    ]


def _reasons(case: Case) -> list[str]:
    return [_reason(alert) for alert in case.alerts]


def _reason(alert: Alert) -> str:
    listed = len([one for one in str(alert["events"]).split(";") if one])
    more = alert["event_count"] - listed
    rest = f"; {more} of its {alert['event_count']} events are not listed" if more > 0 else ""
    return (
        f"{form.at(alert['time'])}: {alert['reason']} "
        f"(measured {alert['measured']}, limit {alert['limit']}{rest})"
    )


def _attached(case: Case, title: str) -> Part:
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
