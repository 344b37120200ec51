"""Checks a proof file of the regulatory log. Needs Python 3.11 and `cryptography`, nothing else.

    python check_proof.py FILE KEYS [KEYS ...]       KEYS: notary.pub, and witness.pub if cosigned
Prints what the file proves; or one line on why it proves nothing, and ends with 1. docs/proofs.md.
"""

import json
import sys
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def _need(true, why):
    if not true:
        raise ValueError(why)


def _base64(text):
    octets = b64decode(text, validate=True)
    _need(b64encode(octets).decode() == text, "base64 is not in its one form")
    return octets


def _root(leaf, index, size, path):  # RFC 9162 section 2.1.3, from the root down
    _need(0 <= index < size and (size > 1 or not path), "no such leaf, or too long a path")
    if size == 1:
        return leaf
    split, node = 1 << (size - 1).bit_length() - 1, path[-1]
    _need(len(node) == 32, "a line of the path is no hash")
    if index < split:
        return sha256(b"\1" + _root(leaf, index, split, path[:-1]) + node).digest()
    return sha256(b"\1" + node + _root(leaf, index - split, size - split, path[:-1])).digest()


def _fields(message, kinds):  # Avro behind a header of 5 bytes. l: number, s: text, b or 32: bytes
    place, found = 5, []
    for kind in kinds:
        size, shift, octet = 32, 0, 0 if kind == "32" else 0x80
        while octet & 0x80:
            octet, place = message[place], place + 1
            size = (size if shift else 0) | (octet & 0x7F) << shift
            shift += 7
        size = (size >> 1) ^ -(size & 1) if shift else size
        octets = b"" if kind == "l" else message[place : place + size]
        _need(kind == "l" or len(octets) == size, "a message is cut off")
        place += len(octets)
        found.append(size if kind == "l" else octets.decode() if kind == "s" else octets)
    return found


def _check(proof, keys):
    head, _, note = proof.decode().partition("\n\n")
    title, extra, index, *path = head.split("\n")
    _need(title == "c2sp.org/tlog-proof@v1" and extra[:6] == "extra ", "it is no proof of an event")
    _need(index == f"index {int(index[6:])}" and note[-1] == "\n", "it is damaged or cut off")
    index, path, octets = int(index[6:]), [_base64(node) for node in path], _base64(extra[6:])
    extra = json.loads(octets)
    _need(json.dumps(extra, sort_keys=True, separators=(",", ":")).encode() == octets, "bad extra")
    _need(set(extra) in ({"event"}, {"event", "index", "path", "record"}), "bad extra")
    text, _, signatures = note.rpartition("\n\n")
    (origin, size, signed), text = text.split("\n")[:3], text.encode() + b"\n"
    signatures = [line.split(" ") for line in signatures[:-1].split("\n")]
    signatures = [(name, _base64(octets)) for dash, name, octets in signatures if dash == "\u2014"]
    wanted = [key for key in keys if key[0] == origin or key[1] == 4]
    _need(any(kind == 1 for _, kind, _ in wanted), f"none of the keys is of {origin}")
    for name, kind, key in wanted:
        key_id = sha256(b"%b\n%c%b" % (name.encode(), kind, key)).digest()[:4]
        own = [octets[4:] for by, octets in signatures if (by, octets[:4]) == (name, key_id)]
        _need(own, f"the checkpoint is not signed by {name}")
        for octets in own:  # a witness signs a time, too
            time = b"cosignature/v1\ntime %d\n" % int.from_bytes(octets[:8]) if kind == 4 else b""
            public = Ed25519PublicKey.from_public_bytes(key)
            public.verify(octets[8:] if time else octets, time + text)
    leaf = sha256(b"\0" + (event := _base64(extra["event"]))).digest()
    _need(_root(leaf, index, int(size), path) == _base64(signed), "it is not in the signed tree")
    producer, sequence, _, kind, subject, payload = _fields(event, "sllssb")
    _need((producer[11:], sequence) == (origin.rpartition("/")[2], index), "it is another event")
    if "record" in extra:
        _need(kind == "BatchIndex", f"a {kind} says nothing of a record")
        batch = _fields(payload, [*"slsllllllllll", *"s", "32", *"l", "32", "32", *"ss"])
        count = sum(int(part.split(":")[1]) for part in batch[19].split(";"))
        leaf = sha256(b"\0" + _base64(extra["record"])).digest()
        top = _root(leaf, extra["index"], count, [_base64(node) for node in extra["path"]])
        _need(top == batch[14], "the record is not in the input of the batch")
        print(f"ok: the record is input {extra['index']} of {batch[2]}: {batch[13]}, {batch[19]}")
    print(f"ok: event {index} of {origin} ({size} events) is a {kind} about {subject or 'nobody'}")


if __name__ == "__main__":
    try:
        lines = [line.split("+", 2) for f in sys.argv[2:] for line in Path(f).read_text().split()]
        keys = [(name, _base64(key)[0], _base64(key)[1:]) for name, _, key in lines]
        _check(Path(sys.argv[1]).read_bytes(), keys)
    except (InvalidSignature, ValueError, IndexError, TypeError, KeyError, OSError) as error:
        sys.exit(f"proves nothing: {str(error) or 'a signature does not hold'}")
