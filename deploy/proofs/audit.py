"""Is a partition's log the one that was signed? Its chain, its tree, and every checkpoint kept.

The log is read once: each link is checked, and the tree over the events is built anew and compared
with each signed root. Where they differ, the tiles say from which event on, and a proof against the
signed root says whether the tiles can be believed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from connectors.log import Span
from deploy.errors import UserError
from deploy.proofs.checkpoint import Checkpoint
from deploy.proofs.counts import Counts
from deploy.proofs.events import LINK_SIZE, batch_indexes, read_event
from deploy.proofs.folder import LogFolder
from deploy.proofs.keys import verified
from deploy.proofs.sources import TOPIC, Source, events, pieces
from deploy.proofs.witness import seen
from schemas.merkle import leaf_hash, verify_inclusion
from schemas.notes import COSIGNATURE, Note, NoteError, PublicKey
from schemas.tiles import HASH_SIZE, WIDTH, RightEdge
from udfs.regulatory.verify import Verdict, verify_chain

CHANGED, DROPPED, SWAPPED = "changed byte", "dropped record", "swapped order"
TRUNCATED, FORK = "truncated tail", "fork"
SIGNATURE, ROLLED_BACK = "wrong signature", "rolled-back checkpoint"
COUNTS, TILE = "wrong counts", "damaged tile"
_KINDS = {"changed": CHANGED, "gap": DROPPED, "order": SWAPPED, "repeated": "repeated record"}
_KINDS |= {"producer": "foreign record", "undecodable": "undecodable record"}


@dataclass(frozen=True)
class Finding:
    """What is wrong: the kind, the event it begins at (or the size of the checkpoint), and why."""

    kind: str
    position: int
    text: str


@dataclass(frozen=True)
class Audit:
    """What was found in one partition.

    Attributes:
        chain: The verdict on the chain by itself.
        findings: Everything that is wrong; the log's own first, then checkpoints by size.
        signed: Events that a checkpoint with a good signature covers; None without a notary.
        checkpoints: How many checkpoints were compared.
    """

    chain: Verdict
    findings: tuple[Finding, ...] = ()
    signed: int | None = None
    checkpoints: int = 0


@dataclass(frozen=True)
class Trust:
    """What a log is compared with.

    Attributes:
        notary: The notary's folder, of all partitions.
        keys: The notary's public keys, and those of witnesses whose cosignatures must hold.
        witness: A witness's own folder; None if there is none.
    """

    notary: Path
    keys: tuple[PublicKey, ...]
    witness: Path | None = None

    def of_shard(self, shard: int) -> list[PublicKey]:
        """The keys whose signature counts for a partition's checkpoints.

        Raises:
            UserError: None of them is of this partition's log.
        """
        own = [key for key in self.keys if key.kind != COSIGNATURE]
        found = [key for key in own if key.name.endswith(f"/{shard}")]
        if not found:
            raise UserError(
                f"none of the keys is of partition {shard}; give the notary's notary.pub"
            )
        return [*found, *(key for key in self.keys if key.kind == COSIGNATURE)]


def audit(source: Source, shard: int, trust: Trust | None = None) -> Audit:
    """Check a partition of the log, against what was signed if `trust` says what that is."""
    heads = _Heads(trust, shard) if trust is not None else None
    walk = _Walk(heads)
    verdict = verify_chain(
        walk.messages(pieces(source, TOPIC, shard)),
        producer=f"regulatory/{shard}",
        leaves=walk.leaves,
    )
    walk.finish()
    if heads is None:
        found = [] if verdict.ok else [_chain_finding(verdict)]
        return Audit(verdict, tuple(found))
    findings = [*_log_findings(verdict, walk, heads), *heads.findings, *walk.findings]
    newest = heads.newest
    return Audit(verdict, tuple(findings), newest.size if newest else 0, len(heads.good))


class _Heads:
    """The signed heads of a partition: those with a good signature, and what is wrong otherwise.

    `good` has them by size, `tiled` is the newest one that the folder itself has, with its tiles.
    """

    def __init__(self, trust: Trust, shard: int) -> None:
        self.folder = LogFolder(trust.notary / str(shard))
        self.keys = trust.of_shard(shard)
        self.origin = self.keys[0].name
        self.findings: list[Finding] = []
        self.good: dict[int, Checkpoint] = {}
        sizes = self.folder.sizes()
        for size in sizes:
            self._keep(size)
        self._current(sizes)
        self.tiled = self.newest
        if trust.witness is not None:
            for key in self.keys:
                if key.kind == COSIGNATURE:
                    self._witnessed(trust.witness, key)

    @property
    def newest(self) -> Checkpoint | None:
        """The head with the most events; a witness may know one that the folder does not have."""
        return self.good[max(self.good)] if self.good else None

    def _keep(self, size: int) -> None:
        try:
            found = self.folder.archived(size)
            if found is None:
                return
            checkpoint = self._verified(*found)
        except NoteError as error:
            self._finding(SIGNATURE, size, f"the kept checkpoint of {size} events: {error}")
            return
        if checkpoint.size != size:
            text = f"in place of the checkpoint of {size} events stands one of {checkpoint.size}"
            self._finding(ROLLED_BACK, size, text)
            return
        self.good[size] = checkpoint

    def _current(self, sizes: Sequence[int]) -> None:
        """The newest checkpoint: it must be the greatest of those kept."""
        last = sizes[-1] if sizes else 0
        try:
            found = self.folder.checkpoint()
            if found is None:
                if sizes:
                    self._finding(ROLLED_BACK, 0, f"the checkpoint is gone; {last} was signed")
                return
            checkpoint = self._verified(*found)
        except NoteError as error:
            self._finding(SIGNATURE, last, f"the newest checkpoint: {error}")
            return
        if checkpoint.size < last:
            text = f"the newest checkpoint is of {checkpoint.size} events, {last} were signed"
            self._finding(ROLLED_BACK, checkpoint.size, text)
        self._agree(checkpoint, "the newest checkpoint")

    def _witnessed(self, path: Path, key: PublicKey) -> None:
        """What a witness saw cannot be taken back, whatever the notary's folder says now."""
        checkpoint = seen(path, self.origin, key)
        if checkpoint is None:
            return
        last = max(self.good, default=0)
        if checkpoint.size > last:
            text = f"{last} events are signed, {key.name} cosigned {checkpoint.size}"
            self._finding(ROLLED_BACK, last, text)
        self._agree(checkpoint, f"the checkpoint {key.name} cosigned")

    def _agree(self, checkpoint: Checkpoint, what: str) -> None:
        kept = self.good.setdefault(checkpoint.size, checkpoint)
        if kept.root != checkpoint.root:
            text = f"{what} of {checkpoint.size} events has another root than the one kept"
            self._finding(FORK, checkpoint.size, text)

    def _verified(self, note: Note, checkpoint: Checkpoint) -> Checkpoint:
        signed = verified(note, self.keys)
        if checkpoint.origin != self.origin:
            raise NoteError(f"it is of {checkpoint.origin}, not of {self.origin}")
        if not any(one.key.name == self.origin for one in signed):
            raise NoteError(f"it is not signed by the key of {self.origin}")
        return checkpoint

    def _finding(self, kind: str, position: int, text: str) -> None:
        self.findings.append(Finding(kind, position, text))


class _Walk:
    """Hands messages to the chain's check, and takes the leaves of those that hold."""

    def __init__(self, heads: _Heads | None) -> None:
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


def _log_findings(verdict: Verdict, walk: _Walk, heads: _Heads) -> Iterator[Finding]:
    """What is wrong with the log itself, as the chain and the newest signed tree have it."""
    newest, tiled = heads.newest, heads.tiled
    forked = _forked(walk, tiled, heads.folder) if tiled else None
    if forked is not None:
        yield forked
        if forked.kind == FORK:
            walk.findings = [one for one in walk.findings if one.kind != FORK]
            return
    if not verdict.ok:
        yield _refined(_chain_finding(verdict), walk.bad, tiled, heads.folder)
    elif newest is not None and walk.size < newest.size:
        text = f"the log ends after {walk.size} events, {newest.size} were signed"
        yield Finding(TRUNCATED, walk.size, text)


def _forked(walk: _Walk, tiled: Checkpoint, folder: LogFolder) -> Finding | None:
    """From which event on the log is another than the one signed; None if it is not."""
    at = walk.differs
    if at is None:
        return None
    tiles = folder.tiles(tiled.size)
    try:
        path, signed = tiles.inclusion_path(at), tiles.leaf(at)
    except ValueError as error:
        return Finding(TILE, at, f"the tree cannot be read: {error}")
    if verify_inclusion(at, tiled.size, signed, path, tiled.root):
        text = (
            f"the log holds another event {at} than the one signed; every link holds all the same"
        )
        return Finding(FORK, at, text)
    return Finding(TILE, at, f"the tile of event {at} does not fit the signed root")


def _chain_finding(verdict: Verdict) -> Finding:
    problem = verdict.problem or ""
    kind = _KINDS.get(problem.partition(":")[0], problem)
    return Finding(kind, verdict.first_bad_sequence or 0, problem)


def _refined(
    finding: Finding, message: bytes | None, tiled: Checkpoint | None, folder: LogFolder
) -> Finding:
    """The finding, knowing the events that were signed: one that is none of them was changed."""
    if message is None or tiled is None or finding.position >= tiled.size:
        return finding
    tiles = folder.tiles(tiled.size)
    try:
        sequence = read_event(message).sequence
        genuine = leaf_hash(message[:-LINK_SIZE]) == tiles.leaf(sequence)
    except (ValueError, IndexError):
        genuine = False
    if genuine or finding.kind == CHANGED:
        return finding
    text = f"changed: event {finding.position} is not the one signed ({finding.text})"
    return replace(finding, kind=CHANGED, text=text)
