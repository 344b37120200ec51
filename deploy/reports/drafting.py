"""Which drafts the alerts of a log give: STOR, SAR or CTR, by subject."""

from collections.abc import Sequence

import polars as pl

from deploy.alerts.cases import CTR_PREFIX
from deploy.alerts.worklist import ACTIONS, ALERTS, worklist
from deploy.archive.reading import Archive
from deploy.errors import UserError
from deploy.reports import asked, background
from deploy.reports.cases import Case, cases
from deploy.reports.ctr import ctr, days
from deploy.reports.drafts import Draft
from deploy.reports.sar import sar
from deploy.reports.stor import stor
from deploy.verification import Place

DOMAINS = {"stor": "MARKET_ABUSE", "sar": "AML", "ctr": "AML"}
"""Name of the draft -> domain of its alerts."""


def drafted(
    name: str, place: Place, alerts: pl.DataFrame, subject: str | None, wanted: Sequence[str]
) -> tuple[list[Draft], int]:
    """The drafts of a kind, and of how many alerts they are.

    Alerts of currency transactions give a CTR and no SAR, unless they are asked for by id.

    Raises:
        UserError: There is nothing to draft, or a CTR lacks what it is made from.
    """
    domain = DOMAINS[name]
    currency = pl.col("rule").str.starts_with(CTR_PREFIX)
    if name == "ctr":
        alerts = alerts.filter(currency)
    elif name == "sar" and not wanted:
        alerts = alerts.filter(~currency)
    found = cases(alerts, domain, subject, wanted)
    if not found:
        what = " for a CTR" if name == "ctr" else ""
        whom = f" on {subject}" if subject else ""
        raise UserError(f"the log has no alert of {domain}{what}{whom} there: nothing to draft")
    make = {"stor": _stors, "sar": _sars, "ctr": _ctrs}[name]
    return make(place, found), sum(len(case.alerts) for case in found)


def _stors(place: Place, found: Sequence[Case]) -> list[Draft]:
    return [stor(case) for case in found]


def _sars(place: Place, found: Sequence[Case]) -> list[Draft]:
    """What the log does not hold stays open: an archive may lack customers, postings, actions."""
    known, stands = {}, {}
    if _holds(place, background.TOPICS):
        with asked.opened(place, background.TOPICS) as (source, partitions):
            known = background.backgrounds(source, partitions, found)
    if _holds(place, (ALERTS, ACTIONS)):
        with asked.opened(place, (ALERTS, ACTIONS)) as (source, partitions):
            stands = {item.id: item.status for item in worklist(source, partitions).items}
    return [sar(case, known.get(case.subject), stands) for case in found]


def _ctrs(place: Place, found: Sequence[Case]) -> list[Draft]:
    with asked.opened(place, background.TOPICS) as (source, partitions):
        known = background.backgrounds(source, partitions, found)
    return [ctr(day) for case in found for day in days(case, known[case.subject])]


def _holds(place: Place, topics: Sequence[str]) -> bool:
    """Whether an archive holds these topics; a broker has all of them."""
    with place.opened() as source:
        return not isinstance(source, Archive) or all(one in source.topics for one in topics)
