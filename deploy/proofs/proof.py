"""The proof file: an event of the log, or a raw record behind one, with all that proves it.

C2SP tlog-proof. `extra` is JSON, canonical (keys sorted, no spaces):

    {"event": ...}                                     the event's message without its link
    {"event": ..., "index": n, "path": [...], "record": ...}   and a raw record of its batch

Bytes are base64. With `record` the event is a batch index: the record is leaf `index` of the tree
over the batch's input, whose root stands in the event. The link is left out because a tree does not
hold it; every bit of the file is covered by a hash or a signature.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.proofs.checkpoint import Checkpoint, parse_checkpoint
from schemas.notes import Note, NoteError, decode64, encode64, parse_note

TITLE = "c2sp.org/tlog-proof@v1"
SUFFIX = ".tlog-proof"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_LONGEST_PATH = 63


class ProofError(ValueError):
    """A proof does not hold, or is none; the message says why, in a few words."""


@dataclass(frozen=True)
class RecordProof:
    """A raw record, and its place and path in the input tree of its batch."""

    record: bytes
    index: int
    path: tuple[bytes, ...]


@dataclass(frozen=True)
class Proof:
    """What a proof file holds.

    Attributes:
        event: The event's message without its link.
        index: Its place in the tree.
        path: Sibling hashes, leaf to root.
        note: The checkpoint, with its signatures.
        record: The raw record that the event, a batch index, covers; None if it is about the event.
    """

    event: bytes
    index: int
    path: tuple[bytes, ...]
    note: Note
    record: RecordProof | None = None

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint as numbers; ProofError if it is none."""
        try:
            return parse_checkpoint(self.note.text)
        except NoteError as error:
            raise ProofError(f"the checkpoint is damaged: {error}") from None

    def __str__(self) -> str:
        """The file."""
        extra: dict[str, Any] = {"event": encode64(self.event)}
        if self.record is not None:
            path = [encode64(node) for node in self.record.path]
            extra |= {"record": encode64(self.record.record)}
            extra |= {"index": self.record.index, "path": path}
        lines = [TITLE, f"extra {encode64(_json(extra))}", f"index {self.index}"]
        lines += [encode64(node) for node in self.path]
        return "\n".join(lines) + f"\n\n{self.note}"


def parse_proof(octets: bytes) -> Proof:
    """The proof in a file; nothing is verified.

    Raises:
        ProofError: It is not exactly one proof.
    """
    head, blank, rest = octets.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
        if lines[0] != TITLE:
            raise ProofError(f"it does not begin with {TITLE}")
        if not blank:
            raise ProofError("it is cut off before the checkpoint")
        extra = _extra(_tagged(lines, 1, "extra"))
        index = _number(_tagged(lines, 2, "index"))
        path = _hashes(lines[3:])
        note = parse_note(rest)
    except UnicodeDecodeError:
        raise ProofError("it is no text") from None
    except NoteError as error:
        raise ProofError(f"it is damaged: {error}") from None
    event = _octets(extra, "event")
    if len(extra) == 1:
        return Proof(event, index, path, note)
    place = extra["index"]
    if type(place) is not int or place < 0 or not isinstance(extra["path"], list):
        raise ProofError("its extra line is damaged")
    try:
        nodes = _hashes([str(node) for node in extra["path"]])
    except NoteError as error:
        raise ProofError(f"its extra line is damaged: {error}") from None
    return Proof(event, index, path, note, RecordProof(_octets(extra, "record"), place, nodes))


def _extra(encoded: str) -> dict[str, Any]:
    """The JSON of the extra line, which must be the one form of what it says."""
    octets = decode64(encoded)
    try:
        found = json.loads(octets)
    except (ValueError, RecursionError):
        raise ProofError("its extra line is no JSON") from None
    known = ({"event"}, {"event", "index", "path", "record"})
    if not isinstance(found, dict) or set(found) not in known or _json(found) != octets:
        raise ProofError("its extra line does not hold an event, or an event and a record")
    return found


def _octets(extra: Mapping[str, Any], name: str) -> bytes:
    if not isinstance(extra[name], str):
        raise ProofError(f"its {name} is damaged: not a text")
    try:
        return decode64(extra[name])
    except NoteError as error:
        raise ProofError(f"its {name} is damaged: {error}") from None


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _tagged(lines: Sequence[str], place: int, tag: str) -> str:
    found, space, text = lines[place].partition(" ") if place < len(lines) else ("", "", "")
    if found != tag or not space:
        raise ProofError(f"its line {place + 1} does not begin with {tag}")
    return text


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ProofError(f"{text[:40]} is no index")
    return int(text)


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    hashes = tuple(map(decode64, lines))
    if len(hashes) > _LONGEST_PATH or any(len(node) != 32 for node in hashes):
        raise ProofError("a line of its path is no hash of 32 bytes")
    return hashes
