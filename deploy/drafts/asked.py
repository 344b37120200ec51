"""What a person asks of a backtest: which draft, which time, which input."""

from collections.abc import Sequence
from pathlib import Path

from connectors import kafka_admin
from deploy.archive.reading import Archive
from deploy.drafts.backtest import FEEDS, Input, from_files, from_log
from deploy.drafts.folds import Range
from deploy.errors import UserError
from deploy.reports import asked
from deploy.rules import written
from deploy.rules.clock import time_of
from deploy.rules.known import known
from deploy.rules.trusted import keys_text
from deploy.settings import Settings
from udfs.aml.ruleset import RuleSet

LAST = 4_102_444_800_000_000
"""The greatest business time of a record, microseconds UTC."""


def range_of(begin: str | None, end: str | None) -> Range:
    """The range between two times; without them, from the first event or to the last."""
    found = Range(
        0 if begin is None else time_of("--from", begin),
        LAST if end is None else time_of("--to", end),
    )
    if not 0 <= found.begin < found.end <= LAST:
        raise UserError("--from is not before --to, between 1970 and 2100; mend them")
    return found


def draft(path: Path) -> RuleSet:
    """The rule set of a file; UserError that names the line if it is none."""
    return written.read(path, known())


def read(
    files: Sequence[str],
    options: Sequence[str],
    keys: Sequence[Path],
    archive: Path | None,
    brokers: str | None,
    prefix: str,
) -> Input:
    """The input from files if there are any, else from an archive or a broker.

    Raises:
        UserError: It is not there, or files and a log are given.
    """
    text = keys_text(keys) if keys else ""
    if files:
        if archive or brokers or prefix:
            raise UserError("give --input, or --file, or --brokers and --prefix; not several")
        return from_files(files, options, text)
    if options:
        raise UserError("options are as recorded in the log; leave --option out")
    with asked.opened(asked.place(archive, brokers, prefix), FEEDS) as (source, partitions):
        if isinstance(source, Archive):
            topics = list(source.topics)
        else:
            topics = _topics(brokers or Settings.load().brokers, prefix)
        return from_log(source, len(partitions), topics, text)


def _topics(brokers: str, prefix: str) -> list[str]:
    there = kafka_admin.describe(brokers)
    if missing := [name for name in FEEDS if f"{prefix}{name}" not in there]:
        raise UserError(f"the broker has no topic {prefix}{missing[0]}; mend --prefix")
    return [name.removeprefix(prefix) for name in there if name.startswith(prefix)]
