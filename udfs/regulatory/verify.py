"""Whether a shard's chain of regulatory events is whole: every link, in order, none missing.

Trusts nothing but the messages. A chain that was cut off at its end is still a chain: to see that,
compare `length` and `head` with a signed tree head.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from schemas.merkle import GENESIS, leaf_hash, link

LINK_SIZE = 32
_HEADER_SIZE = 5


@dataclass(frozen=True)
class Verdict:
    """What a chain was found to be.

    Attributes:
        ok: Whether every message is the next link.
        length: Links that hold, from the start of what was read.
        head: The last link that holds, or where the chain began.
        first_bad_sequence: Sequence of the first place that does not hold; None if all do.
        problem: What is wrong there: starts with changed, gap, order, repeated, producer or
            undecodable.
    """

    ok: bool
    length: int
    head: bytes
    first_bad_sequence: int | None = None
    problem: str | None = None


def verify_chain(
    messages: Iterable[bytes],
    sequence: int = 0,
    head: bytes = GENESIS,
    producer: str = "",
    leaves: list[bytes] | None = None,
) -> Verdict:
    """Check the messages of one shard's regulatory events, in log order.

    Args:
        messages: Message values as stored, from place `sequence` on.
        sequence: Place of the first of them; 0 for a whole chain.
        head: The link before it.
        producer: Whose chain it must be; empty for that of the first message.
        leaves: Gets the leaf hash of each message that holds.
    """
    start, rest = sequence, iter(messages)
    name = producer.encode()
    prefix = bytes(_HEADER_SIZE) + encode_long(len(name)) + name if name else b""
    keep = deque[bytes](maxlen=0).append if leaves is None else leaves.append
    ending = _ending(sequence)
    for message in rest:
        if not sequence & 63:
            ending = _ending(sequence)
        due = prefix + ending[sequence & 63]
        if not prefix or not message.startswith(due):
            prefix = _renewed(prefix, message)
            due = prefix + ending[sequence & 63]
        leaf = sha256(b"\x00" + message[:-LINK_SIZE]).digest()
        computed = sha256(b"\x02" + head + sequence.to_bytes(8, "big") + leaf).digest()
        if computed != message[-LINK_SIZE:] or not prefix or not message.startswith(due):
            problem = _problem(message, sequence, prefix, rest)
            return Verdict(False, sequence - start, head, sequence, problem)
        keep(leaf)
        head, sequence = computed, sequence + 1
    return Verdict(True, sequence - start, head)


def _problem(message: bytes, sequence: int, prefix: bytes, rest: Iterator[bytes]) -> str:
    """Why `message` is not link `sequence`; may read all of `rest` to find the one that is."""
    following = next(rest, b"")
    if _follows(following, message, sequence):
        return f"changed: event {sequence} is not what it was when event {sequence + 1} was added"
    try:
        found = sequence_of(message)
    except ValueError as error:
        return f"undecodable: where event {sequence} is due, {error}"
    if prefix_of(message) != prefix:
        return f"producer: where event {sequence} is due stands event {found} of another chain"
    if found == sequence:
        return f"changed: the link of event {sequence} does not fit it and the event before it"
    if found < sequence:
        return f"repeated: event {found} stands where event {sequence} is due"
    if _due(sequence, prefix, following) or any(_due(sequence, prefix, later) for later in rest):
        return f"order: event {sequence} stands after event {found}"
    return f"gap: events {sequence} to {found - 1} are missing"


def _renewed(prefix: bytes, message: bytes) -> bytes:
    """The prefix from here on: events of one chain may be of several schema versions."""
    found = prefix_of(message)
    return found if not prefix or found[_HEADER_SIZE:] == prefix[_HEADER_SIZE:] else prefix


def _follows(following: bytes, message: bytes, sequence: int) -> bool:
    leaf = leaf_hash(following[:-LINK_SIZE])
    return following[-LINK_SIZE:] == link(message[-LINK_SIZE:], sequence + 1, leaf)


def _due(sequence: int, prefix: bytes, message: bytes) -> bool:
    return message.startswith(prefix + encode_long(sequence))


def prefix_of(message: bytes) -> bytes:
    """The octets before the sequence: wire header and producer; empty if there are none such."""
    try:
        size, place = _read_long(message, _HEADER_SIZE)
    except ValueError:
        return b""
    return message[: place + size] if 0 < size <= len(message) - place else b""


def sequence_of(message: bytes) -> int:
    """The event's place in its chain, as it says itself; ValueError if it is no event."""
    prefix = prefix_of(message)
    if not prefix or len(message) < len(prefix) + LINK_SIZE:
        raise ValueError(f"a message of {len(message)} bytes is no regulatory event")
    return _read_long(message, len(prefix))[0]


def encode_long(value: int) -> bytes:
    """A number >= 0 as Avro writes a long: zigzag, then seven bits a byte from the lowest."""
    value <<= 1
    octets = bytearray()
    while value > 0x7F:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def _ending(sequence: int) -> list[bytes]:
    """`encode_long` of the 64 numbers around `sequence` that differ in the last six bits only."""
    first = sequence & ~63
    if not first:
        return [encode_long(number) for number in range(64)]
    rest = encode_long(first)[1:]
    return [bytes([number << 1 | 0x80]) + rest for number in range(64)]


def _read_long(message: bytes, place: int) -> tuple[int, int]:
    """The Avro long at `place` and where it ends; ValueError if there is none."""
    value = shift = 0
    for end in range(place, min(place + 10, len(message))):
        value |= (message[end] & 0x7F) << shift
        shift += 7
        if message[end] < 0x80:
            return (value >> 1) ^ -(value & 1), end + 1
    raise ValueError("a number does not end")
