"""The signed heads of one partition: which can be trusted, and what is wrong with the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import UserError
from deploy.proofs.checkpoint import Checkpoint
from deploy.proofs.findings import FORK, ROLLED_BACK, SIGNATURE, Finding
from deploy.proofs.folder import LogFolder
from deploy.proofs.keys import verified
from deploy.proofs.witness import seen
from schemas.notes import COSIGNATURE, Note, NoteError, PublicKey


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


class Heads:
    """The signed heads of a partition: those with a good signature, and what is wrong otherwise.

    `good` has them by size, `tiled` is the newest one that the folder itself has, with its tiles.
    """

    def __init__(self, trust: Trust, shard: int) -> None:
        """Read and verify every checkpoint there is; UserError if no key is of this partition."""
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
