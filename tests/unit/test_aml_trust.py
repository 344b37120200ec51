"""A rule set counts only with a trusted signature over what decides, and in order of epochs."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from udfs.aml.ruleset import digest
from udfs.aml.trust import key_id, signed_text, verify

# RFC 8032, section 7.1, test 1: secret key and public key
SECRET = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
OTHER = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")


def signed(**change: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": "aml",
        "epoch": 7,
        "mode": "LIVE",
        "effective_time": 5,
        "body": "{}",
        "hash": digest("{}"),
        "key_id": key_id(PUBLIC),
    }
    key = Ed25519PrivateKey.from_private_bytes(SECRET)
    return {**row, "signature": key.sign(signed_text(row).encode())} | change


def test_what_is_signed_is_five_lines() -> None:
    # SHA-256 of "{}"
    hashed = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert signed_text(signed()) == f"aml\n7\nLIVE\n5\n{hashed}"


def test_a_good_record_counts() -> None:
    assert verify(signed(), [OTHER, PUBLIC]) is None
    assert verify(signed(), [PUBLIC], after=6) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"key_id": key_id(OTHER)}, "bad-signature"),
        ({"key_id": "0" * 16}, "unknown-key"),
        ({"body": "{ }"}, "wrong-hash"),
        ({"body": "{ }", "hash": digest("{ }")}, "bad-signature"),
        ({"name": "aml2"}, "bad-signature"),
        ({"epoch": 8}, "bad-signature"),
        ({"mode": "SHADOW"}, "bad-signature"),
        ({"effective_time": 4}, "bad-signature"),
        ({"signature": b""}, "bad-signature"),
        ({"signature": b"\0" * 64}, "bad-signature"),
    ],
)
def test_what_was_changed_does_not_count(change: dict[str, Any], reason: str) -> None:
    told = verify(signed(**change), [PUBLIC, OTHER])
    assert (told or "").split(":")[0] == reason


def test_only_a_greater_epoch_counts() -> None:
    assert verify(signed(), [PUBLIC], after=7) == "old-epoch: 7 is not above 7"
    assert (verify(signed(), []) or "").startswith("unknown-key")
