"""The motif job over a log in memory: rule sets with a place in the stream, places, late marks."""

import numpy as np
import pytest

from connectors.log import MemoryLog, fold_shard
from jobs.catalogue import Config, motifs_job
from schemas.codec import encode
from schemas.records import record
from tests.aml_log import outputs
from tests.transferred import DAY, HOUR, KEY, body, rule_set
from udfs.aml.ruleset import RuleSet, canonical, digest
from udfs.aml.slots import DEFAULT_BODY
from udfs.motifs.params import Fan, Params
from udfs.motifs.step import VERSION

START = 1_772_438_400_000_000  # 2 March 2026, 08:00 UTC
LATER = START + 20 * DAY
FLOOR = 100_000
SILENT = canonical(RuleSet(rules={}))
SIX = body(Params(fan_in=Fan(bands=({"name": "LOW", "at_least": 6, "score": 1},))))


def log_time(time):
    """Log time, milliseconds: it begins at START and passes 3,600 times slower."""
    return (START + (time - START) // 3_600) // 1_000


class Log:
    """Shard 0's feeds; each record is appended at its time, or when it is said."""

    def __init__(self):
        self.log, self.numbers = MemoryLog(), {"transfers": 0, "rules": 0}
        self.ticked = START - DAY
        self.tick(self.ticked)

    def tick(self, time):
        """The business clock of both feeds, in steps that are not refused."""
        for at in [*range(self.ticked + 6 * DAY, time, 6 * DAY), time]:
            for topic in self.numbers:
                self.log.tick(topic, 0, log_time(at), at)
        self.ticked = time

    def put(self, topic, name, row, appended):
        row = {"producer": "aml/0", "sequence": self.numbers[topic], **row}
        self.numbers[topic] += 1
        self.log.append(topic, 0, log_time(appended), encode(record(name), row), b"k")

    def pay(self, source, target, time, amount=200_000, appended=None, **said):
        row = {
            "transfer_id": f"{source}>{target}@{(time - START) // HOUR}",
            "time": time,
            "source": source,
            "target": target,
            "source_account": f"A{source}",
            "target_account": f"A{target}",
            "amount": amount,
            "currency": "USD",
            "scale": 2,
            "late": False,
            "source_topic": "postings",
            "source_partition": 3,
            "source_offset": 7,
            "version": "aml/1",
        }
        appended = time if appended is None else appended
        if appended > self.ticked + 6 * DAY:
            self.tick(appended)
        self.put("transfers", "Transfer", row | said, appended)

    def publish(self, text, effective, published=START - DAY, **said):
        row = rule_set(text, effective, **said)
        self.put("rules", "RuleSet", row | {"time": published}, published)

    def alerts(self, keys=(KEY,), slice_ms=1_000):
        trusted = ",".join(key.hex() for key in keys)
        job = motifs_job(Config(slice_ms=slice_ms, lateness_ms=1_000, rule_keys=trusted))
        spans = self.log.partition(["transfers", "rules"], 0)
        return outputs(list(fold_shard(job, 0, spans)), "alerts")


def fan(log, count=5, hub="H", start=START):
    for n in range(count):
        log.pay(f"{hub}S{n}", hub, start + n * HOUR)


def test_the_default_set_decides_where_none_was_published():
    log = Log()
    fan(log)
    log.tick(LATER)
    (alert,) = log.alerts(keys=()).to_dicts()
    assert (alert["rule"], alert["subject"]) == ("fan-in", "H")
    assert alert["decided_by"] == f"rules:{digest(DEFAULT_BODY)}"
    assert (alert["version"], alert["source_topic"]) == (VERSION, "transfers")
    assert (alert["source_partition"], alert["currency"], alert["scale"]) == (0, "USD", 2)


@pytest.mark.parametrize("slice_ms", [250, 1_000, 60_000])
@pytest.mark.parametrize(("effective", "told"), [(-1, 0), (0, 0), (1, 1)])
def test_a_set_decides_from_its_effective_time_on(effective, told, slice_ms):
    # The fifth transfer is due at START + 4 h: a set without motifs of that moment silences it.
    log = Log()
    log.publish(SILENT, START + 4 * HOUR + effective)
    fan(log)
    log.tick(LATER)
    assert log.alerts(slice_ms=slice_ms).height == told


@pytest.mark.parametrize("slice_ms", [250, 1_000, 60_000])
def test_thresholds_and_name_of_the_set_in_force(slice_ms):
    log = Log()
    log.publish(SIX, START + 30 * DAY)
    fan(log, 5)
    fan(log, 5, hub="I", start=START + 30 * DAY)
    fan(log, 6, hub="J", start=START + 31 * DAY)
    log.tick(START + 40 * DAY)
    found = log.alerts(slice_ms=slice_ms)
    assert found["subject"].to_list() == ["H", "J"]
    named = [f"rules:{digest(text)}" for text in (DEFAULT_BODY, SIX)]
    assert found["decided_by"].to_list() == named


def test_bounds_that_change_with_the_set_leave_no_trace_of_the_cut():
    rng, tight = np.random.default_rng(4), {"ends": 2, "memory_s": 10 * 86_400, "paths": 1}
    parties, start = [f"N{n}" for n in range(12)], START
    log = Log()
    log.publish(body(Params(**tight)), START + 12 * DAY)
    log.publish(body(Params(growth_ppm=1_100_000)), START + 24 * DAY, epoch=2)
    for _ in range(400):
        source, target = rng.choice(12, 2, replace=False).tolist()
        start += int(rng.integers(1, 5 * HOUR))
        log.pay(parties[source], parties[target], start, int(rng.integers(150_000, 160_000)))
    log.tick(start + DAY)
    whole, *cut = [log.alerts(slice_ms=slice_ms) for slice_ms in (60_000, 7_000, 250)]
    assert all(whole.equals(one) for one in cut)
    assert whole["decided_by"].n_unique() == 3


def test_a_set_that_does_not_count_is_refused_and_changes_nothing():
    log = Log()
    log.publish(SIX, START - HOUR, epoch=2)
    log.publish(SILENT, START - HOUR + 1, epoch=2)
    fan(log, 6)
    log.tick(LATER)
    refused, found = log.alerts().to_dicts()
    assert (refused["rule"], refused["version"]) == ("rule-set-refused", VERSION)
    assert refused["reason"].startswith("old-epoch")
    assert found["measured"] == "6 sources"
    unknown = log.alerts(keys=())
    assert unknown["rule"].to_list() == ["rule-set-refused", "rule-set-refused", "fan-in"]
    assert unknown["measured"].to_list()[-1] == "5 sources"


def test_a_set_with_motifs_of_another_release_is_refused():
    log = Log()
    log.publish(SIX.replace('"walk"', '"wolf"'), START - HOUR)
    fan(log)
    log.tick(LATER)
    refused, found = log.alerts().to_dicts()
    assert refused["reason"].startswith("no-rule-set: motif wolf: there is no such motif")
    assert found["rule"] == "fan-in"


def test_a_shadow_set_does_not_decide():
    log = Log()
    log.publish(SILENT, START - HOUR, mode="SHADOW")
    fan(log)
    log.tick(LATER)
    assert log.alerts()["rule"].to_list() == ["fan-in"]


@pytest.mark.parametrize(("amount", "told"), [(FLOOR, 0), (FLOOR + 1, 1)])
def test_only_transfers_above_the_floor_count(amount, told):
    log = Log()
    fan(log, 4)
    log.pay("L", "H", START + 4 * HOUR, amount)
    log.tick(LATER)
    assert log.alerts().height == told


@pytest.mark.parametrize(("early", "told"), [(-10_000, 1), (0, 1), (10_000, 0)])
def test_the_window_ends_with_the_last_transfer(early, told):
    # (t - 4 d, t]: at T + 0.01 s before the fifth, the first one is in it; exactly 4 d is outside.
    log = Log()
    log.pay("first", "H", START - early)
    for n in range(3):
        log.pay(f"S{n}", "H", START + n * HOUR + 20_000)
    log.pay("last", "H", START + 4 * DAY - 1)
    log.tick(LATER)
    assert log.alerts().height == told


def test_a_late_posting_or_transfer_is_told():
    log = Log()
    fan(log, 4)
    log.pay("L", "H", START + 4 * HOUR, late=True)
    log.pay("M", "H", START - 20 * DAY, appended=START + 5 * HOUR)
    log.tick(LATER)
    first, second = log.alerts().to_dicts()
    assert first["reason"].endswith("within 4 h; late, counted at their place in the log: 1")
    assert second["reason"].endswith("within 4 h; late, counted at their place in the log: 2")
    assert second["corrects"] == first["alert_id"]
    # The place of the second: a second of lateness before the transfer at 4 h.
    assert second["last_time"] == START + 4 * HOUR


def test_other_shards_have_rules_and_nothing_to_decide():
    log = Log()
    log.publish(SIX, START)
    log.tick(LATER)
    spans = {"rules": log.log.spans["rules", 0]}
    assert outputs(list(fold_shard(motifs_job(Config()), 2, spans)), "alerts").is_empty()
