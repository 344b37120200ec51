"""How far the notary has read one partition: a file that is replaced in one step, or not at all.

It is written after the tiles and before the checkpoint. A crash between leaves it behind the tiles:
the same events are then read again and give the same tiles. Without it the log is read from its
beginning.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.errors import UserError
from deploy.proofs.counts import Counts
from deploy.proofs.files import replace
from schemas.merkle import GENESIS
from schemas.tiles import RightEdge

_VERSION = 1


@dataclass
class State:
    """Where the tree of a partition ends.

    Attributes:
        origin: Of the tree.
        head: Last link of the chain.
        anchor: Kafka offset of the last event; -1 before the first.
        next: Kafka offset to go on reading from; -1 for the first there is.
        edge: Size and right edge of the tree.
        counts: Input records by job, topic partition and hour.
        batches: Entries in each file of batches, by `JOB/TOPIC`.
    """

    origin: str
    head: bytes = GENESIS
    anchor: int = -1
    next: int = -1
    edge: RightEdge = field(default_factory=RightEdge)
    counts: Counts = field(default_factory=Counts)
    batches: dict[str, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Events in the tree."""
        return self.edge.size

    def save(self, path: Path) -> None:
        """Replace the file; on disk when this returns."""
        text = json.dumps(self._document(), indent=1, sort_keys=True)
        replace(path, f"{text}\n{_digest(text)}\n".encode())

    def _document(self) -> dict[str, Any]:
        return {
            "version": _VERSION,
            "origin": self.origin,
            "size": self.size,
            "head": self.head.hex(),
            "anchor": self.anchor,
            "next": self.next,
            "edge": [hashes.hex() for hashes in self.edge.levels()],
            "inputs": self.counts.document(),
            "batches": self.batches,
        }


def load(path: Path, origin: str) -> State:
    """The state in a file; one that has read nothing if there is none.

    Raises:
        UserError: The file is damaged, or belongs to another log.
    """
    try:
        text, _, digest = path.read_text(encoding="utf-8").rstrip("\n").rpartition("\n")
    except FileNotFoundError:
        return State(origin)
    except UnicodeDecodeError:
        text, digest = "", "-"
    if digest != _digest(text):
        raise UserError(f"{path} is damaged; delete it: the log is then read from its beginning")
    found = json.loads(text)
    if found["version"] != _VERSION or found["origin"] != origin:
        raise UserError(
            f"{path} belongs to {found['origin']}, version {found['version']}, not to {origin}; "
            "give another --notary folder or mend the setting origin"
        )
    return State(
        origin,
        bytes.fromhex(found["head"]),
        found["anchor"],
        found["next"],
        RightEdge(found["size"], [bytes.fromhex(hashes) for hashes in found["edge"]]),
        Counts.of(found["inputs"]),
        found["batches"],
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
