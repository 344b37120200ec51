"""Changes what is known of a customer: one record in `customers`, whole, with author and reasons.

The topic is the only memory. A record says all that is known from its time on, so the job needs no
earlier one. The number of a record is its id: nothing of the person is hashed into it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.generators.feed import Batch
from connectors.topics import partition_of
from deploy.errors import UserError
from deploy.reports.form import at
from deploy.rules.clock import dated
from deploy.rules.recorded import Ends, Recorded, message, numbered, recorded

TOPIC = "customers"
TOPICS = (TOPIC, "postings")
NEEDED = (
    *("kind", "name", "country", "zone", "opened"),
    *("identity", "pep", "rating", "due_diligence"),
)
"""What has to be said of a customer who is new."""
_EMPTY = {"area": "", "industry": ""}


def histories(found: Sequence[Recorded]) -> dict[str, list[Mapping[str, Any]]]:
    """The records of each customer in the order in which they count."""
    out: dict[str, list[Mapping[str, Any]]] = {}
    for one in sorted(found, key=lambda one: (one.row["time"], one.partition, one.offset)):
        out.setdefault(one.row["customer"], []).append(one.row)
    return out


def history(found: Sequence[Recorded], customer: str) -> list[Mapping[str, Any]]:
    """The records of a customer; UserError if there are none."""
    known = histories(found).get(customer)
    if not known:
        raise UserError(
            f"nothing is known of customer {customer[:64]!r}; mend the id, or make the first "
            "record: tidemark customers change --help"
        )
    return known


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What a record changes: field -> value before and after."""
    names = (*NEEDED, *_EMPTY)
    return {n: (before[n], after[n]) for n in names if before[n] != after[n]}


def change(
    ends: Ends,
    customer: str,
    given: Mapping[str, Any],
    reasons: str,
    author: str,
    now: int | None = None,
) -> tuple[Mapping[str, Any] | None, dict[str, Any]]:
    """Record a change; what was known before (None if nothing was), and the new record.

    Args:
        ends: Where records are read and written.
        customer: The customer's id.
        given: What changes, by field of Customer.
        reasons: Why the customer is rated and known so, in words.
        author: Who makes the change, by user id.
        now: Business time from which on it counts; that of the stream if None.

    Raises:
        UserError: Something is missing or wrong, or nothing would change.
    """
    if not reasons.strip():
        raise UserError("a change needs its reasons; give --reasons TEXT")
    found = recorded(ends.source, TOPIC, range(ends.partitions))
    known = histories(found).get(customer)
    before = known[-1] if known else None
    time = dated(ends.source, ends.partitions, now)
    if before is None:
        _check_new(customer, given)
    elif time < before["time"]:
        raise UserError(
            f"{at(time)} is before the last change of {customer}, {at(before['time'])}; "
            "give a later --now"
        )
    partition = partition_of(customer.encode(), ends.partitions)
    producer, number = numbered(found, TOPIC, partition)
    row = {
        **(before or _EMPTY),
        **given,
        "change_id": f"{producer}#{number}",
        "producer": producer,
        "sequence": number,
        "time": time,
        "customer": customer,
        "reasons": reasons,
        "author": author,
    }
    if before is not None and not differences(before, row):
        raise UserError(f"nothing of {customer} would change; see: tidemark customers show")
    ends.send([Batch(TOPIC, partition, [customer.encode()], [message(TOPIC, row)])])
    return before, row


def _check_new(customer: str, given: Mapping[str, Any]) -> None:
    lacking = [name for name in NEEDED if name not in given]
    if lacking:
        asked = ", ".join(f"--{name.replace('_', '-')}" for name in lacking)
        raise UserError(f"nothing is known of customer {customer[:64]!r}; a new one needs: {asked}")
