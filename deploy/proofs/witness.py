"""A second key that says: what the notary signs now grew out of what I saw it sign before.

The witness trusts nothing in the notary's folder. It remembers the last checkpoint it cosigned, in
a folder of its own, and cosigns the next only if the tiles give a consistency proof from the one to
the other. What it remembers is on disk before its signature leaves it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from deploy.errors import UserError
from deploy.proofs.checkpoint import Checkpoint, read_checkpoint
from deploy.proofs.files import replace
from deploy.proofs.folder import LogFolder, shards
from deploy.proofs.keys import SigningKey, verified
from schemas.merkle import verify_consistency
from schemas.notes import COSIGNATURE, Note, NoteError, PublicKey

DEFAULT_NAME = "tidemark.local/witness"


@dataclass(frozen=True)
class Cosigned:
    """One checkpoint as the witness left it: grown from `before` events to `size`."""

    origin: str
    before: int
    size: int
    time: int


class Refused(UserError):
    """The witness does not sign; one line says why, and names rollback or fork."""


class Witness:
    """What a witness remembers, and the key it signs with."""

    def __init__(
        self, path: Path, name: str, key: SigningKey, notary_keys: Sequence[PublicKey]
    ) -> None:
        """Remember in `path`; cosign as `name` what is signed by `notary_keys`."""
        self.path = path
        self.name = name
        self.key = key
        self.notary_keys = notary_keys

    def run(self, notary: Path, time: int) -> list[Cosigned]:
        """Cosign the newest checkpoint of each partition in a notary's folder.

        Args:
            notary: The folder; each cosignature is added to the kept checkpoint in it.
            time: Unix seconds, which become part of the signature.

        Raises:
            Refused: A checkpoint is not signed by the notary, or not a growth of the one before;
                the first such reason. The other partitions are cosigned all the same.
        """
        done, refusals = [], []
        for shard in shards(notary):
            try:
                done.append(self._cosign(LogFolder(notary / str(shard)), time))
            except Refused as error:
                refusals.append(error)
        if refusals:
            raise refusals[0]
        return done

    def seen(self, origin: str) -> Checkpoint | None:
        """The checkpoint that was cosigned last.

        Raises:
            UserError: What is remembered is damaged.
        """
        return seen(self.path, origin, self.key.public(self.name, COSIGNATURE))

    def _cosign(self, folder: LogFolder, time: int) -> Cosigned:
        note, checkpoint = self._signed_by_notary(folder)
        seen = self.seen(checkpoint.origin)
        before = seen.size if seen else 0
        if seen is not None:
            self._compare(seen, checkpoint, folder)
        cosignature = self.key.cosign(note.text, self.name, time)
        replace(memory(self.path, checkpoint.origin), str(Note(note.text, (cosignature,))).encode())
        self._hand_over(folder, checkpoint.size, note.signed_also([cosignature]))
        return Cosigned(checkpoint.origin, before, checkpoint.size, time)

    def _signed_by_notary(self, folder: LogFolder) -> tuple[Note, Checkpoint]:
        try:
            found = folder.checkpoint()
            if found is None:
                raise NoteError("there is none yet; run: tidemark notary")
            note, checkpoint = found
            keys = [key for key in self.notary_keys if key.name == checkpoint.origin]
            if not verified(note, keys):
                raise NoteError("wrong signature: it is not signed by the notary's key")
        except NoteError as error:
            raise Refused(f"refused the checkpoint in {folder.path}: {error}") from None
        return note, checkpoint

    def _compare(self, seen: Checkpoint, now: Checkpoint, folder: LogFolder) -> None:
        told = f"refused {now.origin} at {now.size}"
        if now.size < seen.size:
            raise Refused(f"{told}: rollback, this witness cosigned {seen.size} events before")
        if now.size == seen.size:
            if now.root != seen.root:
                raise Refused(f"{told}: fork, this witness cosigned another root of this size")
            return
        if not seen.size:
            return
        try:
            path = folder.tiles(now.size).consistency_path(seen.size)
        except ValueError as error:
            raise Refused(f"{told}: no consistency proof, {error}; ask for the tile") from None
        if not verify_consistency(seen.size, now.size, path, seen.root, now.root):
            raise Refused(
                f"{told}: fork, it did not grow out of the {seen.size} events cosigned before"
            )

    def _hand_over(self, folder: LogFolder, size: int, note: Note) -> None:
        """Add the cosignature to the kept checkpoint; an older one of ours gives way to it."""
        kept = folder.archived(size)
        ours = self.key.public(self.name, COSIGNATURE)
        others = [one for one in (kept[0] if kept else note).signatures if not one.of(ours)]
        merged = Note(note.text, tuple(others)).signed_also(note.signatures)
        replace(folder.archive_path(size), str(merged).encode())


def memory(path: Path, origin: str) -> Path:
    """The file in a witness's folder that has the last checkpoint it cosigned of an origin."""
    return path / quote(origin, safe="")


def seen(path: Path, origin: str, key: PublicKey) -> Checkpoint | None:
    """What a witness remembers of an origin, its own signature verified; None if nothing.

    Raises:
        UserError: The file is damaged or was signed by another key.
    """
    file = memory(path, origin)
    try:
        note, checkpoint = read_checkpoint(file.read_bytes())
        if not verified(note, [key]) or checkpoint.origin != origin:
            raise NoteError("it is not signed by this witness")
    except FileNotFoundError:
        return None
    except NoteError as error:
        raise UserError(f"{file} is damaged: {error}; take it from a copy") from None
    return checkpoint
