"""What the notary signs: a tree's head a partition, and one head that lists all of them.

A checkpoint is a C2SP tlog-checkpoint: origin, size, root, then one line for each count of input
records (deploy/proofs/counts.py). The list of all heads is a signed note of its own; its first line
ends in ` heads`, so that neither passes for the other.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.notes import Note, NoteError, decode64, encode64, parse_note

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_HEADS = " heads"


@dataclass(frozen=True)
class Checkpoint:
    """The head of one tree: `size` leaves, root of 32 bytes, `counts` the lines behind it."""

    origin: str
    size: int
    root: bytes
    counts: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What is signed."""
        lines = (self.origin, str(self.size), encode64(self.root), *self.counts)
        return "".join(f"{line}\n" for line in lines)

    @property
    def shard(self) -> int:
        """The partition, which the origin ends with.

        Raises:
            NoteError: It does not.
        """
        _, slash, number = self.origin.rpartition("/")
        if not slash or not _NUMBER.fullmatch(number):
            raise NoteError(f"the origin {self.origin} names no partition")
        return int(number)


def origin_of(origin: str, shard: int) -> str:
    """The origin of a partition's tree."""
    return f"{origin}/{shard}"


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint that a note's text is.

    Raises:
        NoteError: It is none.
    """
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < 3 or not all(lines):
        raise NoteError("a checkpoint has at least three lines, and none is empty")
    if not _NUMBER.fullmatch(lines[1]):
        raise NoteError(f"{lines[1][:40]} is no tree size")
    root = decode64(lines[2])
    if len(root) != 32:
        raise NoteError("the root has not 32 bytes")
    return Checkpoint(lines[0], int(lines[1]), root, tuple(lines[3:]))


def read_checkpoint(octets: bytes) -> tuple[Note, Checkpoint]:
    """A checkpoint as it is stored, with its signatures, not verified; NoteError if it is none."""
    note = parse_note(octets)
    return note, parse_checkpoint(note.text)


def heads_text(origin: str, heads: Sequence[Checkpoint]) -> str:
    """The text of the list of all heads: a title, then `ORIGIN SIZE ROOT` a partition."""
    lines = [f"{head.origin} {head.size} {encode64(head.root)}\n" for head in heads]
    return "".join([f"{origin}{_HEADS}\n", *lines])


def parse_heads(text: str) -> tuple[str, list[Checkpoint]]:
    """The origin and the heads that such a text lists; NoteError if it is none."""
    title, *lines = text.removesuffix("\n").split("\n")
    if not title.endswith(_HEADS):
        raise NoteError("not a list of heads")
    heads = []
    for line in lines:
        rest, _, root = line.rpartition(" ")
        origin, _, size = rest.rpartition(" ")
        heads.append(parse_checkpoint(f"{origin}\n{size}\n{root}\n"))
    return title.removesuffix(_HEADS), heads
