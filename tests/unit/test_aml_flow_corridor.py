"""High-risk corridor: expected pairs and percentiles by hand; definition in the module."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.aml_flow_fold import START, cuts_of, fold
from udfs.aml.flow_blocks import BLOCK
from udfs.aml.flow_corridor import HighRiskCorridor, Params
from udfs.aml.rule import DAY

RULE = HighRiskCorridor()
PARAMS = Params(floor=0)
BEGIN = START // BLOCK * BLOCK
HIGH = 81_91


def known(count, base=50_00, **more):
    """So many transfers to DE in the block before START's."""
    return [{"at": BEGIN - DAY + i, "base": base, **more} for i in range(count)]


def sent(there, base=100_00, at=0, **more):
    return [{"at": START + at, "base": base, "counterparty_country": there, **more}]


@pytest.mark.parametrize(
    ("row", "reason"),
    [(sent("IR"), "Countries on the list: DE to IR"),
     (sent("IR", direction="CREDIT"), "Countries on the list: IR to DE"),
     (sent("DE", home_country="KP"), "Countries on the list: KP to DE"),
     (sent("IR", home_country="", country="FR"), "Countries on the list: FR to IR")],
)  # fmt: skip
def test_a_watched_pair_of_countries(row, reason):
    assert fold(RULE, row, PARAMS)["reason"].to_list() == [reason]


def test_pairs_have_a_direction():
    params = Params(corridors=(("DE", "FR"), ("*", "NO")))
    assert fold(RULE, sent("FR"), params).height == 1
    assert fold(RULE, sent("FR", direction="CREDIT"), params).is_empty()
    assert fold(RULE, sent("FR", home_country="US"), params).is_empty()
    assert fold(RULE, sent("NO", home_country="US"), params).height == 1
    assert fold(RULE, sent("US"), Params(corridors=(("*", "*"),))).height == 1
    assert fold(RULE, sent("IR"), Params(corridors=())).is_empty()


@pytest.mark.parametrize("channel", ["CASH", "CARD", "DIRECT_DEBIT"])
def test_only_transfers_and_wires(channel):
    assert fold(RULE, sent("IR", channel=channel), PARAMS).is_empty()
    assert fold(RULE, sent("IR", channel="WIRE"), PARAMS).height == 1


@pytest.mark.parametrize(
    ("base", "factor", "band"),
    [(999_99, 10**6, "LOW"), (1_000_00, 10**6, "MEDIUM"), (9_999_99, 10**6, "MEDIUM"),
     (10_000_00, 10**6, "HIGH"), (5_000_00, 500_000, "HIGH"), (4_999_99, 500_000, "MEDIUM")],
)  # fmt: skip
def test_bands_by_amount(base, factor, band):
    assert fold(RULE, sent("IR", base, factor=factor), PARAMS)["band"].to_list() == [band]


@pytest.mark.parametrize(("base", "count"), [(HIGH - 1, 0), (HIGH, 0), (HIGH + 1, 1)])
def test_the_first_transfer_to_a_country_above_the_percentile(base, count):
    found = fold(RULE, known(20) + sent("FR", base), PARAMS)
    assert found["reason"].to_list() == ["First transfer to FR, and large for the owner"] * count
    assert found["limit"].to_list() == ["81.91 USD, percentile of 20 transfers"] * count


def test_only_the_first_and_only_to_that_country():
    rows = known(20) + sent("FR", 1_000_00) + sent("FR", 2_000_00, at=1)
    assert fold(RULE, rows, PARAMS)["amount"].to_list() == [1_000_00]
    rows = known(20) + sent("FR", 1_00) + sent("FR", 2_000_00, at=1) + sent("NO", 900_00, at=2)
    assert fold(RULE, rows, PARAMS)["amount"].to_list() == [900_00]
    assert fold(RULE, known(20) + sent("DE", 1_000_00), PARAMS).is_empty()
    credit = sent("FR", 1_000_00, direction="CREDIT")
    assert fold(RULE, known(20) + credit + sent("FR", 1_000_00, at=1), PARAMS).height == 1


@pytest.mark.parametrize(("count", "found"), [(19, 0), (20, 1)])
def test_at_least_twenty_transfers_are_known(count, found):
    assert fold(RULE, known(count) + sent("FR", 1_000_00), PARAMS).height == found


@pytest.mark.parametrize(("base", "count"), [(500_00, 0), (500_01, 1)])
def test_the_floor_scales_with_the_factor(base, count):
    rows = known(20) + sent("FR", base, factor=500_000)
    assert fold(RULE, rows, Params(floor=1_000_00)).height == count


def test_two_accounts_of_an_owner_know_the_same_countries():
    rows = known(20) + sent("FR", 1_00, account="A2") + sent("FR", 1_000_00, at=1)
    assert fold(RULE, rows, PARAMS).is_empty()
    rows = known(20) + sent("FR", 1_00, owner="B") + sent("FR", 1_000_00, at=1)
    assert fold(RULE, rows, PARAMS).height == 1


def test_every_country_has_its_bit():
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    pairs = [a + b for a in letters for b in letters]
    params = PARAMS.model_copy(update={"corridors": ()})
    rows = [row for i, pair in enumerate(pairs) for row in sent(pair, 1_000_00, at=i)]
    again = [row | {"at": row["at"] + DAY} for row in rows]
    found = fold(RULE, known(20) + rows + again, params, ends=[START + 300])
    assert found["at"].to_list() == [START + i for i, pair in enumerate(pairs) if pair != "DE"]


def test_a_late_event_counts_where_it_stands():
    found = fold(RULE, known(20) + sent("FR", 1_000_00, late=True), PARAMS)
    assert found["late"].to_list() == [True]


def test_a_country_is_two_letters():
    with pytest.raises(ValidationError, match="corridors"):
        Params(corridors=(("DEU", "IR"),))


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.integers(0, 200).map(lambda t: START + t * DAY),
            "owner": st.sampled_from("AB"),
            "direction": st.sampled_from(["DEBIT", "DEBIT", "CREDIT"]),
            "counterparty_country": st.sampled_from(["DE", "FR", "NO", "US", "IR"]),
            "base": st.sampled_from([10_00, 50_00, 900_00, 4_000_00]),
        }
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=100, deadline=None)
@given(ROWS, st.data())
def test_other_cuts_give_the_same_outcomes(rows, data):
    params = Params(floor=0, least=2, percentile=500_000)
    ends = data.draw(cuts_of(rows))
    assert fold(RULE, rows, params, ends, restart=True).equals(fold(RULE, rows, params))
