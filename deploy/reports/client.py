"""Sends a report file and reads the verdict: bounded patience, each try with the same bytes."""

from dataclasses import dataclass
from hashlib import sha256

import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from deploy.errors import UserError
from deploy.reports.endpoint import HASH_HEADER
from deploy.reports.states import ACKNOWLEDGED, REJECTED

TRIES = 4
TIMEOUT_S = 30.0
FIRST_PAUSE_S = 0.5
_MOST_REFERENCE, _MOST_REASON = 64, 1_024


class _NotServing(Exception):
    """The other side is there and cannot answer now."""


@dataclass(frozen=True)
class Verdict:
    """What the other side said: ACKNOWLEDGED or REJECTED, its reference, and why."""

    state: str
    reference: str
    reason: str


def send(
    url: str, report_id: str, attempt: int, content: bytes, pause_s: float = FIRST_PAUSE_S
) -> Verdict:
    """Send a file until there is an answer, `TRIES` times at most.

    `Idempotency-Key` is the same for every try of one attempt, so that the other side can tell a
    repeat from a second report.

    Raises:
        UserError: There was no answer, or none that can be understood; the report stays SENT.
    """
    headers = {
        HASH_HEADER: sha256(content).hexdigest(),
        "Idempotency-Key": f"{report_id}-{attempt}",
        "Content-Type": "application/octet-stream",
    }
    tries = Retrying(
        retry=retry_if_exception_type((requests.ConnectionError, requests.Timeout, _NotServing)),
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential(multiplier=pause_s, max=10),
        reraise=True,
    )
    again = "the report stays SENT; submit the same file again to go on"
    try:
        response = tries(_post, url, content, headers)
    except (requests.RequestException, _NotServing) as error:
        what = str(error) if isinstance(error, _NotServing) else type(error).__name__
        raise UserError(f"{url} gave no answer ({what}): {again}") from None
    if response.status_code != 200:
        raise UserError(f"{url} answered with HTTP {response.status_code}: {again}")
    return _verdict(url, response, again)


def _post(url: str, content: bytes, headers: dict[str, str]) -> requests.Response:
    response = requests.post(
        url, data=content, headers=headers, timeout=TIMEOUT_S, allow_redirects=False
    )
    if response.status_code >= 500:
        raise _NotServing(f"HTTP {response.status_code}")
    return response


def _verdict(url: str, response: requests.Response, again: str) -> Verdict:
    try:
        told = response.json()
        found = Verdict(told["state"], told["reference"], told.get("reason", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{url} gave an answer that is no verdict: {again}") from None
    texts = (found.state, found.reference, found.reason)
    if not all(isinstance(one, str) and one.isprintable() for one in texts):
        raise UserError(f"{url} gave a verdict that is no plain text: {again}")
    plain = found.reference.isascii() and " " not in found.reference
    if found.state not in (ACKNOWLEDGED, REJECTED) or not plain:
        raise UserError(f"{url} gave a verdict that is neither yes nor no: {again}")
    if len(found.reference) > _MOST_REFERENCE or len(found.reason.encode()) > _MOST_REASON:
        raise UserError(f"{url} gave a verdict that is too long for a record: {again}")
    return found
