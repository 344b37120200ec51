"""Tails and scenario vectors equal a second implementation that shares no code with them."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.naive import tails as naive
from udfs.risk import attribution, scenarios, tails

values = st.integers(-1000, 1000)
tail_sizes = st.sampled_from([1, 9_999, 10_000, 25_000, 50_000, 333_333, 500_000, 999_999])


@given(st.lists(values, min_size=1, max_size=80), tail_sizes)
def test_equal_weights(pnl, tail_ppm):
    share = Fraction(tail_ppm, 1_000_000)
    found = tails.historical(pnl, tail_ppm)
    assert (found.var, found.es_fractional) == naive.tail(pnl, [1] * len(pnl), share)
    assert found.es_inclusive == naive.mean_of_worst(pnl, share)


@given(
    st.lists(st.tuples(values, st.integers(0, 9)), min_size=1, max_size=80).filter(
        lambda rows: any(weight for _, weight in rows)
    ),
    tail_sizes,
)
def test_unequal_weights(rows, tail_ppm):
    pnl, weights = zip(*rows, strict=True)
    found = tails.weighted(pnl, weights, tail_ppm)
    share = Fraction(tail_ppm, 1_000_000)
    assert (found.var, found.es_fractional) == naive.tail(pnl, weights, share)


@settings(max_examples=60)
@given(st.data())
def test_books_and_trades(data):
    count = data.draw(st.integers(1, 30))
    rows = st.lists(values, min_size=count, max_size=count)
    changes = data.draw(st.lists(rows, min_size=1, max_size=4))
    held = data.draw(st.lists(values, min_size=len(changes), max_size=len(changes)))
    bought = data.draw(st.dictionaries(st.integers(0, len(changes) - 1), values, max_size=3))
    found = scenarios.scenario_set([f"I{i}" for i in range(len(changes))], changes)
    book = scenarios.vector(found, held)
    before = naive.book(held, changes)
    assert book.pnl.tolist() == before
    after = naive.book([q + bought.get(i, 0) for i, q in enumerate(held)], changes)
    assert scenarios.traded(book, found, bought).pnl.tolist() == after
    what = attribution.what_if(book, found, bought, 50_000)
    share = Fraction(1, 20)
    assert what.incremental_es == naive.mean_of_worst(after, share) - naive.mean_of_worst(
        before, share
    )
