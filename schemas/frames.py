"""A frame of records -> their messages: Avro written for all rows at once in numpy.

The bytes are those of `codec.encode` row by row, and few rows are written so. For more, each field
becomes one or two lanes, a lane being one piece of every row: a zigzag varint (numbers, enum
indexes, lengths) or a run of bytes (strings, bytes, fixed). When the size of each piece is known,
so is its place, and each lane is scattered into one buffer.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import polars as pl

from schemas.block import HEADER_SIZE, wire_header
from schemas.faults import CodecError
from schemas.records import Record, kind
from schemas.single import WRITE_ERRORS, encode_rows

FEW = 64
"""Up to so many rows are written row by row: about 10 us a row, where lanes begin at 1 ms."""

Octets = np.ndarray[Any, np.dtype[np.uint8]]
Sizes = np.ndarray[Any, np.dtype[np.int64]]


def encode_frame(rec: Record, frame: pl.DataFrame) -> list[bytes]:
    """One message for each row of `frame`, which has at least the columns of `rec`.

    Raises:
        CodecError: A column is missing, has nulls, or has a value its field cannot hold.
    """
    if not frame.height:
        return []
    columns = [_column(rec, frame, name) for name in rec.columns]
    if frame.height <= FEW:
        try:
            rows = zip(*(column.to_list() for column in columns), strict=True)
            return encode_rows(rec, rows)
        except WRITE_ERRORS:
            pass  # the lanes say which field it is
    return encode_lanes(rec, columns)


def encode_lanes(rec: Record, columns: Sequence[pl.Series]) -> list[bytes]:
    """One message for each row of `columns`: those of `rec`, in order, of its types and not empty.

    Raises:
        CodecError: A value is not one its field can hold.
    """
    pairs = zip(rec.fields, columns, strict=True)
    lanes = [lane for field, column in pairs for lane in _lanes(field, column)]
    height = len(columns[0])
    ends = np.cumsum(HEADER_SIZE + sum((lane.sizes for lane in lanes), np.zeros(height, np.int64)))
    buffer = np.empty(int(ends[-1]), dtype=np.uint8)
    starts = np.concatenate(([0], ends[:-1]))
    _windows(buffer, HEADER_SIZE)[starts] = np.void(wire_header(rec))
    places = starts + HEADER_SIZE
    for lane in lanes:
        lane.write(buffer, places)
        places += lane.sizes
    messages, bounds = buffer.tobytes(), ends.tolist()
    return [messages[start:end] for start, end in zip([0, *bounds], bounds, strict=False)]


class _Lane(Protocol):
    sizes: Sizes

    def write(self, buffer: Octets, places: Sizes) -> None:
        """Put each row's piece at its place."""


class _Numbers:
    """A lane of zigzag varints."""

    def __init__(self, values: np.ndarray[Any, np.dtype[np.int64]]) -> None:
        self.rest = ((values << 1) ^ (values >> 63)).view(np.uint64)
        self.sizes = np.ones(len(values), dtype=np.int64)
        bound, largest = 7, int(self.rest.max())
        while bound < 64 and largest >> bound:
            self.sizes += self.rest >= np.uint64(1 << bound)
            bound += 7

    def write(self, buffer: Octets, places: Sizes) -> None:
        """Put each row's number at its place, lowest 7 bits first."""
        rest, sizes = self.rest, self.sizes
        for place in range(int(sizes.max())):
            more = sizes > place + 1
            buffer[places + place] = (rest & np.uint64(0x7F)).astype(np.uint8) | (
                more.view(np.uint8) << 7
            )
            if not more.all():
                rest, places, sizes = rest[more], places[more], sizes[more]
            rest = rest >> np.uint64(7)


class _Runs:
    """A lane of byte runs, taken from one buffer."""

    def __init__(self, octets: Octets, sizes: Sizes) -> None:
        self.octets = octets
        self.sizes = sizes

    def write(self, buffer: Octets, places: Sizes) -> None:
        """Copy each row's run to its place: rows with runs of one size by one assignment."""
        sources = np.cumsum(self.sizes) - self.sizes
        order = np.argsort(self.sizes, kind="stable")
        cuts = np.flatnonzero(np.diff(self.sizes[order])) + 1
        for rows in np.split(order, cuts):
            if size := int(self.sizes[rows[0]]):
                _windows(buffer, size)[places[rows]] = _windows(self.octets, size)[sources[rows]]


def _windows(octets: Octets, size: int) -> np.ndarray[Any, np.dtype[np.void]]:
    """A view of the `size` bytes from each place of `octets` on, as one item each."""
    shape = (max(0, len(octets) - size + 1),)
    return np.ndarray(shape, dtype=f"V{size}", buffer=octets.data, strides=(1,))


def _column(rec: Record, frame: pl.DataFrame, name: str) -> pl.Series:
    try:
        column = frame.get_column(name).cast(rec.columns[name])
    except pl.exceptions.PolarsError as error:
        raise CodecError(f"{rec.name}.{name}: {error}") from error
    if column.null_count():
        raise CodecError(f"{rec.name}.{name} is null")
    return column


def _lanes(field: dict[str, Any], column: pl.Series) -> Iterator[_Lane]:
    match kind(field):
        case "long" | "int":
            yield _Numbers(column.cast(pl.Int64).to_numpy())
        case "enum":
            yield _Numbers(_symbol_indexes(field, column))
        case "string":
            octets, sizes = _octets(column.cast(pl.Binary))
            yield from (_Numbers(sizes), _Runs(octets, sizes))
        case "bytes":
            octets, sizes = _octets(column)
            yield from (_Numbers(sizes), _Runs(octets, sizes))
        case "boolean":
            yield _Runs(column.cast(pl.UInt8).to_numpy(), np.ones(len(column), dtype=np.int64))
        case _:
            octets, sizes = _octets(column)
            if (sizes != field["type"]["size"]).any():
                raise CodecError(
                    f"{field['name']} is not always {field['type']['size']} bytes long"
                )
            yield _Runs(octets, sizes)


def _symbol_indexes(
    field: dict[str, Any], column: pl.Series
) -> np.ndarray[Any, np.dtype[np.int64]]:
    symbols = field["type"]["symbols"]
    try:
        return column.cast(pl.Enum(symbols)).to_physical().cast(pl.Int64).to_numpy()
    except pl.exceptions.PolarsError as error:
        raise CodecError(f"{field['name']} is not always one of {', '.join(symbols)}") from error


def _octets(column: pl.Series) -> tuple[Octets, Sizes]:
    """All bytes of a Binary column in one buffer, and how many are each row's."""
    array = column.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, values = array.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    octets = np.frombuffer(values or b"", dtype=np.uint8)[bounds[0] : bounds[-1]]
    return octets, np.diff(bounds)
