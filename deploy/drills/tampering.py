"""Ways to tamper with a signed log, each at a seeded place, with what must be found.

Each takes a `Case`, whose log and folders it may spoil, and a seeded Generator; it gives the kind
and the position that the audit must name.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deploy.proofs import findings
from deploy.proofs.folder import LogFolder
from deploy.proofs.keys import SigningKey
from schemas.merkle import GENESIS, leaf_hash, link
from schemas.notes import Note
from udfs.regulatory.verify import LINK_SIZE, encode_long, prefix_of, sequence_of

Draw = np.random.Generator
Expected = tuple[str, int]


@dataclass
class Case:
    """A log that may be spoilt: the messages of one shard, and the notary's folder of it."""

    messages: list[bytes]
    folder: LogFolder


def changed_byte(case: Case, draw: Draw) -> Expected:
    """One bit of one event is flipped, wherever it is, link included."""
    at = int(draw.integers(len(case.messages)))
    message = case.messages[at]
    case.messages[at] = _flipped(message, int(draw.integers(8 * len(message))))
    return findings.CHANGED, at


def dropped_record(case: Case, draw: Draw) -> Expected:
    """An event is taken out; not the last one, which would be a cut-off tail."""
    at = int(draw.integers(len(case.messages) - 1))
    del case.messages[at]
    return findings.DROPPED, at


def swapped_order(case: Case, draw: Draw) -> Expected:
    """Two events change places."""
    first = int(draw.integers(len(case.messages) - 1))
    second = int(draw.integers(first + 1, len(case.messages)))
    messages = case.messages
    messages[first], messages[second] = messages[second], messages[first]
    return findings.SWAPPED, first


def truncated_tail(case: Case, draw: Draw) -> Expected:
    """The log ends earlier."""
    at = int(draw.integers(len(case.messages)))
    del case.messages[at:]
    return findings.TRUNCATED, at


def fork(case: Case, draw: Draw) -> Expected:
    """History is written anew from some event on, with links that hold.

    The event is changed, or left out and all later ones are numbered anew.
    """
    at = int(draw.integers(len(case.messages) - 1))
    rest = case.messages[at:]
    if draw.integers(2):
        rest = rest[1:]
    else:
        body = len(rest[0]) - LINK_SIZE
        rest[0] = _flipped(rest[0], 8 * (body - 1) + int(draw.integers(8)))
    head = case.messages[at - 1][-LINK_SIZE:] if at else GENESIS
    case.messages[at:] = linked(rest, at, head)
    return findings.FORK, at


def wrong_signature(case: Case, draw: Draw) -> Expected:
    """A kept checkpoint has a flipped bit, or is signed by another key."""
    size = _any_size(case.folder, draw)
    path = case.folder.archive_path(size)
    found = case.folder.archived(size)
    assert found is not None
    note = Note(found[0].text, found[0].signatures[:1])
    if draw.integers(2):
        octets = str(note).encode()
        path.write_bytes(_flipped(octets, int(draw.integers(8 * len(octets)))))
    else:
        other = SigningKey.make().sign(note.text, found[1].origin)
        path.write_bytes(str(Note(note.text, (other,))).encode())
    return findings.SIGNATURE, size


def rolled_back(case: Case, draw: Draw) -> Expected:
    """An older checkpoint stands in place of the newest; often the newer ones are gone, too."""
    sizes = case.folder.sizes()
    size = sizes[int(draw.integers(len(sizes) - 1))]
    shutil.copyfile(case.folder.archive_path(size), case.folder.path / "checkpoint")
    if draw.integers(2):
        for newer in sizes:
            if newer > size:
                case.folder.archive_path(newer).unlink()
    return findings.ROLLED_BACK, size


WAYS: Mapping[str, Callable[[Case, Draw], Expected]] = {
    findings.CHANGED: changed_byte,
    findings.DROPPED: dropped_record,
    findings.SWAPPED: swapped_order,
    findings.TRUNCATED: truncated_tail,
    findings.FORK: fork,
    findings.SIGNATURE: wrong_signature,
    findings.ROLLED_BACK: rolled_back,
}


def linked(messages: list[bytes], sequence: int, head: bytes) -> list[bytes]:
    """The messages as events from `sequence` on, chained to `head`: what a forger would write."""
    made = []
    for message in messages:
        prefix = prefix_of(message)
        rest = message[len(prefix) + len(encode_long(sequence_of(message))) : -LINK_SIZE]
        body = prefix + encode_long(sequence) + rest
        head = link(head, sequence, leaf_hash(body))
        made.append(body + head)
        sequence += 1
    return made


def copy_of(folder: Path, to: Path) -> Path:
    """A copy of a notary's folder to spoil."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to)
    return to


def _any_size(folder: LogFolder, draw: Draw) -> int:
    sizes = folder.sizes()
    return sizes[int(draw.integers(len(sizes)))]


def _flipped(octets: bytes, bit: int) -> bytes:
    spoilt = bytearray(octets)
    spoilt[bit // 8] ^= 1 << bit % 8
    return bytes(spoilt)
