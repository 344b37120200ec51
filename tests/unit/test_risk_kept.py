"""What is kept of state tables is what they hold, also for a process that starts in between."""

from connectors.state import ColumnTable
from tests.risk_frames import EQUITY, OTHER, SECOND, fill, fold, mark, parts, tick
from udfs.risk.book_state import set_value, value_of
from udfs.risk.kept import Kept
from udfs.risk.step import TABLES, RiskStep

LOG = [
    mark(EQUITY, 0, 10_00),
    fill("A", EQUITY, 1, 10, 9_00),
    mark(OTHER, 2, 20_00),
    fill("B", OTHER, 3, 5, 20_00),
    mark(EQUITY, 4, 11_00),
    fill("A", OTHER, 5, -5, 21_00),
    mark(EQUITY, 90 * SECOND, 12_00, currency="USD"),
    mark(EQUITY, 91 * SECOND, 12_00),
    tick(200 * SECOND),
]


def test_a_table_is_read_once_until_it_is_written_to():
    reads = []
    kept = Kept(lambda table: reads.append(table) or len(reads))
    table = ColumnTable(TABLES["clock"])
    assert [kept.of(table), kept.of(table)] == [1, 1]
    kept.forget(table)
    assert kept.of(table) == 2
    kept.put(table, 7)
    assert kept.of(table) == 7


def test_numbers_of_the_clock_are_the_last_that_were_set():
    state = {"clock": ColumnTable(TABLES["clock"])}
    assert value_of(state, "next") == 0
    set_value(state, "next", 3)
    assert (value_of(state, "next"), value_of(state, "other")) == (3, 0)


def _restarted(table):
    """The table as another process has it: rebuilt from its rows, in new memory."""
    other = ColumnTable(table.spec)
    frame = table.frame()
    (other.append if table.spec.key is None else other.upsert)(frame)
    return other


def test_a_process_that_starts_after_each_batch_says_the_same():
    whole = fold(RiskStep(), TABLES, LOG)
    state = {name: ColumnTable(spec) for name, spec in TABLES.items()}
    told = {}
    for part in parts(LOG, range(1, len(LOG) + 1)):
        for topic, frame in RiskStep()(state, part.batch, part.clock).items():
            told.setdefault(topic, []).extend(frame.rows())
        state = {name: _restarted(table) for name, table in state.items()}
    assert {topic: rows for topic, rows in told.items() if rows} == {
        topic: frame.rows() for topic, frame in whole.items()
    }


def test_ticks_alone_say_nothing_between_points():
    out = fold(RiskStep(), TABLES, [*LOG, tick(201 * SECOND), tick(202 * SECOND)])
    assert out["pnl"].rows() == fold(RiskStep(), TABLES, LOG)["pnl"].rows()


def test_what_waits_is_left_alone_until_an_instrument_gets_terms():
    """Judged once more in the slice after it came, as no other count of terms was known before."""
    state = {name: ColumnTable(spec) for name, spec in TABLES.items()}
    log = [mark(EQUITY, 0, 10_00), fill("A", OTHER, 1, 5, 20_00), *(tick(i) for i in (2, 3, 4))]
    log += [mark(OTHER, 5, 21_00)]
    untouched = len(ColumnTable(TABLES["waiting"]).delta())
    changes, units = [], []
    for part in parts(log, range(1, len(log) + 1)):
        RiskStep()(state, part.batch, part.clock)
        changes.append(len(state["waiting"].delta()) > untouched)
        units.append(state["holdings"].frame()["quantity"].to_list())
    assert changes == [False, True, True, False, False, True]
    assert units == [[], [], [], [], [], [5]]
