"""The notary's folder of one partition, as a reader finds it.

checkpoint             the newest signed checkpoint
checkpoints/SIZE       every signed checkpoint, by size (x001/234 for 1234), cosignatures added
tile/LEVEL/INDEX       the tree (C2SP tlog-tiles)
offsets                Kafka offset of every 256th event: uint64, little endian
batches/JOB/TOPIC      what each batch of a job read: first and last offset, event; uint64 each
state.json             the notary's own, see deploy/proofs/state.py
"""

import bisect
import struct
from collections.abc import Iterator
from pathlib import Path

from deploy.errors import UserError
from deploy.proofs.checkpoint import Checkpoint, read_checkpoint
from schemas.notes import Note, NoteError
from schemas.tiles import HASH_SIZE, WIDTH, Tiles, number_path, tile_path

OFFSET = struct.Struct("<Q")
BATCH = struct.Struct("<QQQ")


class LogFolder:
    """One partition's tree and checkpoints on disk."""

    def __init__(self, path: Path) -> None:
        """Look into `path`; nothing is read yet."""
        self.path = path

    def checkpoint(self) -> tuple[Note, Checkpoint] | None:
        """The newest checkpoint, not verified; None if there is none yet."""
        return self._checkpoint(self.path / "checkpoint")

    def archived(self, size: int) -> tuple[Note, Checkpoint] | None:
        """The kept checkpoint of a size, with the cosignatures it got; None if there is none."""
        return self._checkpoint(self.archive_path(size))

    def archive_path(self, size: int) -> Path:
        """Where the checkpoint of a size is kept."""
        return self.path / "checkpoints" / number_path(size)

    def sizes(self) -> list[int]:
        """Sizes of all kept checkpoints, ascending."""
        folder = self.path / "checkpoints"
        return sorted(
            int("".join(part.lstrip("x") for part in path.relative_to(folder).parts))
            for path in folder.rglob("[0-9][0-9][0-9]")
        )

    def tiles(self, size: int) -> Tiles:
        """The tree of a size, read from the tiles when they are needed."""
        return Tiles(size, self.fetch)

    def fetch(self, level: int, index: int, width: int) -> bytes:
        """The first hashes of a tile, from it or from a wider one; empty if there is none."""
        for path in self._candidates(level, index, width):
            try:
                return path.read_bytes()[: width * HASH_SIZE]
            except (FileNotFoundError, NotADirectoryError):
                continue
        return b""

    def _candidates(self, level: int, index: int, width: int) -> Iterator[Path]:
        yield self.path / tile_path(level, index, width)
        full = self.path / tile_path(level, index)
        yield full
        folder = full.with_name(f"{full.name}.p")
        wider = [int(path.name) for path in folder.glob("*") if path.name.isdigit()]
        yield from (folder / str(found) for found in sorted(wider) if found > width)

    def span_of(self, sequence: int) -> tuple[int, int | None]:
        """Between which offsets event `sequence` stands, at most 256 events apart; None: the end.

        Raises:
            UserError: The index does not reach so far.
        """
        entry = sequence // WIDTH
        try:
            with (self.path / "offsets").open("rb") as file:
                file.seek(entry * OFFSET.size)
                found = file.read(2 * OFFSET.size)
        except FileNotFoundError:
            found = b""
        if len(found) < OFFSET.size:
            raise UserError(f"{self.path} does not know event {sequence}; run: tidemark notary")
        offsets = [offset for (offset,) in OFFSET.iter_unpack(found)]
        return offsets[0], offsets[1] if len(offsets) > 1 else None

    def batches(self, topic: str, offset: int) -> dict[str, int]:
        """The events whose batch index covers a record of this partition, by job."""
        found = {}
        for path in sorted(self.path.glob(f"batches/*/{topic}")):
            entries = _Entries(path.read_bytes())
            place = bisect.bisect_right(entries, offset) - 1
            if place >= 0:
                _, last, event = BATCH.unpack_from(entries.octets, place * BATCH.size)
                if offset <= last:
                    found[path.parent.name] = int(event)
        return found

    def _checkpoint(self, path: Path) -> tuple[Note, Checkpoint] | None:
        try:
            return read_checkpoint(path.read_bytes())
        except FileNotFoundError:
            return None
        except NoteError as error:
            raise NoteError(f"{path} is no checkpoint: {error}") from None


class _Entries:
    """The first offsets in a file of batches, as a sequence."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets

    def __len__(self) -> int:
        return len(self.octets) // BATCH.size

    def __getitem__(self, place: int) -> int:
        return int(OFFSET.unpack_from(self.octets, place * BATCH.size)[0])


def shards(path: Path) -> list[int]:
    """The partitions that a notary's folder holds."""
    found = [int(one.name) for one in path.glob("*") if one.name.isdigit() and one.is_dir()]
    if not found:
        raise UserError(
            f"there is no notary's folder at {path}; give --notary, or run: tidemark notary"
        )
    return sorted(found)
