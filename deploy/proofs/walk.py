"""One pass over a partition's events: its tree grows and is compared with each signed root."""

from collections.abc import Iterable, Iterator

from connectors.log import Span
from deploy.proofs.counts import Counts
from deploy.proofs.events import batch_indexes
from deploy.proofs.findings import COUNTS, FORK, Finding
from deploy.proofs.heads import Heads
from deploy.proofs.sources import events
from schemas.tiles import HASH_SIZE, WIDTH, RightEdge


class Walk:
    """Hands messages to the chain's check, and takes the leaves of those that hold.

    Attributes:
        leaves: Where the chain's check puts the leaf of each message that holds.
        bad: The first message that does not hold; None if all do.
        differs: The first event that is not in its tile; None if there is none.
        findings: Signed roots and counts that the log does not have.
    """

    def __init__(self, heads: Heads | None) -> None:
        """Compare with `heads`; None leaves the tree out."""
        self.leaves: list[bytes] = []
        self.bad: bytes | None = None
        self.differs: int | None = None
        self.findings: list[Finding] = []
        self._heads = heads
        self._edge = RightEdge()
        self._counts = Counts()
        self._due = sorted(heads.good) if heads else []
        self._known = heads.tiled.size if heads and heads.tiled else 0
        self._current: list[bytes] = []
        self._tile = b""

    @property
    def size(self) -> int:
        """Events that hold."""
        return self._edge.size

    def messages(self, spans: Iterable[Span]) -> Iterator[bytes]:
        """The events' messages; after each piece its leaves are taken in."""
        for span in spans:
            _, self._current = events(span)
            yield from self._current
            self.finish()

    def finish(self) -> None:
        """Take in what was found of the current piece."""
        leaves, messages = self.leaves[:], self._current
        self.leaves.clear()
        self._current = []
        if len(leaves) < len(messages) and self.bad is None:
            self.bad = messages[len(leaves)]
        if self._heads is not None:
            self._compare(leaves, messages[: len(leaves)])

    def _compare(self, leaves: list[bytes], messages: list[bytes]) -> None:
        """Grow the tree, stopping at each signed size."""
        if self.differs is None:
            self.differs = self._first_difference(leaves)
        taken = 0
        while self._due and self._due[0] <= self.size + len(leaves) - taken:
            step = self._due[0] - self.size
            self._grow(leaves[taken : taken + step], messages[taken : taken + step])
            taken += step
            self._at_checkpoint(self._due.pop(0))
        self._grow(leaves[taken:], messages[taken:])

    def _grow(self, leaves: list[bytes], messages: list[bytes]) -> None:
        self._edge.add(leaves)
        for _, index in batch_indexes(messages):
            self._counts.add(index)

    def _at_checkpoint(self, size: int) -> None:
        assert self._heads is not None
        checkpoint = self._heads.good[size]
        if checkpoint.root != self._edge.root():
            text = f"the log's first {size} events do not have the root that was signed"
            self.findings.append(Finding(FORK, size, text))
            return
        wrong = [line for line in checkpoint.counts if not self._counts.agrees(line)]
        if wrong:
            text = f"the checkpoint of {size} events says: {wrong[0]}; the log says otherwise"
            self.findings.append(Finding(COUNTS, size, text))

    def _first_difference(self, leaves: list[bytes]) -> int | None:
        """The first of `leaves` that is not in its tile, as a place in the tree."""
        assert self._heads is not None
        first, end = self.size, min(self.size + len(leaves), self._known)
        at = first
        while at < end:
            start = at % WIDTH
            count = min(WIDTH - start, end - at)
            width = min(WIDTH, self._known - (at - start))
            if not start or not self._tile:
                self._tile = self._heads.folder.fetch(0, at // WIDTH, width)
            ours = b"".join(leaves[at - first : at - first + count])
            theirs = self._tile[start * HASH_SIZE : (start + count) * HASH_SIZE]
            if ours != theirs:
                return at + next(
                    (n for n in range(count) if _hash(ours, n) != _hash(theirs, n)), count
                )
            at += count
        return None


def _hash(hashes: bytes, place: int) -> bytes:
    return hashes[place * HASH_SIZE : (place + 1) * HASH_SIZE]
