"""Draft of a suspicious activity report from alerts of money laundering.

Parts of the FinCEN Suspicious Activity Report (FinCEN Form 111). Nobody may tell the subject, or
anybody who is not entitled to know, that there is such a report (31 CFR 1020.320(e)).
"""

from collections.abc import Mapping

import polars as pl

from deploy.alerts.cases import DAYS, NO_SUSPECT
from deploy.alerts.states import SUSPECT_UNKNOWN, Status
from deploy.reports import form
from deploy.reports.background import Background
from deploy.reports.cases import Alert, Case
from deploy.reports.drafts import Draft, Known, Part, unknown
from deploy.reports.said import (
    amounts,
    attached,
    identity,
    period,
    reasons,
    root,
    roots,
    seen,
    some,
    who,
)

DAY_US = 86_400_000_000
CONFIDENTIAL = (
    "Confidential: neither the subject nor anybody else who is not entitled to know may learn of "
    "this report (31 CFR 1020.320(e))"
)


def sar(
    case: Case,
    background: Background | None = None,
    stands: Mapping[str, Status] | None = None,
) -> Draft:
    """The draft of a SAR on a case of money laundering.

    Args:
        case: The alerts.
        background: Customer record and postings of the subject, as far as the log was read.
        stands: Where each alert stands, by the id of its first version.
    """
    stands = stands or {}
    last = "Latest day of filing, if the first alert was initial detection"
    return Draft(
        "SAR",
        case.subject,
        (
            Part(
                "Part I - Subject information",
                (
                    ("Identifier in our systems", who(case)),
                    ("Account numbers involved", some(case, "account")),
                    *identity(background),
                    ("Relationship to the institution", None),
                ),
            ),
            Part(
                "Part II - Suspicious activity information",
                (
                    ("Date or date range of suspicious activity", period(case)),
                    ("Amount: greatest of one alert, by currency", amounts(case)),
                    ("Amount: distinct postings behind the alerts", _sums(case, background)),
                    ("Amount involved in this report, in US dollars", None),
                    ("Rules that were met", seen(case)),
                    ("Type of suspicious activity, as the form lists it", None),
                    ("Product types and payment mechanisms", _channels(case, background)),
                    ("Suspect identified at detection", _suspect(case, stands)),
                    (last, _due(case, stands)),
                ),
            ),
            unknown(
                "Part III - Information about financial institution where activity occurred",
                *("Name", "Taxpayer identification number", "Address", "Primary federal regulator"),
                "Branch where activity occurred",
            ),
            unknown(
                "Part IV - Filing institution contact information",
                *("Name", "Taxpayer identification number", "Address", "Contact office and phone"),
            ),
            Part(
                "Part V - Suspicious activity information - narrative",
                (
                    ("What the log says", reasons(case)),
                    ("Events behind it", case.events() or None),
                    ("Who, why and how, in the words of the person who looked at it", None),
                    ("Who may know", CONFIDENTIAL),
                ),
            ),
            attached(case, "Annex - Evidence in the log"),
        ),
        roots(case),
    )


def _behind(case: Case, background: Background | None) -> pl.DataFrame:
    """The subject's postings that an alert lists, each once."""
    if background is None:
        return pl.DataFrame()
    return background.postings.filter(pl.col("posting_id").is_in(case.events()))


def _sums(case: Case, background: Background | None) -> Known:
    rows = _behind(case, background)
    if rows.is_empty() or background is None or not background.priced:
        return None
    said = []
    for way, direction in (("in", "CREDIT"), ("out", "DEBIT")):
        own = rows.filter(direction=direction)
        if own.height:
            said.append(f"{way} {form.exact(int(own['base'].sum()), 2)} USD in {own.height}")
    return said


def _channels(case: Case, background: Background | None) -> Known:
    rows = _behind(case, background)
    return None if rows.is_empty() else sorted(set(rows["channel"].to_list()))


def _suspect(case: Case, stands: Mapping[str, Status]) -> Known:
    said = {stands[name].suspect for name in map(root, case.alerts) if name in stands} - {""}
    return sorted(said) or None


def _due(case: Case, stands: Mapping[str, Status]) -> str:
    """The first of the alerts' last days."""
    return min(_last(alert, stands.get(root(alert), Status())) for alert in case.alerts)


def _last(alert: Alert, status: Status) -> str:
    days = DAYS["SAR"] + (NO_SUSPECT if status.suspect == SUSPECT_UNKNOWN else 0)
    return form.at(int(alert["raised"]) + days * DAY_US)[:10]
