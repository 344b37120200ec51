"""Makes the proof of one event, or of one raw record, out of the notary's folder and the log.

The folder says near which offset the event stands and gives the path; the log gives the bytes. Both
are checked against the signed root before a proof is handed out.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from connectors.topics import KNOWN, TICK_KEY
from deploy.errors import UserError
from deploy.log_ids import EventId, RecordId
from deploy.proofs.checkpoint import Checkpoint
from deploy.proofs.events import LINK_SIZE, BatchIndex, read_batch_index, read_event
from deploy.proofs.folder import LogFolder, shards
from deploy.proofs.proof import Proof, RecordProof
from deploy.proofs.sources import TOPIC, Source, events, pieces
from schemas.codec import CodecError, decode
from schemas.merkle import inclusion_path, leaf_hash, leaf_hashes, root, verify_inclusion
from schemas.notes import Note, NoteError
from schemas.tiles import WIDTH


class Prover:
    """Proofs from one notary's folder and one source of the log."""

    def __init__(self, notary: Path, source: Source) -> None:
        """Nothing is read yet."""
        self.notary = notary
        self.source = source

    def event(self, place: EventId) -> Proof:
        """The proof of an event.

        Raises:
            UserError: There is no such event, it is not signed yet, or the log does not hold what
                was signed.
        """
        folder, note, checkpoint = self._signed(place.shard)
        if place.sequence >= checkpoint.size:
            raise UserError(
                f"event {place} is not signed yet, or is none: partition {place.shard} is signed "
                f"up to event {checkpoint.size - 1}; run: tidemark notary --once"
            )
        message = self._message(folder, place)
        leaf = leaf_hash(message)
        try:
            path = folder.tiles(checkpoint.size).inclusion_path(place.sequence)
        except ValueError as error:
            raise UserError(f"{folder.path} is damaged: {error}; take it from a copy") from None
        if not verify_inclusion(place.sequence, checkpoint.size, leaf, path, checkpoint.root):
            raise UserError(
                f"event {place} of the log is not the one that was signed; run: tidemark verify"
            )
        return Proof(message, place.sequence, tuple(path), note)

    def record(self, place: RecordId, job: str | None = None) -> Proof:
        """The proof that a raw record was in the input of a batch, whose index is in the log.

        Args:
            place: The record.
            job: The job that read it; if left out, the first by name that did.

        Raises:
            UserError: No signed batch index covers the record, or it is a tick.
        """
        if place.topic not in KNOWN:
            raise UserError(f"there is no topic {place.topic}; topics: {', '.join(KNOWN)}")
        folder, _, checkpoint = self._signed(place.partition)
        found = folder.batches(place.topic, place.offset)
        found = {name: event for name, event in found.items() if job in (None, name)}
        if not found or min(found.values()) >= checkpoint.size:
            raise UserError(
                f"no signed batch covers record {place}{'' if job is None else f' in job {job}'}: "
                "it does not exist, was not read yet, or is not signed yet"
            )
        proof = self.event(EventId(place.partition, min(found.values())))
        index = read_batch_index(read_event(proof.event))
        return Proof(proof.event, proof.index, proof.path, proof.note, self._input(index, place))

    def find(self, result: str, progress: Callable[[int], None] = lambda events: None) -> EventId:
        """The first event whose result has this id, by reading the log partition by partition.

        Raises:
            UserError: There is none.
        """
        wanted = result.encode()
        for shard in shards(self.notary):
            sequence = 0
            for span in pieces(self.source, TOPIC, shard):
                _, messages = events(span)
                for place, message in enumerate(messages):
                    if wanted in message and result in _result_ids(message):
                        return EventId(shard, sequence + place)
                sequence += len(messages)
                progress(len(messages))
        raise UserError(f"no event of the log is about a result with the id {result[:80]}")

    def is_about(self, place: EventId, result: str) -> bool:
        """Whether the event at a place is about the result with this id."""
        folder, _, checkpoint = self._signed(place.shard)
        if place.sequence >= checkpoint.size:
            return True
        return result in _result_ids(self._message(folder, place) + bytes(LINK_SIZE))

    def signed(self) -> int:
        """Events signed so far, in all partitions."""
        return sum(self._signed(shard)[2].size for shard in shards(self.notary))

    def _signed(self, shard: int) -> tuple[LogFolder, Note, Checkpoint]:
        """The newest checkpoint of a partition, with the cosignatures that its kept copy has."""
        known = shards(self.notary)
        if shard not in known:
            raise UserError(
                f"there is no partition {shard}; the notary has {known[0]} to {known[-1]}"
            )
        folder = LogFolder(self.notary / str(shard))
        try:
            found = folder.checkpoint()
            kept = folder.archived(found[1].size) if found else None
        except NoteError as error:
            raise UserError(f"{error}; take it from a copy") from None
        if found is None:
            raise UserError(
                f"nothing of partition {shard} is signed yet; run: tidemark notary --once"
            )
        note, checkpoint = found
        if kept is not None and kept[0].text == note.text:
            note = note.signed_also(kept[0].signatures)
        return folder, note, checkpoint

    def _message(self, folder: LogFolder, place: EventId) -> bytes:
        """The event's message in the log, without its link."""
        start, end = folder.span_of(place.sequence)
        _, messages = events(self.source.read(TOPIC, place.shard, start, end))
        number = place.sequence % WIDTH
        if number >= len(messages):
            raise UserError(
                f"event {place} is signed and no longer in the log: truncated tail or dropped "
                "record; run: tidemark verify"
            )
        return messages[number][:-LINK_SIZE]

    def _input(self, index: BatchIndex, place: RecordId) -> RecordProof:
        """The record and its path in the input tree of a batch, built anew from the topics."""
        values: list[bytes] = []
        at = -1
        for part in index.parts:
            span = self.source.read(part.topic, index.shard, part.first, part.last + 1)
            for offset, key, value in zip(span.offsets, span.keys, span.values, strict=True):
                if key == TICK_KEY:
                    continue
                if (part.topic, offset) == (place.topic, place.offset):
                    at = len(values)
                values.append(value or b"")
        leaves = leaf_hashes(values)
        if root(leaves) != index.input_root:
            raise UserError(
                f"the input of batch {index.sequence} of {index.job}/{index.shard} is not what it "
                "was when the batch ran: a record was changed, dropped or added"
            )
        if at < 0:
            raise UserError(f"{place} is a tick or no record; a tick is in no batch's input")
        return RecordProof(values[at], at, tuple(inclusion_path(at, leaves)))


def _result_ids(message: bytes) -> list[str]:
    """The id of the result in an event's message; events of version 1 have it in the payload."""
    try:
        event: dict[str, Any] = decode(message)[1]
        rec, result = decode(event["payload"])
    except (CodecError, KeyError):
        return []
    return [event.get("result_id", ""), result[rec.id] if rec.id else ""]
