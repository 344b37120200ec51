"""The notary's and the witness's keys: made once, kept readable by their owner only, and used.

The private key is PEM (PKCS8) in `keys/NAME.pem`, mode 600. `keys/NAME.pub` beside it holds the
public key as C2SP verifier keys, one a line: the same Ed25519 key under each name that it signs by.
"""

import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from deploy.errors import UserError
from deploy.proofs.files import replace
from schemas.notes import COSIGNATURE, ED25519, Note, NoteError, PublicKey, Signature, parse_key

_TIME_SIZE = 8


@dataclass(frozen=True)
class Signed:
    """A signature that holds: by which key, and when a witness says it was made (Unix seconds)."""

    key: PublicKey
    time: int | None = None


class SigningKey:
    """An Ed25519 private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        """Use a key that was loaded or made."""
        self._key = key

    @classmethod
    def make(cls) -> "SigningKey":
        """A new key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path) -> "SigningKey":
        """The key of a PEM file; UserError if there is none, or none that is fit to sign with."""
        try:
            octets = path.read_bytes()
            mode = stat.S_IMODE(path.stat().st_mode)
        except FileNotFoundError:
            raise UserError(f"there is no key {path}; tidemark notary makes one") from None
        if mode & 0o077:
            raise UserError(f"{path} can be read by others; run: chmod 600 {path}")
        try:
            key = load_pem_private_key(octets, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise UserError(f"{path} is no private key in PEM without password: {error}") from None
        if not isinstance(key, Ed25519PrivateKey):
            kind = type(key).__name__.strip("_").removesuffix("PrivateKey")
            raise UserError(f"{path} is a key of type {kind}; Ed25519 is needed: use another file")
        return cls(key)

    def pem(self) -> bytes:
        """The key as PEM, PKCS8, not encrypted."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def public(self, name: str, kind: int = ED25519) -> PublicKey:
        """The public key under a name."""
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return PublicKey(name, kind, raw)

    def sign(self, text: str, name: str) -> Signature:
        """Sign a text as C2SP signed-note says."""
        return Signature(name, self.public(name).id, self._key.sign(text.encode()))

    def cosign(self, text: str, name: str, time: int) -> Signature:
        """Cosign a checkpoint's text at a time (Unix seconds), as C2SP tlog-cosignature says."""
        key = self.public(name, COSIGNATURE)
        signed = self._key.sign(_cosigned(text, time))
        return Signature(name, key.id, time.to_bytes(_TIME_SIZE, "big") + signed)


def open_or_make(path: Path, names: Sequence[str], kind: int = ED25519) -> SigningKey:
    """The key at `path`, made on first use; the public keys beside it are written if they differ.

    Args:
        path: The PEM file; its public keys go to the same name with `.pub`.
        names: Names it signs by.
        kind: `ED25519` or `COSIGNATURE`.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(SigningKey.make().pem())
            file.flush()
            os.fsync(file.fileno())
    key = SigningKey.load(path)
    text = "".join(f"{key.public(name, kind)}\n" for name in names).encode()
    public = path.with_suffix(".pub")
    if not public.exists() or public.read_bytes() != text:
        replace(public, text)
    return key


def read_keys(paths: Iterable[Path]) -> list[PublicKey]:
    """The public keys in files of verifier keys; UserError if there is none or one is none."""
    found: list[PublicKey] = []
    for path in paths:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (FileNotFoundError, IsADirectoryError):
            raise UserError(f"there is no key file {path}; give the notary's notary.pub") from None
        except UnicodeDecodeError:
            raise UserError(f"{path} is no file of public keys; give the .pub file") from None
        if lines and lines[0].startswith("-----BEGIN"):
            raise UserError(f"{path} is a PEM file; give the file of public keys (.pub) beside it")
        for line in filter(str.strip, lines):
            try:
                found.append(parse_key(line.strip()))
            except NoteError as error:
                raise UserError(f"{path}: a line is no public key: {error}") from None
    if not found:
        raise UserError("no public key was given; give the notary's notary.pub")
    return found


def verified(note: Note, keys: Iterable[PublicKey]) -> list[Signed]:
    """Those signatures of a note that are by `keys`; others are passed over.

    Raises:
        NoteError: A signature says that it is by one of the keys, and is not.
    """
    found = []
    for key in keys:
        for signature in note.signatures:
            if signature.of(key):
                found.append(_verify(note.text, signature, key))
    return found


def _verify(text: str, signature: Signature, key: PublicKey) -> Signed:
    octets, time, message = signature.octets, None, text.encode()
    if key.kind == COSIGNATURE:
        time = int.from_bytes(octets[:_TIME_SIZE], "big")
        octets, message = octets[_TIME_SIZE:], _cosigned(text, time)
    try:
        Ed25519PublicKey.from_public_bytes(key.octets).verify(octets, message)
    except (InvalidSignature, ValueError):
        raise NoteError(f"the signature of {key.name} does not hold") from None
    return Signed(key, time)


def _cosigned(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()
