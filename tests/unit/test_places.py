"""A record's place in one word: what goes in comes out, up to the stated limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.places import MAX_SLICE_MS, MAX_TOPICS, pack, unpack
from connectors.spec import Feed, JobSpec

END = 1_790_000_040_000
TOO_MANY = tuple(Feed(topic) for topic in ["quotes"] * (MAX_TOPICS + 1))


@given(
    st.integers(0, 2**40 - 1),
    st.integers(0, MAX_TOPICS - 1),
    st.booleans(),
    st.integers(1, MAX_SLICE_MS),
    st.integers(0, 59_999),
)
def test_a_place_is_read_as_it_was_written(offset, topic, tick, before, shift):
    end = END + shift
    word = pack(offset, topic, tick, end - before)
    assert 0 <= word < 2**63
    places = unpack(np.array([word]), end)
    found = (places.offset[0], places.topic[0], places.tick[0], places.appended[0])
    assert found == (offset, topic, tick, end - before)


def test_the_word_is_as_documented():
    # Bits from the top: 40 of the offset, 6 of the topic, 1 tick, 16 milliseconds of the minute.
    assert pack(1, 0, False, 60_000) == 1 << 23
    assert pack(0, 63, False, 60_000) == 63 << 17
    assert pack(0, 0, True, 60_000 + 59_999) == (1 << 16) + 59_999
    assert pack(2**40 - 1, 63, True, 65_535) == 2**63 - 1 - 65_535 + 5_535


def test_words_of_a_topic_are_in_the_order_of_their_offsets():
    words = [pack(offset, 40, False, 70_000 - offset) for offset in range(100)]
    assert words == sorted(words)


def test_more_topics_than_fit_are_refused():
    with pytest.raises(ValueError, match="65 feeds: a job reads 1 to 64 topics"):
        JobSpec("netting", TOO_MANY, lambda *_: {}, {}, (), "1")
