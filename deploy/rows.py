"""Rows of Parquet, CSV and Avro files as messages of a record: read, typed, encoded."""

from bisect import bisect_left
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fastavro
import polars as pl

from deploy.errors import UserError
from schemas.codec import CodecError, encode_frame
from schemas.records import Record, kind


def read(path: Path) -> pl.DataFrame:
    """The rows of a file by its ending; UserError if there are none to be had."""
    kind = path.suffix.lower()
    if kind not in (".parquet", ".csv", ".avro"):
        raise UserError(f"{path}: give a file whose name ends in .parquet, .csv or .avro")
    if not path.is_file():
        raise UserError(f"{path}: there is no such file; mend the path in --input")
    try:
        frame = _frame(path, kind) if path.stat().st_size else pl.DataFrame()
    except (Exception, pl.exceptions.PanicException) as error:  # readers raise what they please
        problem = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path} cannot be read as {kind[1:]}: {problem}; mend the file") from None
    if frame.is_empty():
        raise UserError(f"{path} is empty; give a file with rows, or leave out the topic")
    return frame


def _frame(path: Path, kind: str) -> pl.DataFrame:
    """The rows as the file has them; all of a CSV file is text."""
    if kind == ".parquet":
        return pl.read_parquet(path, glob=False, hive_partitioning=False)
    if kind == ".csv":
        return pl.read_csv(path, glob=False, infer_schema=False, empty_string_is_null=False)
    with path.open("rb") as file:
        return pl.DataFrame(list(fastavro.reader(file)), infer_schema_length=None)


def typed(rec: Record, path: Path, frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of `rec` that the file has or the schema fills, in their types."""
    asked = [f for f in rec.fields if f["name"] not in {rec.producer, rec.sequence}]
    missing = [f["name"] for f in asked if "default" not in f and f["name"] not in frame.columns]
    if missing:
        raise UserError(
            f"{path} lacks {', '.join(missing)}; one row a {rec.name} has the columns "
            f"{', '.join(f['name'] for f in asked)}"
        )
    columns = []
    for field in rec.fields:
        name, dtype = field["name"], rec.columns[field["name"]]
        if name in frame.columns:
            try:
                columns.append(_cast(frame[name], field, dtype))
            except pl.exceptions.PolarsError:
                what = f"{frame[name].dtype}, not {_words(field)}"
                raise UserError(f"{path}: column {name} is {what}; mend the column") from None
        elif "default" in field:
            columns.append(
                pl.repeat(field["default"], frame.height, dtype=dtype, eager=True).alias(name)
            )
    bad = [
        (int(column.is_null().arg_true()[0]), column.name)
        for column in columns
        if column.null_count()
    ]
    if bad:
        row, name = min(bad, key=lambda found: found[0])
        field = next(f for f in rec.fields if f["name"] == name)
        value = frame[name][row]
        found = "empty" if value in (None, "") else repr(value)[:60]
        raise UserError(
            f"{path} row {row + 1}: {name} is {found}, not {_words(field)}; mend or remove the row"
        )
    return pl.DataFrame(columns)


def _words(field: Mapping[str, Any]) -> str:
    """What a column of a field may hold."""
    declared = field["type"]
    logical = declared.get("logicalType") if isinstance(declared, dict) else None
    if logical == "timestamp-micros":
        return "a time (microseconds UTC, or as in 2026-03-02T10:00:00Z)"
    if logical == "date":
        return "a date (days since 1970-01-01, or as in 2026-03-02)"
    match kind(field):
        case "long" | "int" as size:
            return f"a whole number of {64 if size == 'long' else 32} bits"
        case "enum":
            return f"one of {', '.join(declared['symbols'])}"
        case "fixed":
            return f"{declared['size']} bytes (in CSV as hexadecimal digits)"
        case "bytes":
            return "bytes (in CSV as hexadecimal digits)"
        case other:
            return "true or false" if other == "boolean" else "text"


def _cast(column: pl.Series, field: Mapping[str, Any], dtype: pl.DataType) -> pl.Series:
    """A column in the type of its field, null where a value is not one of its values.

    Raises:
        PolarsError: No value of the column's type can be one.
    """
    declared, source, text = field["type"], column.dtype, column.dtype == pl.String
    logical = declared.get("logicalType") if isinstance(declared, dict) else None
    if source == pl.Null:
        return column.cast(dtype)
    match kind(field):
        case "long" | "int":
            return _numbers(column, logical, dtype)
        case "boolean" if text:
            return column.replace_strict(
                {"true": True, "false": False}, default=None, return_dtype=pl.Boolean
            )
        case "enum":
            symbols = pl.Enum(declared["symbols"])
            return column.cast(pl.String).cast(symbols, strict=False).cast(pl.String)
        case "fixed":
            octets = column.str.decode("hex", strict=False) if text else column
            if octets.dtype != dtype:
                raise pl.exceptions.InvalidOperationError(f"{source} is not {dtype}")
            return octets.set(octets.bin.size() != declared["size"], None)
        case "bytes" if text:
            return column.str.decode("hex", strict=False)
        case "string" if source.is_integer() or source in (pl.Categorical, pl.Enum):
            return column.cast(pl.String)
    if source != dtype:
        raise pl.exceptions.InvalidOperationError(f"{source} is not {dtype}")
    return column


def _numbers(column: pl.Series, logical: str | None, dtype: pl.DataType) -> pl.Series:
    """Whole numbers, times or dates as integers; null where a value is none."""
    source = column.dtype
    if source == pl.String:
        numbers = column.cast(pl.Int64, strict=False)
        if logical == "timestamp-micros":
            times = column.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
            numbers = numbers.fill_null(times.cast(pl.Int64))
        elif logical == "date":
            numbers = numbers.fill_null(column.str.to_date("%Y-%m-%d", strict=False).cast(pl.Int64))
        return numbers.cast(dtype, strict=False)
    if logical == "timestamp-micros" and isinstance(source, pl.Datetime):
        return column.dt.cast_time_unit("us").cast(dtype)
    if logical == "date" and source == pl.Date:
        return column.cast(dtype)
    if not (source.is_numeric()):
        raise pl.exceptions.InvalidOperationError(f"{source} is not {dtype}")
    numbers = column.cast(dtype, strict=False)
    return numbers.set(numbers.cast(source, strict=False) != column, None)


def encoded(rec: Record, frame: pl.DataFrame, path: Path) -> list[bytes]:
    """The messages of the rows; a row that has none is named."""

    def broken(rows: int) -> bool:
        try:
            encode_frame(rec, frame[:rows])
        except CodecError:
            return True
        return False

    try:
        return encode_frame(rec, frame)
    except CodecError as error:
        row = bisect_left(range(1, frame.height), True, key=broken) + 1
        raise UserError(f"{path} row {row}: {error}; mend or remove the row") from None
