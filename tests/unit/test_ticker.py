"""The ticker goes on whatever the broker does, tells of trouble once, and ends when told to."""

import logging
from threading import Event, Thread

import pytest

from connectors import ticker
from connectors.topics import TICK_KEY


class Broker:
    """Stands in for the producer: takes ticks, and fails in the rounds it is told to."""

    def __init__(self, settings: dict[str, object]) -> None:
        self.settings = settings
        self.sent: list[tuple[str, bytes, bytes, int]] = []
        self.polled = 0
        self.flushed = False

    def produce(self, topic: str, value: bytes, key: bytes, partition: int) -> None:
        if self.polled in FULL:
            raise BufferError("queue full")
        self.sent.append((topic, value, key, partition))

    def poll(self, timeout: float) -> int:
        self.polled += 1
        return 0

    def flush(self, timeout: float) -> int:
        self.flushed = True
        return 0


FULL: set[int] = set()


class Rounds(Event):
    """Lets so many rounds pass, then says stop."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self.left = rounds
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        self.left -= 1
        return self.left == 0


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Broker]:
    brokers: list[Broker] = []

    def make(settings: dict[str, object]) -> Broker:
        brokers.append(Broker(settings))
        return brokers[-1]

    monkeypatch.setattr(ticker, "Producer", make)
    FULL.clear()
    return brokers


def test_each_round_ticks_every_partition_of_every_topic(made: list[Broker]) -> None:
    stop = Rounds(3)
    ticker.run("broker:1", ["a", "b"], 2, 50, stop)
    places = [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
    assert made[0].sent == [(t, b"", TICK_KEY, p) for _ in range(3) for t, p in places]
    assert stop.waits == [0.05] * 3
    assert made[0].flushed


def test_trouble_is_told_once_and_its_end_once(
    made: list[Broker], caplog: pytest.LogCaptureFixture
) -> None:
    FULL.update({2, 3, 5})
    ticker.run("broker:1", ["a"], 1, 1_000, Rounds(40))
    told = [message.getMessage() for message in caplog.records]
    assert len(told) == 2
    assert told[0].startswith("ticks do not arrive at broker:1, trying on: a/0")
    assert told[1] == "ticks arrive at broker:1 again"
    assert len(made[0].sent) == 37


def test_a_broker_that_is_away_does_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    stop = Event()
    with caplog.at_level(logging.WARNING):
        thread = Thread(target=ticker.run, args=("127.0.0.1:1", ["a"], 1, 20, stop))
        thread.start()
        thread.join(1.0)
        assert thread.is_alive()
        stop.set()
        thread.join(10.0)
    assert not thread.is_alive()
    assert [record.name for record in caplog.records] == ["connectors.ticker"]
