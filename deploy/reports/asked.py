"""What the report commands share: where the log is, one pass over it, and how they end."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from connectors import kafka_admin
from deploy import terminal
from deploy.archive.reading import Archive
from deploy.errors import UserError
from deploy.proofs.sources import Source
from deploy.reports import form
from deploy.reports.walk import Clock, Log, Window, read_log
from deploy.settings import Settings
from deploy.verification import Place


def place(file: Path | None, brokers: str | None, prefix: str) -> Place:
    """An archive if one is given, else the topics with `prefix` at a broker, which must answer."""
    if file is not None:
        return Place(archive=file)
    brokers = brokers or Settings.load().brokers
    if why := kafka_admin.trouble(brokers):
        raise UserError(f"no Kafka broker answers at {brokers} ({why}); start it: tidemark up")
    return Place(brokers, prefix)


@contextmanager
def opened(place: Place, topics: Sequence[str]) -> Iterator[tuple[Source, range]]:
    """The log, and its partitions; UserError if an archive lacks a topic."""
    with place.opened() as source:
        if isinstance(source, Archive):
            for topic in topics:
                if topic not in source.topics:
                    raise UserError(
                        f"archive {place.archive} does not hold {topic}; export it, too"
                    )
            yield source, range(source.manifest.partitions)
        else:
            yield source, range(Settings.load().partitions)


def walked(
    place: Place,
    day: str | None,
    clock: Clock,
    kinds: Sequence[str],
    workers: int | None,
    out: Path,
) -> tuple[Window, Log]:
    """The window, and what a pass over the log found; the output folder is made before it."""
    window = Window.of(form.day_of(day), clock)
    form.empty_folder(out)
    partitions = place.partitions(Settings.load().partitions)
    workers = min(workers or len(os.sched_getaffinity(0)), partitions)
    with terminal.bar("read the log", partitions) as done:
        return window, read_log(place, partitions, window, kinds, workers, done)


def told(out: Path, counts: dict[str, int], as_json: bool) -> None:
    """Print how many lines there are of what."""
    if as_json:
        terminal.show_json({"folder": str(out), **counts})
        return
    rows = [(name.replace("_", " "), f"{count:,}") for name, count in counts.items()]
    terminal.show_table(("what", "count"), rows)
    typer.echo(f"written to {out}", err=True)


def end(log: Log) -> None:
    """The report is written; exit code 1 if the log it rests on does not hold."""
    for shard, chain in log.chains.items():
        if not chain.ok:
            raise UserError(
                f"the report is written, but the chain of shard {shard} does not hold: "
                f"{chain.problem}; see: tidemark verify"
            )
    if log.unreadable:
        raise UserError(
            f"the report is written, but {log.unreadable} events could not be read; "
            "use the version that wrote them"
        )
