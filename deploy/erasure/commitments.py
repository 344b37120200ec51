"""A salted commitment to a personal value: what stands in the log in its place.

    c1:  base64url( SHA-256( lp(tag) || lp(salt) || lp(field) || lp(value) ) )      without padding
    lp(x) = length of x as uint32 big-endian || x;  tag = "tidemark/commitment/1";  text is UTF-8

The salt is 32 random bytes of the subject's own, so that nobody without it can try values: account
numbers and names are few enough to be guessed. The lengths keep two fields from passing for one.
46 characters, all of them allowed in an id field.
"""

import re
from base64 import urlsafe_b64encode
from hashlib import sha256

SALT_SIZE = 32
PREFIX = "c1:"
_TAG = b"tidemark/commitment/1"
_SHAPE = re.compile(r"c1:[A-Za-z0-9_-]{43}", re.ASCII)


def commitment(salt: bytes, field: str, value: str) -> str:
    """The commitment to `value` as a `field` of the subject whose salt it is.

    Raises:
        ValueError: The salt is not 32 bytes long.
    """
    if len(salt) != SALT_SIZE:
        raise ValueError(f"a salt has {SALT_SIZE} bytes, not {len(salt)}")
    parts = (_TAG, salt, field.encode(), value.encode())
    digest = sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()
    return PREFIX + urlsafe_b64encode(digest).rstrip(b"=").decode()


def is_commitment(text: str) -> bool:
    """Whether `text` has the shape of one."""
    return _SHAPE.fullmatch(text) is not None
