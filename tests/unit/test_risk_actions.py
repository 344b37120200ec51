"""Splits and dividends, announced or not, by hand: amounts in the text are euros."""

from tests.risk_frames import EQUITY, SECOND, START, Event, fill, fold, mark, tick
from udfs.risk.marks import Quality
from udfs.risk.parameters import DAY_US
from udfs.risk.step import TABLES, RiskStep

MIDNIGHT = 16 * 3_600 * SECOND
EX = 300 * SECOND


def run(*events, ends=None):
    return fold(RiskStep(), TABLES, events, ends)


def slices(outputs, *names):
    frame = outputs["pnl"].filter(kind="SLICE")
    return frame.select(names).rows()


def action(kind, new, old, amount, at=EX):
    row = {
        "action_id": f"{kind}|{at}",
        "time": START + at,
        "isin": EQUITY,
        "kind": kind,
        "new": new,
        "old": old,
        "amount": amount,
        "price_scale": 2,
    }
    return Event("corporate.actions", row)


SPLIT = [
    action("SPLIT", 2, 1, 5_00),
    mark(EQUITY, 0, 10_00),
    fill("A", EQUITY, SECOND, 100, 10_00),
    mark(EQUITY, EX - 1, 10_00),
    mark(EQUITY, EX + SECOND, 5_00),
    fill("A", EQUITY, EX + SECOND, 10, 5_00),
    tick(EX + 6 * SECOND),
    fill("A", EQUITY, EX + 7 * SECOND, 10, 5_00),
    mark(EQUITY, EX + 8 * SECOND, 6_00),
]
"""100 shares at 10 become 200 at 5; 20 more are bought at 5; all of them gain 1."""


def test_a_split_makes_no_profit_on_its_way():
    """Not by a mark of the new price before the position splits, nor by an old one after."""
    out = run(*SPLIT)
    assert {row[0] for row in slices(out, "total")[:-1]} == {0}
    assert slices(out, "total", "realised", "unvalued")[-1] == (220_00, 0, 0)
    held = out["positions"].row(-1, named=True)
    assert (held["quantity"], held["cost"], held["cost_fifo"]) == (220, 1_100_00, 1_100_00)


def test_a_point_has_the_split_too():
    out = run(*SPLIT, tick(EX + 70 * SECOND))
    rows = out["pnl"].filter(kind="POINT").select("time", "total", "net", "unvalued").rows()
    assert rows == [
        (START + 60 * SECOND, 0, 1_000_00, 0),
        (START + EX, 0, 1_000_00, 0),
        (START + EX + 60 * SECOND, 220_00, 1_320_00, 0),
    ]


def test_a_fill_from_before_a_split_that_comes_after_it_is_refused_and_named():
    out = run(*SPLIT, fill("A", EQUITY, EX - 2, 10, 10_00))
    assert slices(out, "total", "unvalued", "complete")[-1] == (220_00, 1, False)
    (told,) = out["risk.refused"].to_dicts()
    assert (told["reason"], told["subject"], told["isin"]) == ("before a split", "A", EQUITY)
    assert (told["source_topic"], told["time"]) == ("fills", START + EX - 2)


def test_a_dividend_is_realised():
    """100 shares at 0.50."""
    out = run(
        action("DIVIDEND", 1, 1, 50),
        mark(EQUITY, 0, 10_00),
        fill("A", EQUITY, SECOND, 100, 10_00),
        tick(EX + 6 * SECOND),
        mark(EQUITY, EX + 7 * SECOND, 9_50),
    )
    names = ("realised", "realised_fifo", "unrealised", "total")
    assert slices(out, *names)[-1] == (50_00, 50_00, -50_00, 0)


def opened(price, *more):
    """A share that closes at 10 and opens at `price` the next day."""
    day = [mark(EQUITY, MIDNIGHT - SECOND, 10_00), fill("A", EQUITY, MIDNIGHT - 1, 100, 10_00)]
    return run(*more, *day, mark(EQUITY, MIDNIGHT + SECOND, price))


def test_a_split_that_was_not_announced_is_flagged_for_the_day():
    out = opened(5_00)
    assert slices(out, "stale", "complete")[-1] == (1, False)
    out = opened(6_00)
    assert slices(out, "stale", "complete")[-1] == (0, True)
    out = opened(5_00, action("SPLIT", 2, 1, 5_00, MIDNIGHT))
    assert slices(out, "total", "stale", "complete")[-1] == (0, 0, True)


def test_the_flag_ends_with_the_day():
    day = [mark(EQUITY, MIDNIGHT - SECOND, 10_00), fill("A", EQUITY, MIDNIGHT - 1, 100, 10_00)]
    two = [mark(EQUITY, MIDNIGHT + i * DAY_US + SECOND, 5_00) for i in range(2)]
    out = run(*day, *two, ends=[1, 2, 3, 4])
    assert slices(out, "stale")[-2:] == [(1,), (0,)]
    assert Quality.STALE == 1
