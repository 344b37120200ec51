"""The rule that scores customers: when it speaks, on what it rests, what it names."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.aml_flow_fold import START, cuts_of, fold, frame_of, tables_for
from udfs.aml import model
from udfs.aml.features import closed
from udfs.aml.flow_owners import numbered
from udfs.aml.model import matrix
from udfs.aml.model_score import ModelScore, Params
from udfs.aml.rule import DAY, EVENTS, Band

RULE = ModelScore()
ALL = Params(bands=(Band(name="LOW", at_least=0, score=300_000),))
LATER = {"at": START + 60 * DAY, "owner": "Z"}


def structuring(days=4, **more):
    """A cash-in of 9,500 a day, then one wire abroad of nearly all."""
    cash = [
        {"at": START + n * DAY, "base": 9_500_00, "channel": "CASH", "direction": "CREDIT",
         "area": f"US-{n}", "counterparty_account": "", **more}
        for n in range(days)
    ]  # fmt: skip
    wire = {"at": START + days * DAY, "base": 37_000_00, "channel": "WIRE",
            "counterparty_country": "PA", **more}  # fmt: skip
    return [*cash, wire]


def test_an_outcome_counts_when_the_day_is_closed_and_rests_on_its_postings():
    rows = [
        {"at": START + 5, "base": 10_50},
        {"at": START + 9, "base": 20_00, "late": True},
        LATER,
    ]
    (row,) = fold(RULE, rows, ALL).to_dicts()
    assert (row["at"], row["subject"], row["account"]) == (LATER["at"], "A", "")
    assert (row["events"], row["event_count"], row["amount"]) == (["p0000", "p0001"], 2, 30_50)
    assert (row["first_time"], row["last_time"], row["late"]) == (START + 5, START + 9, True)
    assert (row["first_offset"], row["last_offset"]) == (0, 1)
    assert (row["band"], row["score"]) == ("LOW", 300_000)
    assert row["limit"] == f"0.000000 by model {ALL.model}"
    assert row["measured"].startswith("boosted 0.")
    assert row["reason"].startswith("Model aml-1: ")


def test_a_launderer_is_told_from_a_payment():
    """Cash-ins just below 10,000 on four days and a wire abroad, against one payment of 20."""
    rows = [*structuring(), {"at": START, "owner": "B", "base": 20_00}, LATER]
    found = fold(RULE, rows, Params())
    assert set(found["subject"]) == {"A"}
    assert "cash" in found["reason"][0]


def test_measured_is_what_the_model_says_of_the_features():
    rows = [*structuring(), LATER]
    tables = tables_for(RULE)
    events = numbered(tables, frame_of(rows)).select(*EVENTS)
    days = list(closed(tables, events))
    scorer = model.load(ALL.model)
    scores = [int(scorer.scores("boosted", matrix(day.rows))[0]) for day in days]
    said = fold(RULE, rows, ALL.model_copy(update={"cool_down_s": 0}))["measured"].to_list()
    assert [float(text.split(",")[0].removeprefix("boosted ")) for text in said] == [
        score / 1_000_000 for score in scores
    ]


@pytest.mark.parametrize("by", ["boosted", "forest"])
def test_the_band_begins_at_its_limit(by):
    rows = [*structuring(), LATER]
    said = fold(RULE, rows, ALL.model_copy(update={"by": by, "cool_down_s": 0}))["measured"]
    scores = [int(text.split(",")[0].split(".")[1]) for text in said]
    most = max(scores)
    for limit, count in ((most, scores.count(most)), (most + 1, 0)):
        bands = (Band(name="HIGH", at_least=limit, score=1),)
        params = ALL.model_copy(update={"by": by, "cool_down_s": 0, "bands": bands})
        assert fold(RULE, rows, params).height == count


def test_a_cool_down_holds_back_until_it_is_over():
    """Days are closed 1 to 8 days after the start, the ninth by the posting after 60 days."""
    rows = [{"at": START + n * DAY} for n in range(9)] + [LATER]
    found = fold(RULE, rows, ALL)
    assert [(at - START) // DAY for at in found["at"]] == [1, 8, 60]


def test_at_most_so_many_features_are_named():
    for most in (1, 5):
        said = fold(RULE, [*structuring(), LATER], ALL.model_copy(update={"named": most}))
        assert max(text.count("(peers ") for text in said["reason"]) <= most


def test_what_stands_in_the_reason_is_the_customers():
    said = fold(RULE, [*structuring(), LATER], ALL.model_copy(update={"cool_down_s": 0}))
    assert any("USD" in text and "+" in text for text in said["reason"])
    assert np.all(said["event_count"].to_numpy() == 1)


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.integers(0, 40).map(lambda t: START + t * DAY // 2),
            "owner": st.sampled_from("AB"),
            "base": st.sampled_from([1_00, 9_000_00, 2_000_00]),
            "channel": st.sampled_from(["CASH", "TRANSFER"]),
            "direction": st.sampled_from(["CREDIT", "DEBIT"]),
            "late": st.booleans(),
        }
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=40, deadline=None)
@given(ROWS, st.sampled_from(["boosted", "forest"]), st.data())
def test_other_cuts_give_the_same_outcomes(rows, by, data):
    params = ALL.model_copy(update={"by": by})
    ends = data.draw(cuts_of(rows))
    assert fold(RULE, rows, params, ends, restart=True).equals(fold(RULE, rows, params))
