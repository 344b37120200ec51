"""Who may change the rules: a rule set counts only if a trusted key signed it.

Signed are name, epoch, mode, effective time and the hash of the body. Author, approver and the time
of publication stand beside; the control change in the log has them, too.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_ID_DIGITS = 16


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
