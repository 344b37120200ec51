"""Publishing a rule set: to every partition or none, signed, numbered, from a time to come."""

import json
from dataclasses import replace
from typing import Any

import pytest

from connectors.topics import partition_of
from deploy.errors import UserError
from deploy.proofs.keys import SigningKey
from deploy.rules.clock import dated, stream_time, time_of
from deploy.rules.differences import Difference, differences
from deploy.rules.published import chosen, published
from deploy.rules.publishing import Order, publish
from schemas.codec import decode, encode
from schemas.records import record
from tests.made_log import filled
from tests.made_rules import DAY, HOUR, KNOWN, NOON, Desk
from udfs.aml.ruleset import canonical, default, digest, parse
from udfs.aml.trust import verify

KEY = SigningKey.make()
PUBLIC = KEY.public("aml").octets
BODY = canonical(default(KNOWN))


def body(limit: int) -> str:
    tables = json.loads(BODY)
    tables["rules"]["structuring"]["limit"] = limit
    return canonical(parse(json.dumps(tables), KNOWN))


def order(limit: int = 900_000, **change: Any) -> Order:
    made = Order(body(limit), "LIVE", NOON + HOUR, "ada", "calibrated", "bob")
    return replace(made, **change)


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.tick("postings", NOON)
    return desk


def rows(desk: Desk, topic: str) -> list[tuple[int, dict[str, Any]]]:
    return [
        (partition, decode(value or b"")[1])
        for (name, partition), span in sorted(desk.log.spans.items())
        if name == topic
        for key, value in zip(span.keys, span.values, strict=True)
        if key != b"tick"
    ]


def test_every_partition_gets_the_same_signed_set(desk: Desk) -> None:
    done = publish(desk.ends(), order(), KEY)
    found = rows(desk, "rules")
    assert [partition for partition, _ in found] == [0, 1, 2, 3]
    for partition, row in found:
        assert verify(row, [PUBLIC]) is None
        assert row["producer"] == f"tidemark/rules/{partition}"
        assert (row["sequence"], row["epoch"], row["mode"]) == (0, 1, "LIVE")
        assert (row["time"], row["effective_time"]) == (NOON, NOON + HOUR)
        assert parse(row["body"], KNOWN).rules["structuring"].model_dump()["limit"] == 900_000
    assert len({str({**r, "producer": "", "sequence": 0}) for _, r in found}) == 1
    assert done.row["ruleset_id"] == f"aml-1-live-{digest(body(900_000))[:16]}"


def test_the_change_is_recorded_with_what_was_before(desk: Desk) -> None:
    publish(desk.ends(), order(), KEY)
    publish(desk.ends(), order(800_000), KEY)
    publish(desk.ends(), order(700_000, mode="SHADOW"), KEY)
    publish(desk.ends(), order(body="", mode="SHADOW_END"), KEY)
    publish(desk.ends(), order(600_000, mode="SHADOW"), KEY)
    publish(desk.ends(), order(), KEY)
    changes = [row for _, row in rows(desk, "control.changes")]
    live = [c for c in changes if c["name"] == "aml"]
    shadow = [c for c in changes if c["name"] == "aml/shadow"]
    first, second, third = digest(body(900_000)), digest(body(800_000)), digest(body(700_000))
    assert [(c["from_hash"], c["to_hash"]) for c in live] == [
        ("", first),
        (first, second),
        (second, first),
    ]
    assert [(c["from_hash"], c["to_hash"]) for c in shadow] == [
        ("", third),
        (third, ""),
        ("", digest(body(600_000))),
    ]
    assert {(c["kind"], c["author"], c["approver"], c["reason"]) for c in changes} == {
        ("RULE_SET", "ada", "bob", "calibrated")
    }
    at = {name: partition_of(name.encode(), 4) for name in ("aml", "aml/shadow")}
    assert all(at[c["name"]] == partition for partition, c in rows(desk, "control.changes"))
    for partition in range(4):
        numbers = [row["sequence"] for at, row in rows(desk, "rules") if at == partition]
        assert numbers == [0, 1, 2, 3, 4, 5]
    assert [one.epoch for one in published(desk.log.source(), range(4))] == [1, 2, 3, 4, 5, 6]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"epoch": 1}, "--epoch 1 is not above 1, the last published; leave it out"),
    ({"epoch": 0}, "--epoch 0 is not above 1"),
    ({"effective": NOON}, "is not in the future: the stream is at 2026-03-02T12:00:00.000000Z"),
    ({"effective": NOON - 1}, r"\(postings partition 0\); give a later time"),
    ({"approver": "Ada"}, "ada cannot approve the own rule set; name another --approver"),
    ({"reason": " "}, "a change needs a reason; give --reason TEXT"),
    ({"reason": "x" * 1_025}, "it cannot be recorded: out-of-range: reason"),
    ({"reason": "two\nlines"}, "it cannot be recorded: out-of-range: reason"),
    ({"author": "a b"}, "it cannot be recorded: out-of-range: author"),
    ({"epoch": 10**9 + 1}, "it cannot be recorded: out-of-range: epoch"),
    ({"effective": 2**62}, "it cannot be recorded: out-of-range: effective_time"),
    ({"body": body(900_000)}, "these are the rules of epoch 1, the last LIVE set"),
    ({"body": "", "mode": "SHADOW_END"}, "there is no shadow rule set to end"),
]


@pytest.mark.parametrize(("change", "says"), REFUSED)
def test_what_is_refused_is_one_line_and_writes_nothing(
    desk: Desk, change: dict[str, Any], says: str
) -> None:
    publish(desk.ends(), order(), KEY)
    before = {place: len(span) for place, span in desk.log.spans.items()}
    with pytest.raises(UserError, match=says) as told:
        publish(desk.ends(), order(800_000, **change), KEY)
    assert "\n" not in str(told.value)
    assert {place: len(span) for place, span in desk.log.spans.items()} == before


def test_one_microsecond_after_the_stream_is_the_future(desk: Desk) -> None:
    assert publish(desk.ends(), order(effective=NOON + 1), KEY).epoch == 1


def test_a_gap_in_the_epochs_is_allowed_and_the_next_one_follows_it(desk: Desk) -> None:
    publish(desk.ends(), order(epoch=7), KEY)
    assert publish(desk.ends(), order(800_000), KEY).epoch == 8


@pytest.mark.parametrize("written", [1, 3, 4])
def test_a_publication_that_was_broken_off_is_completed_by_the_same_one(
    desk: Desk, written: int
) -> None:
    whole = desk.ends()
    halfway = replace(whole, send=lambda batches: whole.send(batches[:written]))
    publish(halfway, order(), KEY)
    desk.tick("postings", NOON + DAY)  # the stream has passed its time meanwhile
    with pytest.raises(UserError, match=r"epoch 1 is in \d of 4 partitions, or lacks its"):
        publish(desk.ends(), order(800_000, effective=NOON + 2 * DAY), KEY)
    done = publish(desk.ends(), order(), KEY)
    assert done.epoch == 1
    found = rows(desk, "rules")
    assert [partition for partition, _ in found] == [0, 1, 2, 3]
    assert len({row["signature"] for _, row in found}) == 1
    assert len(rows(desk, "control.changes")) == 1
    assert publish(desk.ends(), order(800_000, effective=NOON + 2 * DAY), KEY).epoch == 2


def test_without_any_time_in_the_stream_the_set_is_made_when_it_begins() -> None:
    desk = Desk()
    desk.tick("postings")  # ticks of log time say nothing of business time
    publish(desk.ends(), order(), KEY)
    assert {row["time"] for _, row in rows(desk, "rules")} == {NOON + HOUR}


def test_the_stream_is_where_the_last_dated_tick_of_any_partition_is() -> None:
    desk = Desk()
    assert stream_time(desk.log.source(), 4) is None
    desk.tick("rules", NOON + 1)
    desk.tick("postings", NOON)
    for _ in range(3_000):  # ticks of log time after it
        desk.log.tick("postings", 2, 90_000)
    desk.log.tick("postings", 2, 90_000, NOON + 5)
    for _ in range(3_000):
        desk.log.tick("postings", 2, 90_000)
    found = stream_time(desk.log.source(), 4)
    assert found is not None
    assert (found.time, found.place) == (NOON + 5, "postings partition 2")


def test_records_tell_the_time_where_no_tick_is_dated() -> None:
    desk = Desk()
    posting = filled("Posting", {"time": NOON + 3, "amount": 1, "currency": "EUR"})
    desk.append("postings", 1, encode(record("Posting"), posting), b"o")
    desk.append("postings", 1, b"junk", b"o")
    desk.tick("postings")
    found = stream_time(desk.log.source(), 4)
    assert found is not None
    assert found.time == NOON + 3


def test_where_no_bank_is_the_time_is_that_of_venues() -> None:
    desk = Desk()
    with pytest.raises(UserError, match="has shown no time yet"):
        dated(desk.log.source(), 4, None)
    desk.tick("orders", NOON)
    assert dated(desk.log.source(), 4, None) == NOON
    desk.tick("postings", NOON - HOUR)
    assert dated(desk.log.source(), 4, None) == NOON - HOUR


def test_a_set_is_chosen_by_epoch_hash_or_slot(desk: Desk) -> None:
    publish(desk.ends(), order(), KEY)
    publish(desk.ends(), order(800_000), KEY)
    publish(desk.ends(), order(700_000, mode="SHADOW"), KEY)
    found = published(desk.log.source(), range(4))
    assert chosen(found, "1").epoch == 1
    assert chosen(found, "live").epoch == 2
    assert chosen(found, "shadow").epoch == 3
    assert chosen(found, digest(body(900_000))[:8]).epoch == 1
    for which, says in (("4", "is no file, no epoch"), (digest(BODY), "is no file, no epoch")):
        with pytest.raises(UserError, match=says):
            chosen(found, which)
    publish(desk.ends(), order(body="", mode="SHADOW_END"), KEY)
    with pytest.raises(UserError, match="there is no shadow rule set; look at"):
        chosen(published(desk.log.source(), range(4)), "shadow")


def test_a_forged_copy_of_a_set_is_not_taken_for_it(desk: Desk) -> None:
    publish(desk.ends(), order(), KEY)
    _, row = rows(desk, "rules")[0]
    forged = row | {"sequence": 1, "epoch": 2, "ruleset_id": "forged"}
    desk.append("rules", 0, encode(record("RuleSet"), forged), b"aml")
    verdicts = [verify(one.row, [PUBLIC]) for one in published(desk.log.source(), range(4))]
    assert verdicts[0] is None
    assert (verdicts[1] or "").startswith("bad-signature")
    done = publish(desk.ends(), order(800_000), KEY)  # nobody has to complete it
    assert (done.epoch, verify(done.row, [PUBLIC], after=1)) == (3, None)


def test_differences_are_told_field_by_field() -> None:
    old, new = json.loads(BODY), json.loads(body(900_000))
    new["rules"]["structuring"]["bands"][0]["at_least"] = 1
    del new["rules"]["velocity"]
    new["typologies"]["p"] = {"weights": {"structuring": 5}, "review": 1}
    new["corridors"] = [["NO", "IR"]]
    velocity = old["rules"]["velocity"]
    assert differences(old, new) == [
        Difference("corridors", "[]", '[["NO", "IR"]]'),
        Difference("rules.structuring.bands.LOW.at_least", "800000", "1"),
        Difference("rules.structuring.limit", "1000000", "900000"),
        Difference("rules.velocity", json.dumps(velocity, sort_keys=True), None),
        Difference("typologies.p", None, '{"review": 1, "weights": {"structuring": 5}}'),
    ]
    assert differences(old, old) == []


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-03-02T12:00:00Z", NOON),
        ("2026-03-02T13:00:00+01:00", NOON),
        ("2026-03-02T12:00:00.000001Z", NOON + 1),
    ],
)
def test_a_time_is_written_with_its_zone(text: str, time: int) -> None:
    assert time_of("--effective", text) == time


@pytest.mark.parametrize("text", ["", "now", "2026-03-02", "2026-03-02T12:00:00", "12:00Z"])
def test_a_time_without_zone_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="is no time with its zone; write it as in"):
        time_of("--effective", text)
