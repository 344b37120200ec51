"""Cases: what is open on a customer, and by when a report is due.

SAR: calendar days UTC from the day on which the alert was first raised. CTR: from the earliest day
on which the cash may have been paid anywhere, that of the time zone UTC-12; the draft of the report
has the business day in the customer's zone. An amendment does not start the count again. A report
is due until the end of the last day. Whether an alert was the initial detection in the sense of the
law, and whether anything is to be reported, is for a person to say: the earliest date is shown.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from deploy.alerts.states import APPROVED, CLOSED, SUSPECT_UNKNOWN
from deploy.alerts.worklist import Item

CTR_PREFIX = "ctr"
"""Rules with such a name ask for a currency transaction report; all others may lead to a SAR."""
DAYS: Mapping[str, int] = {"SAR": 30, "CTR": 15}
"""31 CFR 1020.320(b)(3) and 31 CFR 1010.306(a)(1)."""
NO_SUSPECT = 30
"""31 CFR 1020.320(b)(3): so many more where no suspect was identified at detection, 60 in all."""
_WESTMOST_US = 12 * 3_600_000_000


@dataclass(frozen=True)
class Due:
    """A report that may be due.

    Attributes:
        report: SAR or CTR.
        alerts: Of which alerts: those nobody has settled, and those that are to be filed.
        day: The last day.
        unfiled: Those of the alerts that two people settled as reported, with no report out yet.
    """

    report: str
    alerts: tuple[str, ...]
    day: date
    unfiled: tuple[str, ...] = ()

    def overdue(self, today: date) -> bool:
        """Whether its last day is over."""
        return today > self.day


@dataclass(frozen=True)
class Case:
    """A customer with alerts.

    Attributes:
        customer: Who it is.
        due: Reports that may be due, the soonest first.
        open: How many alerts are not approved.
        done: How many are.
        assignees: Who works on the open ones.
        proposed: How many of them are closed and wait for a second person.
    """

    customer: str
    due: tuple[Due, ...]
    open: int
    done: int
    assignees: tuple[str, ...] = ()
    proposed: int = 0


def cases(items: Iterable[Item], domain: str = "AML") -> list[Case]:
    """The customers with alerts, those first of whom something is due soonest."""
    by_customer: dict[str, list[Item]] = {}
    for item in items:
        if item.first["domain"] == domain:
            by_customer.setdefault(item.first["subject"], []).append(item)
    found = [_case(customer, own) for customer, own in by_customer.items()]
    return sorted(found, key=lambda one: (_soonest(one), one.customer))


def report_of(rule: str) -> str:
    """Which report an alert of a rule may lead to: CTR or SAR."""
    return "CTR" if rule.startswith(CTR_PREFIX) else "SAR"


def _case(customer: str, items: list[Item]) -> Case:
    opened = [item for item in items if item.status.state != APPROVED]
    waiting = [item for item in items if item.status.state != APPROVED or item.status.unfiled]
    due = []
    for report, days in DAYS.items():
        own = [item for item in waiting if report_of(item.first["rule"]) == report]
        if own:
            last = min(_last(item, report, days) for item in own)
            unfiled = tuple(item.id for item in own if item.status.unfiled)
            due.append(Due(report, tuple(item.id for item in own), last, unfiled))
    due.sort(key=lambda one: (one.day, one.report))
    return Case(
        customer,
        tuple(due),
        len(opened),
        len(items) - len(opened),
        tuple(sorted({item.status.assignee for item in opened} - {""})),
        sum(item.status.state == CLOSED for item in opened),
    )


def _last(item: Item, report: str, days: int) -> date:
    time = int(item.first["time"])
    if report == "CTR":
        time -= _WESTMOST_US
    elif item.status.suspect == SUSPECT_UNKNOWN:
        days += NO_SUSPECT
    return _day(time) + timedelta(days=days)


def _day(time: int) -> date:
    return datetime.fromtimestamp(time // 1_000_000, UTC).date()


def _soonest(case: Case) -> date:
    return min((one.day for one in case.due), default=date.max)
