"""A draft rule set over recorded input: its alerts against those of the rules that were live."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from connectors.log import MemoryLog
from connectors.topics import TICK_KEY, TOPICS
from deploy import backtest as files
from deploy import rows, terminal
from deploy.drafts import judged, told
from deploy.drafts.compared import Compared, compared
from deploy.drafts.folds import Range, alerts
from deploy.proofs.sources import Source
from deploy.replay.recorded import load
from jobs.catalogue import Config, aml_job
from schemas.codec import decode_batch
from schemas.records import record
from udfs.aml.ruleset import RuleSet, canonical, digest

SCHEMES = "schemes"
ACTIONS = "alert.actions"
FEEDS = tuple(feed.topic for feed in aml_job(Config()).feeds)
INDEX = "aml.batches"


@dataclass(frozen=True)
class Input:
    """The recorded input, and the options the job ran with.

    Attributes:
        log: The job's feeds.
        config: The job's options.
        schemes: Records SchemeLabel of a generated world; empty if there are none.
    """

    log: MemoryLog
    config: Config
    schemes: pl.DataFrame


@dataclass(frozen=True)
class Outcome:
    """What differs, and precision and recall of live and draft, by whoever says what is right."""

    compared: Compared
    rates: Mapping[str, tuple[judged.Rates, judged.Rates]]
    summary: dict[str, Any]


def run(given: Input, draft: RuleSet, within: Range, out: Path) -> Outcome:
    """Fold both, compare, and write gained, lost and changed as Parquet, and summary.json.

    Raises:
        UserError: `out` cannot be written.
    """
    body = canonical(draft)
    with terminal.bar("live and draft", 2 * given.config.partitions) as done:
        live, other = (
            within.of(alerts(given.log, given.config, one, within.begin, done))
            for one in (None, body)
        )
    found = compared(live, other)
    rates = _rates(given, found, within)
    summary = {
        "draft": digest(body),
        "live": sorted(live["decided_by"].unique().to_list()),
        "from": within.begin,
        "to": within.end,
        "options": str(given.config),
        "rules": found.by_rule().to_dicts(),
        "rates": [_said(which, rate) for which, rate in _each(rates)],
    }
    told.write(found, out)
    try:
        (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise told.unwritable(out, error) from None
    return Outcome(found, rates, summary)


def from_files(inputs: Sequence[str], options: Sequence[str], keys: str) -> Input:
    """Files `TOPIC=FILE` as `tidemark backtest` takes them; those of `schemes`, too."""
    config = files.config_of(options)
    config = replace(config, rule_keys=keys) if keys else config
    spec = aml_job(config)
    planted = [text for text in inputs if text.startswith(f"{SCHEMES}=")]
    paths = files.paths_of(spec, [text for text in inputs if text not in planted])
    log, _ = files.load(spec, paths, config)
    labels = [_schemes(Path(text.partition("=")[2])) for text in planted]
    return Input(log, config, pl.concat(labels) if labels else _no_schemes())


def from_log(source: Source, partitions: int, topics: Sequence[str], keys: str) -> Input:
    """A broker's or an archive's log; options are those of the batch indexes if there are any."""
    config = Config(partitions=partitions)
    if INDEX in topics and source.ends(INDEX, 0)[1] > 0:
        config = load("aml", source, partitions).config
    config = replace(config, rule_keys=keys) if keys else config
    log = MemoryLog()
    wanted = [*FEEDS, SCHEMES] if SCHEMES in topics else FEEDS
    for topic in wanted:
        for partition in range(partitions):
            log.spans[topic, partition] = source.read(topic, partition)
    labels = _decoded(log, SCHEMES, "SchemeLabel") if SCHEMES in wanted else _no_schemes()
    return Input(log, config, labels)


def _schemes(path: Path) -> pl.DataFrame:
    frame = rows.read(path)
    rec = record("SchemeLabel")
    if "value" in frame.columns:
        values = frame.filter(pl.col("key") != TICK_KEY)["value"].drop_nulls().to_list()
        return decode_batch(rec, values)[0]
    return decode_batch(rec, rows.encoded(rec, rows.typed(rec, path, frame), path))[0]


def _no_schemes() -> pl.DataFrame:
    return pl.DataFrame(schema=record("SchemeLabel").columns)


def _decoded(log: MemoryLog, topic: str, name: str) -> pl.DataFrame:
    return decode_batch(record(name), list(_messages(log, topic)))[0]


def _messages(log: MemoryLog, topic: str) -> Iterator[bytes]:
    for (name, _), span in sorted(log.spans.items()):
        if name == topic:
            for key, value in zip(span.keys, span.values, strict=True):
                if key != TICK_KEY and value is not None:
                    yield value


def _rates(
    given: Input, found: Compared, within: Range
) -> dict[str, tuple[judged.Rates, judged.Rates]]:
    sides = (found.live, found.draft)
    rates = {}
    labels = judged.labels_of(_decoded(given.log, ACTIONS, TOPICS[ACTIONS].record))
    if labels:
        live, draft = (judged.by_labels(one, labels, found.live) for one in sides)
        rates["labels"] = (live, draft)
    if given.schemes.height:
        ends = (within.begin, within.end)
        live, draft = (judged.by_schemes(one, given.schemes, *ends) for one in sides)
        rates["schemes"] = (live, draft)
    return rates


def _each(
    rates: Mapping[str, tuple[judged.Rates, judged.Rates]],
) -> Iterator[tuple[str, judged.Rates]]:
    for live, draft in rates.values():
        yield "live", live
        yield "draft", draft


def _said(which: str, rates: judged.Rates) -> dict[str, Any]:
    return {
        "alerts": which,
        "by": rates.by,
        "precision": rates.precision.document(),
        "recall": rates.recall.document(),
    }
