"""Files of public keys as the option of a job that trusts them."""

from collections.abc import Sequence
from pathlib import Path

from deploy.errors import UserError
from deploy.proofs.keys import read_keys
from schemas.notes import ED25519
from udfs.aml import trust


def keys_text(paths: Sequence[Path]) -> str:
    """The keys of .pub files as hex, each once and in order; UserError if one signs no rule sets.

    A key under several names is one: what counts is who holds it.
    """
    keys = read_keys(paths)
    if other := next((key for key in keys if key.kind != ED25519), None):
        raise UserError(
            f"{other.name} is a witness's key; give one made by: tidemark rules key NAME.pem"
        )
    return trust.keys_text(key.octets for key in keys)
