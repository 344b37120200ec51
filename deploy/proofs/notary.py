"""Reads the regulatory log as committed, keeps a Merkle tree a partition, and signs its head.

A step at a time, so that a crash at any moment leaves nothing wrong:

    read and check every link -> tiles -> indexes -> state (one step) -> checkpoint (one step)

Tiles are written once: the same events give the same tiles, others are a fork and an error. What
was signed is signed for ever: a tree that is smaller, or did not grow out of the last one signed,
is refused.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.errors import UserError
from deploy.proofs.checkpoint import Checkpoint, heads_text, origin_of
from deploy.proofs.counts import plain
from deploy.proofs.events import batch_indexes
from deploy.proofs.files import Differs, append, create, replace, write_once
from deploy.proofs.folder import BATCH, OFFSET, LogFolder
from deploy.proofs.keys import SigningKey, verified
from deploy.proofs.sources import PIECE, TOPIC, Source, events, pieces
from deploy.proofs.state import load
from schemas.merkle import verify_consistency
from schemas.notes import Note, NoteError
from schemas.tiles import WIDTH, Tile, number_path, tile_path
from udfs.regulatory.verify import LINK_SIZE, verify_chain

Echo = Callable[[str], None]


class Notary:
    """The trees of all partitions in one folder, and the head that lists them."""

    def __init__(self, path: Path, origin: str, partitions: int, key: SigningKey) -> None:
        """Go on from what is in `path`.

        Args:
            path: The notary's folder; a folder a partition is made in it.
            origin: Name of the whole log; a partition's is this, a slash and its number.
            partitions: Partitions of the topic.
            key: What heads are signed with.
        """
        self.path = path
        self.origin = origin
        self.key = key
        self.shards = [
            ShardNotary(path / str(shard), origin, shard, key) for shard in range(partitions)
        ]

    def run(self, source: Source, echo: Echo = lambda line: None) -> int:
        """Read to the end of each partition and sign; how many events were new.

        A partition that cannot be signed does not keep the others from it.

        Raises:
            UserError: A partition cannot be signed; the first one's reason.
        """
        new, troubles = 0, []
        for shard in self.shards:
            try:
                found = shard.read(source, echo)
                signed = shard.sign()
            except UserError as error:
                troubles.append(error)
                continue
            new += found
            if found:
                echo(f"{signed.origin}: {signed.size:,} events signed, {found:,} of them new")
        self._sign_heads()
        if troubles:
            raise troubles[0]
        return new

    def _sign_heads(self) -> None:
        heads = [head for shard in self.shards if (head := shard.last()) is not None]
        text = heads_text(self.origin, heads)
        note = str(Note(text, (self.key.sign(text, self.origin),))).encode()
        total = sum(head.size for head in heads)
        if len(heads) == len(self.shards):
            replace(self.path / "head", note)
            write_once([(self.path / "heads" / number_path(total), note)])


class ShardNotary:
    """The tree of one partition."""

    def __init__(self, path: Path, origin: str, shard: int, key: SigningKey) -> None:
        """Go on from the state in `path`; UserError if it is damaged or another log's."""
        self.files = LogFolder(path)
        self.shard = shard
        self.origin = origin_of(origin, shard)
        self.key = key
        self.state = load(path / "state.json", self.origin)
        last = self.last()
        if last is not None:
            create(self.files.archive_path(last.size), (path / "checkpoint").read_bytes())
            if last.size == self.state.size:
                self.state.counts.signed()

    def last(self) -> Checkpoint | None:
        """What was signed last, None if nothing was; UserError if that is not by our key."""
        try:
            found = self.files.checkpoint()
            if found is None:
                return None
            note, checkpoint = found
            if not verified(note, [self.key.public(self.origin)]):
                raise NoteError("it is not signed by this notary's key")
        except NoteError as error:
            raise UserError(
                f"the checkpoint in {self.files.path} cannot be gone on from: {error}; "
                "put the right key or the right file back"
            ) from None
        return checkpoint

    def read(self, source: Source, echo: Echo = lambda line: None, size: int = PIECE) -> int:
        """Take in what the log holds behind the last event known; how many events that was.

        Raises:
            UserError: A link does not hold, or the log is not the one read before.
        """
        self._look_back(source)
        before, start = self.state.size, self.state.next
        for span in pieces(source, TOPIC, self.shard, None if start < 0 else start, size):
            self._take(*events(span), following=span.offsets[-1] + 1)
            if self.state.size - before > size:
                echo(f"{self.origin}: {self.state.size:,} events read")
        return self.state.size - before

    def sign(self) -> Checkpoint:
        """Sign the tree as it is and keep the checkpoint; the last one if nothing is new.

        Raises:
            UserError: The tree is not what grew out of the one signed last.
        """
        last, state = self.last(), self.state
        root = state.edge.root()
        if last is not None and (last.size, last.root) == (state.size, root):
            return last
        if last is not None and last.size > state.size:
            raise UserError(
                f"{self.origin}: refused to sign {state.size} events after {last.size}: "
                "truncated tail, the log lost events that were signed"
            )
        self._write(state.edge.partial())
        if last is not None and last.size and not self._grew(last, root):
            raise UserError(
                f"{self.origin}: refused to sign {state.size} events: fork, they did not grow out "
                f"of the {last.size} signed before"
            )
        checkpoint = Checkpoint(self.origin, state.size, root, state.counts.lines())
        text = checkpoint.text
        note = str(Note(text, (self.key.sign(text, self.origin),))).encode()
        replace(self.files.path / "checkpoint", note)
        create(self.files.archive_path(checkpoint.size), note)
        state.counts.signed()
        return checkpoint

    def _look_back(self, source: Source) -> None:
        """See that the last event known is still there: a log that was cut off ends before it."""
        state = self.state
        if not state.size:
            return
        end = source.ends(TOPIC, self.shard)[1]
        span = source.read(TOPIC, self.shard, state.anchor, state.anchor + 1)
        there = end > state.anchor and span.offsets == [state.anchor]
        if not there or (span.values[0] or b"")[-LINK_SIZE:] != state.head:
            raise UserError(
                f"{self.origin}: event {state.size - 1} is no longer at offset {state.anchor}: "
                "truncated tail or fork, the log is not the one that was read; run: tidemark verify"
            )

    def _take(self, offsets: Sequence[int], messages: list[bytes], following: int) -> None:
        """Check one piece, write what it completes, and remember how far that is."""
        state = self.state
        first, leaves = state.size, list[bytes]()
        verdict = verify_chain(messages, first, state.head, f"regulatory/{self.shard}", leaves)
        if not verdict.ok:
            raise UserError(
                f"{self.origin}: nothing is signed from event {verdict.first_bad_sequence} on: "
                f"{verdict.problem}"
            )
        edges = [tile_path(tile.level, tile.index) for tile in state.edge.partial()]
        self._write(state.edge.add(leaves))
        self._index(first, offsets, messages)
        state.head, state.next = verdict.head, following
        if offsets:
            state.anchor = offsets[-1]
        state.save(self.files.path / "state.json")
        self._forget_partial(edges)

    def _write(self, tiles: list[Tile]) -> None:
        try:
            write_once((self.files.path / tile.path, tile.hashes) for tile in tiles)
        except Differs as error:
            raise UserError(
                f"{self.origin}: fork, tile {error} holds other events than the log does now; "
                "run: tidemark verify"
            ) from None

    def _index(self, first: int, offsets: Sequence[int], messages: list[bytes]) -> None:
        """Note where every 256th event stands, and what each batch covers."""
        start = -first % WIDTH
        entries = b"".join(map(OFFSET.pack, offsets[start::WIDTH]))
        append(self.files.path / "offsets", -(-first // WIDTH) * OFFSET.size, entries)
        batches: dict[str, list[bytes]] = {}
        for place, index in batch_indexes(messages):
            self.state.counts.add(index)
            for part in index.parts:
                if plain(index.job) and plain(part.topic):
                    entry = BATCH.pack(part.first, part.last, first + place)
                    batches.setdefault(f"{index.job}/{part.topic}", []).append(entry)
        for name, found in sorted(batches.items()):
            at = self.state.batches.get(name, 0)
            append(self.files.path / "batches" / name, at * BATCH.size, b"".join(found))
            self.state.batches[name] = at + len(found)

    def _grew(self, last: Checkpoint, root: bytes) -> bool:
        try:
            path = self.files.tiles(self.state.size).consistency_path(last.size)
        except ValueError as error:
            raise UserError(f"{self.origin}: {error}; put the tile back from a copy") from None
        return verify_consistency(last.size, self.state.size, path, last.root, root)

    def _forget_partial(self, edges: Sequence[str]) -> None:
        """Partial tiles that have become full ones are not needed any more."""
        for name in edges:
            full = self.files.path / name
            if full.exists():
                shutil.rmtree(full.with_name(f"{full.name}.p"), ignore_errors=True)
