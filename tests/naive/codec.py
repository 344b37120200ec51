"""A second decoder, straight from the Avro specification: strict, one byte after the other."""

from typing import Any

from schemas.records import Record, kind


class Malformed(Exception):
    """The message is not exactly one record."""


class _Reader:
    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.place = 0

    def take(self, size: int) -> bytes:
        if not 0 <= size <= len(self.octets) - self.place:
            raise Malformed(f"{size} bytes at {self.place}")
        self.place += size
        return self.octets[self.place - size : self.place]

    def number(self) -> int:
        raw = 0
        for place in range(10):
            octet = self.take(1)[0]
            raw |= (octet & 0x7F) << (7 * place)
            if octet < 0x80:
                raw %= 2**64
                return -(raw + 1 >> 1) if raw % 2 else raw >> 1
        raise Malformed("a number without an end")

    def value(self, field: dict[str, Any]) -> Any:
        match kind(field):
            case "long":
                return self.number()
            case "int":
                return _within(self.number(), -(2**31), 2**31)
            case "enum":
                symbols = field["type"]["symbols"]
                return symbols[_within(self.number(), 0, len(symbols))]
            case "string":
                try:
                    return self.take(self.number()).decode()
                except UnicodeDecodeError as error:
                    raise Malformed(str(error)) from error
            case "bytes":
                return self.take(self.number())
            case "boolean":
                return bool(_within(self.take(1)[0], 0, 2))
            case _:
                return self.take(field["type"]["size"])


def decode(rec: Record, message: bytes) -> dict[str, Any]:
    """The row of one message of `rec`; Malformed if it is anything else."""
    if message[:5] != b"\x00" + rec.schema_id.to_bytes(4, "big"):
        raise Malformed("another schema")
    reader = _Reader(message[5:])
    row = {field["name"]: reader.value(field) for field in rec.fields}
    if reader.place != len(reader.octets):
        raise Malformed("bytes behind the record")
    return row


def _within(number: int, low: int, high: int) -> int:
    if not low <= number < high:
        raise Malformed(f"{number} is not within {low} and {high}")
    return number
