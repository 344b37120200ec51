"""Who may change the rules: a rule set counts only if a trusted key signed it.

Signed are name, epoch, mode, effective time and the hash of the body. Author, approver and the time
of publication stand beside; the control change in the log has them, too.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_ID_DIGITS = 16
_KEY = re.compile("[0-9a-f]{64}")


def keys_of(text: str) -> tuple[bytes, ...]:
    """The public keys in a text of hex digits, 64 a key, joined by commas; none of an empty one.

    Raises:
        ValueError: It is no such text, in one line.
    """
    words = text.lower().split(",") if text else []
    for word in words:
        if not _KEY.fullmatch(word):
            raise ValueError(f"{word[:70]!r} is no public key: give 64 hex digits, more after ','")
    return tuple(bytes.fromhex(word) for word in sorted(set(words)))


def keys_text(keys: Iterable[bytes]) -> str:
    """Public keys as the one text of them: each once, in order, as `keys_of` reads it."""
    return ",".join(sorted({key.hex() for key in keys}))


def key_id(key: bytes) -> str:
    """How a record names the public key (32 bytes): the start of its SHA-256 in hex."""
    return hashlib.sha256(key).hexdigest()[:_ID_DIGITS]


def signed_text(record: Mapping[str, Any]) -> str:
    """What is signed of a RuleSet record."""
    names = ("name", "epoch", "mode", "effective_time", "hash")
    return "\n".join(str(record[name]) for name in names)


def verify(record: Mapping[str, Any], keys: Iterable[bytes], after: int = 0) -> str | None:
    """Why a RuleSet record does not count; None if it does.

    Args:
        record: The record's fields.
        keys: The public keys that are trusted, 32 bytes each.
        after: The greatest epoch that counted so far.
    """
    key = {key_id(one): one for one in keys}.get(record["key_id"])
    if key is None:
        return f"unknown-key: no trusted key is called {record['key_id']}"
    if hashlib.sha256(record["body"].encode()).hexdigest() != record["hash"]:
        return "wrong-hash: the body is not the one that was signed"
    try:
        signed = signed_text(record).encode()
        Ed25519PublicKey.from_public_bytes(key).verify(record["signature"], signed)
    except (InvalidSignature, ValueError):
        return "bad-signature: name, epoch, mode, effective time or hash are not what was signed"
    if record["epoch"] <= after:
        return f"old-epoch: {record['epoch']} is not above {after}"
    return None
