"""A chain of regulatory events checked with a hash function and an Avro reader, nothing else."""

import hashlib
import io
import json
from pathlib import Path

import fastavro

SCHEMA_FILE = Path(__file__).parents[2] / "schemas/avro/regulatory/RegulatoryEvent.avsc"
SCHEMA = fastavro.parse_schema(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))


def read(message):
    """The event of a message; raises what the reader raises when there is none."""
    body = io.BytesIO(message[5:])
    event = fastavro.schemaless_reader(body, SCHEMA, None)
    if body.read():
        raise ValueError("more than one event")
    return event


def chain_holds(messages):
    """Whether the messages are events 0, 1, 2, ... of one producer, each with the right link."""
    previous = bytes(32)
    producers = set()
    for place, message in enumerate(messages):
        try:
            event = read(message)
        except (ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError):
            return False
        producers.add(event["producer"])
        leaf = hashlib.sha256(b"\x00" + message[:-32]).digest()
        octets = b"\x02" + previous + place.to_bytes(8, "big") + leaf
        if event["sequence"] != place or event["link"] != hashlib.sha256(octets).digest():
            return False
        previous = event["link"]
    return len(producers) <= 1
