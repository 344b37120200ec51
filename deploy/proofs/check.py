"""Does a proof file hold? Needs the file and public keys, and trusts nothing else.

Each of these must be so:

- every key given for the log's origin, and every witness's, signed the checkpoint;
- the event is leaf `index` of the tree signed, and says itself that it is;
- for a raw record: the event's kind is BatchIndex, and the record's path ends in the root that
  stands in the index's own field, at a place that the index says it read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from deploy.proofs.events import Event, read_batch_index, read_event
from deploy.proofs.keys import Signed, verified
from deploy.proofs.proof import Proof, ProofError, RecordProof
from schemas.merkle import leaf_hash, verify_inclusion
from schemas.notes import COSIGNATURE, NoteError, PublicKey


@dataclass(frozen=True)
class RecordPlace:
    """Where a proven record stood: its topic, partition, and the offsets it can have had.

    `first` and `last` are equal where no tick lies between the batch's records of the topic.
    """

    topic: str
    partition: int
    first: int
    last: int
    job: str


@dataclass(frozen=True)
class Checked:
    """What a proof that holds proves."""

    origin: str
    size: int
    shard: int
    event: Event
    signed: list[Signed]
    record: RecordPlace | None = None


def check(proof: Proof, keys: Sequence[PublicKey]) -> Checked:
    """Verify a proof.

    Raises:
        ProofError: It does not hold; the text is the first reason.
    """
    checkpoint = proof.checkpoint
    signed = _signed(proof, checkpoint.origin, keys)
    try:
        shard = checkpoint.shard
        event = read_event(proof.event)
    except NoteError as error:
        raise ProofError(str(error)) from None
    except ValueError as error:
        raise ProofError(f"its event is none: {error}") from None
    leaf = leaf_hash(proof.event)
    if not verify_inclusion(proof.index, checkpoint.size, leaf, proof.path, checkpoint.root):
        raise ProofError("the event is not in the signed tree at this index")
    if (event.sequence, event.producer) != (proof.index, f"regulatory/{shard}"):
        raise ProofError(f"the event says it is {event.producer} event {event.sequence}")
    place = None if proof.record is None else _record_place(event, proof.record)
    return Checked(checkpoint.origin, checkpoint.size, shard, event, signed, place)


def _signed(proof: Proof, origin: str, keys: Sequence[PublicKey]) -> list[Signed]:
    wanted = [key for key in keys if key.kind == COSIGNATURE or key.name == origin]
    if not any(key.name == origin and key.kind != COSIGNATURE for key in wanted):
        raise ProofError(f"none of the keys is of the log {origin}")
    try:
        signed = verified(proof.note, wanted)
    except NoteError as error:
        raise ProofError(f"wrong signature: {error}") from None
    missing = [key.name for key in wanted if key not in [one.key for one in signed]]
    if missing:
        raise ProofError(f"wrong signature: the checkpoint is not signed by {missing[0]}")
    return signed


def _record_place(event: Event, proof: RecordProof) -> RecordPlace:
    try:
        index = read_batch_index(event)
        part, number = index.part_of(proof.index)
    except (ValueError, IndexError) as error:
        raise ProofError(f"its event covers no such record: {error}") from None
    leaf = leaf_hash(proof.record)
    if not verify_inclusion(proof.index, index.inputs, leaf, proof.path, index.input_root):
        raise ProofError("the record is not in the input of the batch")
    last = part.last - (part.records - 1 - number)
    return RecordPlace(part.topic, index.shard, part.first + number, last, index.job)
