"""Signed texts, as C2SP signed-note has them: what is signed, by whom, and how a key is written.

A note is a text that ends in a newline, an empty line, and a line for each signature:
`— NAME base64(key id, signature)`. This is the format alone; signing is in deploy/proofs/keys.py.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

ED25519 = 0x01
"""A plain Ed25519 signature over the text."""
COSIGNATURE = 0x04
"""An Ed25519 cosignature with a time, C2SP tlog-cosignature."""

_DASH = "\u2014 "
_MOST_SIGNATURES = 64


class NoteError(ValueError):
    """A text is no note, or a line no key; the message says why."""


@dataclass(frozen=True)
class PublicKey:
    """A key that signatures are checked with: its name, kind and 32 bytes."""

    name: str
    kind: int
    octets: bytes

    @property
    def id(self) -> bytes:
        """SHA-256(name, newline, kind, key), the first four bytes."""
        return hashlib.sha256(b"%b\n%c%b" % (self.name.encode(), self.kind, self.octets)).digest()[
            :4
        ]

    def __str__(self) -> str:
        """As a verifier key is written: NAME+ID+base64(kind, key)."""
        return f"{self.name}+{self.id.hex()}+{encode64(bytes([self.kind]) + self.octets)}"


@dataclass(frozen=True)
class Signature:
    """One signature line: who signed, the key id, and what that kind of key makes of it."""

    name: str
    key_id: bytes
    octets: bytes

    def __str__(self) -> str:
        """The line, with its newline."""
        return f"{_DASH}{self.name} {encode64(self.key_id + self.octets)}\n"

    def of(self, key: PublicKey) -> bool:
        """Whether it says that it is this key's."""
        return self.name == key.name and self.key_id == key.id


@dataclass(frozen=True)
class Note:
    """A text, which ends in a newline, and its signatures."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        """As it is written."""
        return f"{self.text}\n{''.join(map(str, self.signatures))}"

    def signed_also(self, more: Sequence[Signature]) -> "Note":
        """The same with more signatures; one that is there already is not added again."""
        added = [one for one in more if one not in self.signatures]
        return Note(self.text, (*self.signatures, *added))


def parse_note(octets: bytes) -> Note:
    """The note written in `octets`; nothing is verified.

    Raises:
        NoteError: It is not exactly one note.
    """
    try:
        written = octets.decode()
    except UnicodeDecodeError:
        raise NoteError("not UTF-8 text") from None
    if any(character < " " and character != "\n" for character in written):
        raise NoteError("it has a control character")
    text, blank, lines = written.rpartition("\n\n")
    if not blank or not text or not lines.endswith("\n"):
        raise NoteError("no text, empty line and signatures")
    signatures = [_signature(line) for line in lines[:-1].split("\n")]
    if len(signatures) > _MOST_SIGNATURES:
        raise NoteError(f"it has more than {_MOST_SIGNATURES} signatures")
    return Note(text + "\n", tuple(signatures))


def parse_key(line: str) -> PublicKey:
    """The public key of a line NAME+ID+base64(kind, key).

    Raises:
        NoteError: It is none, or of a kind that is not used here.
    """
    name, plus, rest = line.partition("+")
    key_id, second, encoded = rest.partition("+")
    if not plus or not second or not _is_name(name):
        raise NoteError("not NAME+ID+KEY")
    octets = decode64(encoded)
    if len(octets) != 33 or octets[0] not in (ED25519, COSIGNATURE):
        raise NoteError("not an Ed25519 key")
    key = PublicKey(name, octets[0], octets[1:])
    if key.id.hex() != key_id:
        raise NoteError("its id does not fit its name and key")
    return key


def encode64(octets: bytes) -> str:
    """Standard base64."""
    return base64.b64encode(octets).decode()


def decode64(text: str) -> bytes:
    """The bytes of standard base64, of which each value has exactly one form.

    Raises:
        NoteError: It is none.
    """
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("not base64") from None
    if encode64(octets) != text:
        raise NoteError("not base64 in its one form")
    return octets


def _signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not _is_name(name):
        raise NoteError("a signature line is not as it must be")
    octets = decode64(encoded)
    if len(octets) < 5:
        raise NoteError("a signature is too short")
    return Signature(name, octets[:4], octets[4:])


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(map(str.isspace, name))
