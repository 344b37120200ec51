"""Draft of a currency transaction report: the cash of one person on one business day.

Parts of the FinCEN Currency Transaction Report (FinCEN Form 112). All cash of the person on the day
counts, at all branches and on all accounts (31 CFR 1010.313); in and out are never netted, and only
what exceeds 10,000 USD is reported (31 CFR 1010.311). The day is that of each posting's own time in
the customer's zone. Due within 15 days after it (31 CFR 1010.306(a)(1)).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl

from deploy.alerts.cases import DAYS
from deploy.errors import UserError
from deploy.reports import form
from deploy.reports.background import Background
from deploy.reports.cases import Case
from deploy.reports.drafts import Draft, Known, Part, unknown
from deploy.reports.said import attached, identity, roots, who

LIMIT = 1_000_000
"""10,000.00 USD, minor units: more than that is reported."""
_WAYS = (("in", "CREDIT"), ("out", "DEBIT"))


@dataclass(frozen=True)
class CashDay:
    """All cash of a person on a business day.

    Attributes:
        case: The alerts on that day.
        day: The date in the customer's zone.
        background: What is known of the person.
    """

    case: Case
    day: date
    background: Background

    @property
    def cash(self) -> pl.DataFrame:
        """The cash postings of the day, by time."""
        return self.background.postings.filter(channel="CASH", day=self.day)

    def way(self, direction: str) -> pl.DataFrame:
        """Those in one direction."""
        return self.cash.filter(direction=direction)


def days(case: Case, background: Background) -> list[CashDay]:
    """The business days on which the postings behind a case's alerts lie.

    Raises:
        UserError: The postings or the rule set behind an alert are not in the log.
    """
    if not background.priced:
        raise UserError(
            f"the rule set behind the alerts on {case.subject} is not in `rules`, so that amounts "
            "cannot be converted; read a log that holds it"
        )
    found: dict[date, list[int]] = {}
    for number, alert in enumerate(case.alerts):
        ids = str(alert["events"]).split(";")
        behind = background.postings.filter(pl.col("posting_id").is_in(ids), channel="CASH")
        if behind.is_empty():
            raise UserError(
                f"no posting behind alert {alert['alert_id']} is in `postings`; read a log that "
                "holds them"
            )
        for day in behind["day"].unique().to_list():
            found.setdefault(day, []).append(number)
    return [
        CashDay(replace(case, alerts=tuple(case.alerts[n] for n in own)), day, background)
        for day, own in sorted(found.items())
    ]


def ctr(one: CashDay) -> Draft:
    """The draft of a CTR."""
    cash, day = one.cash, one.day.isoformat()
    zones = ", ".join(cash["zone"].unique(maintain_order=True))
    return Draft(
        "CTR",
        one.case.subject,
        (
            Part(
                "Part I - Person involved in transaction(s)",
                (
                    ("Identifier in our systems", who(one.case)),
                    *identity(one.background),
                    ("Who conducted the transactions, and on whose behalf", None),
                    ("Others whom the postings name", _others(cash)),
                    ("Account numbers involved", cash["account"].unique().sort().to_list()),
                ),
            ),
            Part(
                "Part II - Amount and type of transaction(s)",
                (
                    ("Date of transaction", f"{day}, business day in the time zone {zones}"),
                    *((f"Total cash {way}", _total(one.way(d))) for way, d in _WAYS),
                    ("Multiple transactions", "yes" if cash.height > 1 else "no"),
                    ("Foreign currency", _foreign(cash)),
                    ("Kind of transaction, as the form lists it", None),
                    ("Postings behind it", list(_listed(cash))),
                    ("Latest day of filing", f"{one.day + timedelta(days=DAYS['CTR'])}"),
                ),
            ),
            Part(
                "Part III - Transaction location",
                (
                    ("Areas that the postings name", _areas(cash)),
                    *((name, None) for name in ("Branch", "Address", "Identification number")),
                ),
            ),
            unknown(
                "Part IV - Filing institution contact information",
                *("Name", "Taxpayer identification number", "Address", "Contact office and phone"),
            ),
            attached(one.case, "Annex - Evidence in the log"),
        ),
        roots(one.case),
        day,
    )


def _total(rows: pl.DataFrame) -> str:
    """Exact, and as the form has it: whole dollars, rounded up."""
    total = int(rows["base"].sum())
    several = "" if rows.height == 1 else "s"
    said = f"{form.exact(total, 2)} USD in {rows.height} transaction{several}"
    if total <= LIMIT:
        return f"{said}: not more than {form.exact(LIMIT, 2)} USD, not reported"
    return f"{said}; {-(-total // 100)} in whole dollars, rounded up"


def _foreign(cash: pl.DataFrame) -> Known:
    """What was paid in other currencies, by direction."""
    other = cash.filter(pl.col("currency") != "USD")
    sums = other.group_by("direction", "currency", "scale").agg(pl.sum("amount"))
    return [
        f"{way} {form.exact(amount, scale)} {currency}"
        for way, direction in _WAYS
        for _, currency, scale, amount in sums.filter(direction=direction).sort(pl.all()).rows()
    ] or "none"


def _listed(cash: pl.DataFrame) -> Iterator[str]:
    for row in cash.to_dicts():
        way = "in" if row["direction"] == "CREDIT" else "out"
        paid = f"{form.exact(row['base'], 2)} USD"
        if row["currency"] != "USD":
            paid += f" ({form.exact(row['amount'], row['scale'])} {row['currency']})"
        yield (
            f"{row['posting_id']}: {form.at(row['time'])} {way} {paid}, account {row['account']}, "
            f"{row['place']}"
        )


def _areas(cash: pl.DataFrame) -> Known:
    named = cash.select(pl.format("{} {}", "country", "area").str.strip_chars()).to_series()
    return sorted({name for name in named.to_list() if name}) or None


def _others(cash: pl.DataFrame) -> Known:
    named = cash.select(pl.format("{} {}", "counterparty", "counterparty_name")).to_series()
    return sorted({name.strip() for name in named.to_list()} - {""}) or None
