"""Ids of orders that are over: which of them may not be used again yet."""

from collections import deque

REMEMBERED_US = 600_000_000
"""How long after its end the id of an order stays taken, microseconds of business time."""


class Over:
    """The orders of any number of books that ended a short while ago.

    Attributes:
        latest: Greatest time any of the books has seen, microseconds UTC.
        fresh: Key and end of those that ended since this was last emptied.
    """

    __slots__ = ("_queue", "_times", "fresh", "latest")

    def __init__(self) -> None:
        """No orders."""
        self.latest = 0
        self.fresh: list[tuple[str, int]] = []
        self._times: dict[str, int] = {}
        self._queue: deque[tuple[str, int]] = deque()

    @property
    def since(self) -> int:
        """Those that ended before this time are forgotten, microseconds UTC."""
        return self.latest - REMEMBERED_US

    def taken(self, key: str) -> bool:
        """Whether an order of that key ended a short while ago."""
        ended = self._times.get(key)
        return ended is not None and ended >= self.since

    def add(self, key: str, time: int) -> None:
        """An order is over from `time` on, microseconds UTC."""
        self.fresh.append((key, time))
        self.restore(key, time)

    def restore(self, key: str, time: int) -> None:
        """Know again what was known before."""
        self._times[key] = time
        queue, since = self._queue, self.since
        queue.append((key, time))
        while queue[0][1] < since:
            old, ended = queue.popleft()
            if self._times.get(old) == ended:
                del self._times[old]
            if not queue:
                break
