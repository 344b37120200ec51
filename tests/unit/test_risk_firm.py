import pickle

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.state import ColumnTable
from schemas.records import record
from schemas.step import MIN_TIME, Clock
from tests.naive.logs import cuts
from tests.naive.tables import naive_state
from tests.risk_sets import NOW, A, mark, published
from udfs.risk.firm import FEEDS, TABLES, VERSION, FirmStep
from udfs.risk.firm_points import SUMS

MINUTE = 60_000_000
AGO = 5 * MINUTE
"""What is told of `pnl` is late after so long."""
LADDER = {A: [-i / 1_000 for i in range(1, 101)]}


class Log:
    """Records of all feeds in the order of their places, and what the step says of them."""

    def __init__(self):
        self.rows = []
        self.latest = {}

    def put(self, topic, row, time=None):
        self.latest[topic] = max(self.latest.get(topic, MIN_TIME), time or row["time"])
        behind = AGO if topic == "pnl" else 0
        mark = self.latest[topic] - behind
        known = [r for t, r, _ in self.rows if t == topic]
        place = {"offset": len(known), "appended": len(self.rows), "late": False}
        before = known[-1]["_after"] if known else MIN_TIME
        self.rows.append((topic, row | place | {"watermark": before, "_after": mark}, mark))

    def pnl(self, book, total, point, kind="POINT", **changes):
        sums = dict.fromkeys(SUMS, 0) | {"total": total, "positions": 2, "complete": True}
        self.put("pnl", {"name": book, "kind": kind, "time": point, **sums} | changes)

    def position(self, book, isin, quantity, time=NOW):
        self.put("positions", {"book": book, "isin": isin, "quantity": quantity, "time": time})

    def mark(self, isin, price=100_00, time=NOW):
        row = mark(isin, price, time=time) | {"late": False, "mark_id": f"{isin}|{time}"}
        del row["rate"]
        self.put("marks", row)

    def limit(self, **changes):
        row = {"record_id": "r", "limit_id": "L", "scope": "FIRM", "name": "firm", "measure": "VAR",
               "soft": 1, "hard": 20_000, "revoked": False, "time": 0, "sequence": 0}  # fmt: skip
        self.put("limits", row | changes)

    def scenarios(self, returns, **options):
        for row in published(returns, **options).to_dicts():
            self.put("scenarios", row | {"time": NOW})

    def run(self, ends=None, state=None, shard=0):
        """The outputs of batches that end at these places, each at a full second."""
        state = naive_state(TABLES) if state is None else state
        out, start = {}, 0
        for number, end in enumerate(ends or [len(self.rows)]):
            part = self.rows[start:end]
            batch = {
                topic: pl.DataFrame([r for t, r, _ in part if t == topic],
                                    infer_schema_length=None).drop("_after")
                for topic in FEEDS if any(t == topic for t, *_ in part)
            }  # fmt: skip
            marks = {t: m for t, _, m in self.rows[:end]}
            watermarks = {topic: marks.get(topic, MIN_TIME) for topic in FEEDS}
            clock = Clock((number + 1) * 1_000, min(watermarks.values()), watermarks, shard)
            for topic, frame in FirmStep()(state, batch, clock).items():
                out.setdefault(topic, []).append(frame)
            start = end
        return {topic: pl.concat(frames) for topic, frames in out.items()}


def points(out, *columns):
    found = out.get("firm.pnl")
    if found is None:
        return []
    return found.filter(pl.col("kind") != "SLICE").select(columns or found.columns).rows()


def test_a_point_is_summed_when_all_books_have_told_it():
    log = Log()
    for book, total in (("a", 5), ("b", -7)):
        log.pnl(book, total, 10 * MINUTE, day=total, gross=100, net=total)
    told = log.run()["firm.pnl"]
    assert told["kind"].to_list() == ["POINT", "POINT"]
    # When a told the first point nobody had heard of b: told again with b.
    assert points(log.run(), "time", "total", "gross", "positions", "complete") == [
        (10 * MINUTE, 5, 100, 2, True),
        (10 * MINUTE, -2, 200, 4, True),
    ]
    assert told["slice_end"].to_list() == told["time"].to_list()
    assert told["pnl_id"].is_unique().all()
    assert [*told.columns] == [
        c for c in record("BookPnl").columns if c not in ("producer", "sequence")
    ]
    assert told.select("scope", "name", "version", "source_topic").row(1) == (
        "FIRM",
        "firm",
        VERSION,
        "pnl",
    )


def heard(log, *books):
    for book in books:
        log.pnl(book, 0, 1, "SLICE")


def test_a_book_that_is_behind_counts_with_its_last_point():
    log = Log()
    heard(log, "a", "b")
    log.pnl("a", 5, 10 * MINUTE)
    log.pnl("b", 7, 10 * MINUTE)
    log.pnl("a", 50, 11 * MINUTE)
    log.pnl("a", 500, 12 * MINUTE)
    assert points(log.run(), "total") == [(12,)]
    log.pnl("a", 1, 11 * MINUTE + AGO + 1, "SLICE")
    columns = ("time", "total", "stale", "complete", "too_late")
    assert points(log.run(), *columns)[1:] == [(11 * MINUTE, 57, 2, False, 0)]
    log.pnl("b", 70, 11 * MINUTE)  # of the last point that was summed: again
    log.pnl("b", 8, 10 * MINUTE)  # of one before: counted
    log.pnl("b", 700, 12 * MINUTE)
    assert points(log.run(), *columns)[2:] == [
        (11 * MINUTE, 120, 0, True, 1),
        (12 * MINUTE, 1_200, 0, True, 2),
    ]


def test_a_book_that_skips_a_point_does_not_hold_it_up():
    log = Log()
    heard(log, "a", "b")
    log.pnl("a", 1, 10 * MINUTE)
    log.pnl("a", 2, 11 * MINUTE)
    log.pnl("b", 4, 11 * MINUTE)
    assert points(log.run(), "time", "total", "complete") == [
        (10 * MINUTE, 1, False),
        (11 * MINUTE, 6, True),
    ]


def test_days_and_points_are_apart():
    log = Log()
    heard(log, "a")
    log.pnl("a", 1, 10 * MINUTE)
    log.pnl("a", 3, 10 * MINUTE, "DAY", corrections=2)
    assert points(log.run(), "kind", "total", "corrections") == [("POINT", 1, 0), ("DAY", 3, 2)]


books = st.sampled_from("abc")
told = st.tuples(books, st.integers(-9, 9), st.integers(1, 20), st.sampled_from(["SLICE", "POINT"]))


@settings(max_examples=40)
@given(st.lists(told, max_size=25), st.data())
def test_any_cut_of_the_log_gives_the_same_points(rows, data):
    log = Log()
    for book, total, minute, kind in rows:
        log.pnl(book, total, minute * MINUTE, kind)
    whole = points(log.run())
    ends = data.draw(cuts(len(rows)))
    assert points(log.run(ends)) == whole
    tables = {name: ColumnTable(spec) for name, spec in TABLES.items()}
    assert points(log.run([*range(1, len(rows) + 1)], tables)) == whole


def test_the_slice_is_the_sum_of_the_last_of_each_book():
    log = Log()
    for book, total in (("a", 5), ("b", -7), ("a", 6)):
        log.pnl(book, total, NOW, "SLICE", day=total)
    out = log.run([2, 3])["firm.pnl"]
    assert out.select("total", "day", "time", "slice_end", "inputs").rows() == [
        (-2, -2, 0, 1_000_000, "pnl:0-1"),
        (-1, -1, 0, 2_000_000, "pnl:2-2"),
    ]


def firm_log():
    log = Log()
    log.limit()
    log.mark(A)
    for book, quantity in (("a", 7), ("b", 5), ("b", 3)):
        log.position(book, A, quantity)
        log.pnl(book, 0, NOW, "SLICE")
    return log


def test_risk_of_the_firm_is_that_of_the_sum_of_its_books():
    # 7 + 3 pieces at 100: the ladder of losses from 1 to 100 euros; the limit's soft bound is 1.
    log = firm_log()
    log.scenarios(LADDER)
    out = log.run()
    (var,) = out["firm.var"].to_dicts()
    assert (var["var"], var["es_975"], var["scenarios"]) == (10_000, 9_920, 100)
    assert (var["complete"], var["name"], var["scope"]) == (True, "firm", "FIRM")
    assert (var["first_offset"], var["last_offset"], var["source_topic"]) == (0, 2, "positions")
    (use,) = out["firm.limits"].to_dicts()
    assert (use["value"], use["status"], use["before"]) == (10_000, "SOFT", "WITHIN")
    assert use["use_ppm"] == 500_000


def test_without_scenarios_the_firm_is_not_measured_and_says_so():
    out = firm_log().run()
    (var,) = out["firm.var"].to_dicts()
    assert (var["var"], var["complete"]) == (0, False)
    assert var["incomplete"] == "no scenario set in force"
    assert out["firm.limits"]["status"].to_list() == ["UNMEASURED"]


def test_what_is_sold_is_forgotten_and_stale_marks_are_told():
    log = firm_log()
    log.scenarios(LADDER)
    log.position("a", A, 0)
    log.mark("FR000000000B", time=NOW + 2 * MINUTE)
    state = naive_state(TABLES)
    (var,) = log.run(state=state)["firm.var"].to_dicts()
    assert (var["var"], var["complete"]) == (3_000, False)
    assert var["incomplete"] == f"stale mark: {A}"
    assert len(state["firm.positions"]) == 1


def test_other_shards_do_nothing():
    assert firm_log().run(shard=1) == {}


def test_step_travels_to_a_worker():
    assert pickle.loads(pickle.dumps(FirmStep())) == FirmStep()
