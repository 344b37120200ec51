import pytest
from hypothesis import given

from tests.aml_fold import cuts, drawn, fold, postings, seeds
from udfs.aml import cash_log
from udfs.aml.cash_funnel import FunnelAccount, Params
from udfs.aml.rule import DAY, HOUR, WHOLE


def run(rows, params=None, ends=(), quiet=0):
    return fold(FunnelAccount(), postings(rows), params or Params(), ends, quiet)


def met(rows, params=None):
    return [int(events[-1][1:]) for events in run(rows, params)["events"].to_list()]


def paid_in(at, base, area, **more):
    return at, base, {"area": area} | more


def wire(at, base, area="", **more):
    return at, base, {"area": area, "channel": "WIRE", "direction": "DEBIT"} | more


def three(*areas, step=HOUR):
    """1,000.00 paid in at each area, an hour apart."""
    return [paid_in(i * step, 100_000, area) for i, area in enumerate(areas)]


def test_what_an_outcome_tells():
    said = run([*three("A", "B", "C"), wire(DAY, 250_000)]).row(0, named=True)
    assert said["measured"] == (
        "3 areas, 3 deposits of 3000.00 USD together within 72 h, 2500.00 USD out within 72 h"
    )
    assert said["limit"] == "3 areas, 3 deposits, 800000 ppm of their sum out within 72 h"
    assert (said["subject"], said["account"], said["band"]) == ("P", "P1", "LOW")
    assert (said["amount"], said["events"]) == (250_000, ["e0000", "e0001", "e0002", "e0003"])


@pytest.mark.parametrize(
    ("areas", "found"),
    [
        ("ABC", [3]),
        ("ABA", []),  # two areas
        (["A", "B", "US-NY"], []),  # one of them at home
        (["A", "B", ""], []),  # one of them unknown
    ],
)
def test_three_areas_away_from_home_are_needed(areas, found):
    assert met([*three(*areas), wire(DAY, 300_000)]) == found


def test_more_areas_make_a_higher_band():
    for areas, band in (
        ("ABC", "LOW"),
        ("ABCD", "MEDIUM"),
        ("ABCDE", "MEDIUM"),
        ("ABCDEF", "HIGH"),
    ):
        assert run([*three(*areas), wire(DAY, 600_000)])["band"].to_list() == [band]


def test_the_number_of_deposits_is_a_parameter():
    rows = [*three("A", "B", "C"), wire(DAY, 300_000)]
    assert met(rows, Params(deposits=4)) == []
    assert met([*three("A", "B", "C", "A"), wire(DAY, 400_000)], Params(deposits=4)) == [4]


@pytest.mark.parametrize(("out", "found"), [(239_999, []), (240_000, [3]), (240_001, [3])])
def test_eight_tenths_must_leave(out, found):
    # 3 * 1,000.00, of which 80 % are 2,400.00.
    assert met([*three("A", "B", "C"), wire(DAY, out)]) == found


def test_several_debits_add_up_and_only_those_after_the_first_deposit():
    rows = [paid_in(0, 1, "US-NY"), wire(1, 300_000), *three("A", "B", "C", step=HOUR)[1:]]
    rows = [rows[0], rows[1], *[paid_in(2 + i, 100_000, a) for i, a in enumerate("ABC")]]
    assert met([*rows, wire(DAY, 100_000), wire(DAY + 1, 140_000), wire(DAY + 2, 1)]) == [6, 7]


@pytest.mark.parametrize(("area", "found"), [("A", []), ("D", [3]), ("US-NY", [3]), ("", [3])])
def test_a_debit_in_an_area_of_the_deposits_does_not_count(area, found):
    cash = {"channel": "CASH", "direction": "DEBIT", "area": area}
    assert met([*three("A", "B", "C"), (DAY, 300_000, cash)]) == found


@pytest.mark.parametrize(
    ("first", "out", "found"),
    [
        (0, 10 * DAY - 1, [4]),  # the first deposit is still within 10 days
        (0, 10 * DAY, []),  # and now exactly so old
    ],
)
def test_a_deposit_exactly_as_old_as_the_window_is_outside(first, out, found):
    rows = [paid_in(first, 100_000, "A"), paid_in(8 * DAY, 1, "B"), paid_in(8 * DAY, 1, "C")]
    assert met([*rows, wire(8 * DAY, 1), wire(out, 100_000)]) == found


@pytest.mark.parametrize(("out", "found"), [(3 * DAY + 3, [4]), (3 * DAY + 4, [])])
def test_a_debit_exactly_three_days_old_is_outside(out, found):
    rows = [paid_in(i, 100_000, area) for i, area in enumerate("ABC")]
    assert met([*rows, wire(4, 200_000), wire(out, 40_000)]) == found


def test_an_account_is_looked_at_not_a_person():
    rows = three("A", "B", "C")
    rows[2][2]["account"] = "P2"
    assert met([*rows, wire(DAY, 300_000)]) == []


def test_late_converted_and_scaled():
    rows = three("A", "B", "C")
    rows[1][2].update(late=True, currency="EUR", amount=1)
    assert run([*rows, wire(DAY, 300_000)])["late"].to_list() == [True]
    floor = Params(floor=600_000)
    assert met([*rows, wire(DAY, 300_000)], floor) == []
    assert met([*rows, wire(DAY, 300_000, factor=WHOLE // 2)], floor) == [3]


def test_an_account_with_very_many_postings_is_judged_by_its_latest():
    busy = [wire(HOUR * 3 + i, 1) for i in range(cash_log.KEPT)]
    rows = [*three("A", "B", "C"), *busy[: cash_log.KEPT - 4], wire(DAY, 300_000)]
    assert met(rows) == [cash_log.KEPT - 1]
    rows = [*three("A", "B", "C"), *busy[: cash_log.KEPT - 3], wire(DAY, 300_000)]
    assert met(rows) == []
    for ends in ((2 * HOUR,), (3 * HOUR + 100,), (3 * HOUR + 252,)):
        assert run(rows, None, ends).is_empty()


def test_an_account_without_deposits_is_forgotten(monkeypatch):
    forgotten = []
    keep = cash_log.remember

    def spy(table, *arguments):
        keep(table, *arguments)
        forgotten.append(len(table))

    monkeypatch.setattr(cash_log, "remember", spy)
    rows = [*three("A"), wire(9 * DAY, 1), wire(10 * DAY, 1), wire(11 * DAY, 1)]
    run(rows, None, (HOUR, 9 * DAY, 10 * DAY - 1))
    assert forgotten == [1, 1, 1, 0]


def posting(one_of):
    own = {
        "late": one_of([False] * 9 + [True]),
        "account": one_of(["P1", "P1", "P2"]),
        "area": one_of(["", "", "US-NY", "A", "B", "C", "D"]),
        "direction": one_of(["CREDIT", "DEBIT"]),
        "channel": one_of(["CASH", "CASH", "CASH", "WIRE"]),
        "home_area": one_of([*["US-NY"] * 8, "D", ""]),
    }
    small = own["direction"] == "CREDIT"
    return one_of(range(13 * 12)) * 2 * HOUR, one_of([1, 100_000] if small else [1, 200_000]), own


def log(seed):
    return drawn(posting, 60, seed)


def naive(rows):
    """(event, most areas) by the definition."""
    for i, (at, _, own) in enumerate(rows):
        if own["direction"] == "CREDIT":
            continue
        best = 0
        for days in (3, 10):
            window = [j for j in range(i + 1) if rows[j][0] > at - days * DAY]
            window = [j for j in window if rows[j][2]["account"] == own["account"]]
            deposits = [
                j
                for j in window
                if (rows[j][2]["direction"], rows[j][2]["channel"]) == ("CREDIT", "CASH")
                and rows[j][2]["home_area"]
                and rows[j][2]["area"] not in ("", rows[j][2]["home_area"])
            ]
            areas = {rows[j][2]["area"] for j in deposits}
            out = [
                j
                for j in window
                if rows[j][2]["direction"] == "DEBIT"
                and rows[j][0] > at - 3 * DAY
                and rows[j][2]["area"] not in areas
                and deposits
                and j > deposits[0]
            ]
            gained, taken = (sum(rows[j][1] for j in js) for js in (deposits, out))
            if len(areas) >= 3 and len(deposits) >= 3 and i in out and 5 * taken >= 4 * gained:
                best = max(best, len(areas))
        if best:
            yield i, best


@given(seeds)
def test_equals_the_naive_definition(seed):
    said = run(log(seed))
    areas = [int(text.split()[0]) for text in said["measured"].to_list()]
    assert [*zip(met(log(seed)), areas, strict=True)] == list(naive(log(seed)))


@given(seeds, cuts(13 * DAY))
def test_any_cut_gives_the_same_outcomes(seed, ends):
    assert run(log(seed), None, ends, DAY).equals(run(log(seed)))


def test_the_logs_tried_meet_the_rule_and_fail_it():
    met = sum(len(run(log(seed))) for seed in range(20))
    assert 20 < met < 20 * 20
