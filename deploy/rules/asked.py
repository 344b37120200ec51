"""What the commands on rule sets share: those published, the one that is meant, a line of each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy.reports import asked
from deploy.reports.form import at
from deploy.rules import written
from deploy.rules.known import known
from deploy.rules.published import TOPIC, Published, chosen, published
from udfs.aml.ruleset import default
from udfs.aml.trust import verify
from udfs.motifs.params import MOTIFS


def sets(archive: Path | None, brokers: str | None, prefix: str) -> list[Published]:
    """The rule sets that were published, by epoch."""
    with asked.opened(asked.place(archive, brokers, prefix), (TOPIC,)) as (source, partitions):
        return published(source, partitions)


def tables(which: str, archive: Path | None, brokers: str | None, prefix: str) -> dict[str, Any]:
    """The rule set that is meant by a file, `default`, `live`, `shadow`, an epoch or a hash."""
    if which == "default":
        return default(known(), MOTIFS).model_dump(mode="json")
    path = Path(which)
    if path.suffix or path.is_file():
        return written.read(path, known()).model_dump(mode="json")
    return chosen(sets(archive, brokers, prefix), which).rules


def row(one: Published, keys: Sequence[bytes] | None) -> dict[str, Any]:
    """A published rule set as a line; its signature is checked if keys are given."""
    signature = f"by {one.row['key_id']}, not checked"
    if keys is not None:
        signature = verify(one.row, keys) or "ok"
    return {
        "epoch": one.epoch,
        "mode": one.mode,
        "effective": at(one.row["effective_time"]),
        "hash": one.hash,
        "author": one.row["author"],
        "approver": one.row["approver"],
        "partitions": len(one.partitions),
        "signature": signature,
    }
