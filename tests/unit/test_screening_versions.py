import hashlib

import pytest

from tests.screening_log import FIRST, IVAN, MARIA, SECOND, alerts, parts, placed, posting, run
from udfs.screening import versions


def damaged(change):
    (part,) = parts("eu", 2, SECOND, 5)
    return "lists", part[1] | change


TWICE = f"[{IVAN.canonical},{IVAN.canonical}]"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"hash": "0" * 64}, "do not have the hash"),
        ({"rows": "[]"}, "do not have the hash"),
        ({"rows": "no json"}, "do not have the hash"),
        ({"chunk": 0, "chunks": 1, "epoch": 1, "hash": "1" * 64}, "epoch 1 is in force"),
        ({"kind": "EXCEPTIONS"}, "of kind LISTED"),
    ],
)
def test_a_version_that_is_wrong_is_refused_and_the_one_before_stays(change, reason):
    log = [*parts("eu", 1, FIRST), damaged(change), posting("C1", "Ivan Petrov", 9, "p1")]
    log.append(posting("C1", "Li Wei", 10, "p2"))
    out = run(placed(log))
    refused = out["screening.runs"].row(1, named=True)
    assert refused["outcome"] == "REFUSED"
    assert reason in refused["reason"]
    assert [event for *_, event in alerts(out)] == ["p1"]


@pytest.mark.parametrize(
    "text",
    [
        "[1]",
        "{}",
        "[]",
        "[" * 100_000,
        TWICE,
        f"[ {IVAN.canonical}]",
        f"[{IVAN.canonical}]".replace("PERSON", "GHOST"),
        f"[{IVAN.canonical}]".replace('"birth_year":0', '"birth_year":-1'),
    ],
)
def test_rows_that_are_not_what_they_should_be_are_refused_whole(text):
    hash_ = hashlib.sha256(f"[{text[1:-1]}]".encode()).hexdigest()
    log = [*parts("eu", 1, FIRST), damaged({"rows": text, "hash": hash_})]
    out = run(placed([*log, posting("C1", "Ivan Petrov", 9, "p1")]))
    assert out["screening.runs"]["outcome"].to_list() == ["IN_FORCE", "REFUSED"]
    assert [event for *_, event in alerts(out)] == ["p1"]


def test_parts_may_come_in_any_order_and_twice_and_an_older_version_is_overtaken():
    one, two = parts("eu", 2, SECOND, 5, cut=True)
    older, _ = parts("eu", 1, FIRST, 4, cut=True)
    log = [older, two, two, one, posting("C1", "Li Wei", 9, "p1"), one, older]
    out = run(placed(log), [1, 2, 3])
    assert out["screening.runs"].select(
        "epoch", "outcome", "first_offset", "last_offset"
    ).rows() == [
        (2, "IN_FORCE", 1, 3),
        (1, "REFUSED", 5, 5),
    ]
    assert [event for *_, event in alerts(out)] == ["p1"]


def test_a_partition_knows_so_many_lists_and_no_more():
    log = [part for n in range(versions.MOST_LISTS + 1) for part in parts(f"l{n}", 1, [MARIA])]
    runs = run(placed(log))["screening.runs"]
    assert runs["outcome"].to_list() == ["IN_FORCE"] * versions.MOST_LISTS + ["REFUSED"]
