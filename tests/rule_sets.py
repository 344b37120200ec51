"""Rule sets signed by a test key, as records of the topic `rules`."""

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from udfs.aml.ruleset import canonical, digest
from udfs.aml.slots import parsed
from udfs.aml.trust import key_id, signed_text

# RFC 8032, section 7.1, test 1: secret key and public key
SECRET = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")


def cash_from(*least: int) -> str:
    """The body of a set whose only rule is cash of a day, with bands from these minor units on."""
    names = ("LOW", "MEDIUM", "HIGH")
    bands = [
        {"name": name, "at_least": one, "score": 100_000}
        for name, one in zip(names, least, strict=False)
    ]
    rules = {"ctr-aggregation": {"bands": bands}}
    return canonical(parsed(json.dumps({"rules": rules})))


def signed(
    epoch: int, effective: int, body: str, mode: str = "LIVE", **fields: Any
) -> dict[str, Any]:
    """A record that counts; `fields` are signed as they are given."""
    row: dict[str, Any] = {
        "ruleset_id": f"aml-{epoch}-{mode}-{digest(body)[:8]}",
        "producer": "desk",
        "time": effective,
        "name": "aml",
        "epoch": epoch,
        "mode": mode,
        "effective_time": effective,
        "body": body,
        "hash": digest(body),
        "author": "ada",
        "approver": "bob",
        "key_id": key_id(PUBLIC),
        **fields,
    }
    key = Ed25519PrivateKey.from_private_bytes(SECRET)
    return {**row, "signature": key.sign(signed_text(row).encode())}
