import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.risk.fills import accepted, numbered
from udfs.risk.positions import Positions, apply, fees

INSTRUMENTS = pl.DataFrame(
    {
        "isin": ["A", "B", "OPT"],
        "currency": ["EUR", "USD", "EUR"],
        "price_scale": [2, 4, 2],
        "multiplier": [1, 1, 100],
        "value_scale": [2, 4, 2],
    }
)
NO_KEYS = pl.DataFrame(schema={"book": pl.String, "isin": pl.String})
FILL = {
    "trade_time": 0,
    "sequence": 0,
    "book": "EQ",
    "isin": "A",
    "side": "BUY",
    "quantity": 10,
    "price": 100,
    "price_scale": 2,
    "currency": "EUR",
    "fee": 0,
}


def fills(*rows):
    return pl.DataFrame([FILL | {"fill_id": f"f{i}"} | row for i, row in enumerate(rows)])


def test_each_refusal_is_named_and_counted():
    got = accepted(
        fills(
            {},
            {"isin": "X"},
            {"currency": "USD"},
            {"quantity": 0},
            {"price": 1_001, "price_scale": 3},
            {"quantity": 2**50},
            {"quantity": 10**12, "price": 10**15},
            {"isin": "X", "quantity": 0},
            {"price": 10**15, "price_scale": 0, "isin": "B", "currency": "USD"},
        ),
        INSTRUMENTS,
    )
    assert got.fills["fill_id"].to_list() == ["f0"]
    assert got.reasons() == {
        "currency": 1,
        "no quantity": 1,
        "price scale": 1,
        "too large": 3,
        "unknown instrument": 2,
    }
    assert got.refused.columns == [*fills({}).columns, "fee_currency", "reason"]


def test_prices_are_brought_to_the_scale_of_the_instrument():
    got = accepted(
        fills(
            {"price": 10, "price_scale": 0},
            {"price": 10_120, "price_scale": 3},
            {"price": 15, "price_scale": 1, "isin": "B", "currency": "USD", "side": "SELL"},
        ),
        INSTRUMENTS,
    ).fills
    assert got["price"].to_list() == [1_000, 1_012, 15_000]
    assert got["units"].to_list() == [10, 10, -10]
    assert got["value_scale"].to_list() == [2, 2, 4]


def test_fills_count_in_order_of_time_sequence_and_id():
    got = accepted(
        fills({"trade_time": 5}, {"trade_time": 1, "sequence": 2}, {"trade_time": 1}, {}),
        INSTRUMENTS,
    ).fills
    assert got["fill_id"].to_list() == ["f3", "f2", "f1", "f0"]


def test_positions_keep_their_numbers():
    first = fills({}, {"book": "FX"}, {})
    keys, at = numbered(NO_KEYS, first)
    assert at.to_list() == [0, 1, 0]
    keys, at = numbered(keys, fills({"isin": "B"}, {"book": "FX"}))
    assert at.to_list() == [2, 1]
    assert keys.rows() == [("EQ", "A"), ("FX", "A"), ("EQ", "B")]
    assert numbered(keys, fills({}).clear())[1].to_list() == []


def test_from_records_to_positions_and_fees():
    got = accepted(
        fills(
            {"isin": "OPT", "quantity": 2, "price": 150, "fee": 130},
            {"isin": "OPT", "quantity": 1, "price": 175, "fee": 90, "side": "SELL", "sequence": 1},
        ).with_columns(fee_currency=pl.Series(["EUR", "JPY"])),
        INSTRUMENTS,
    ).fills
    keys, at = numbered(NO_KEYS, got)
    after, _ = apply(Positions.flat(keys.height), at, got["units"], got["price"], got["multiplier"])
    assert after.realised_fifo.tolist() == [25_00]
    currencies = {"EUR": 0, "JPY": 1}
    paid = fees(at, got["fee_currency"].replace_strict(currencies), got["fee"], keys.height, 2)
    assert paid.tolist() == [[130, 90]]


row = st.fixed_dictionaries(
    {
        "trade_time": st.integers(0, 3),
        "isin": st.sampled_from(["A", "OPT"]),
        "book": st.sampled_from(["EQ", "FX"]),
        "side": st.sampled_from(["BUY", "SELL"]),
        "quantity": st.integers(1, 9),
        "price": st.integers(1, 99),
    }
)


@settings(max_examples=20)
@given(st.lists(row, min_size=1, max_size=20), st.randoms())
def test_the_order_of_arrival_changes_no_bit(rows, random):
    rows = [r | {"sequence": i, "fill_id": f"f{i}"} for i, r in enumerate(rows)]

    def state(rows):
        got = accepted(fills(*rows), INSTRUMENTS).fills
        keys, at = numbered(NO_KEYS, got)
        after, _ = apply(
            Positions.flat(keys.height), at, got["units"], got["price"], got["multiplier"]
        )
        held = [after.quantity, after.cost, after.realised_average, after.realised_fifo]
        return keys.rows(), [a.tolist() for a in (*held, *after.lots.columns())]

    expected = state(rows)
    random.shuffle(rows)
    assert state(rows) == expected
