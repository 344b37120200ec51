"""Which rows of a frame break a rule of their schema: range, length, pattern, format.

Rules stand in the `.avsc` file as attribute `check` of a field: `min` and `max` (inclusive),
`maxLength` (bytes; of a text of its UTF-8), `pattern` (of the whole text, Rust regular expression)
and `format` (isin, lei, mic, currency, asset, zone). A text with rules but neither pattern nor
format may not contain control characters. Formats are judged once for each distinct value: a day
knows few members and instruments.

Nearly every batch keeps every rule, and that is cheap to see without a query: by the least and the
greatest number, and of few texts one by one. Only the rules that are not kept for sure are asked of
every row. So a pattern must mean the same to Python's `re`: literals, sets, groups, repeats.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any

import polars as pl

from schemas import ids
from schemas.faults import Rejected
from schemas.records import Record

_FORMATS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "isin": ("an ISIN", ids.is_isin),
    "lei": ("an LEI", ids.is_lei),
    "mic": ("a MIC", ids.is_mic),
    "currency": ("a currency", ids.is_currency),
    "zone": ("a time zone of the IANA database", ids.is_zone),
    "asset": ("a currency or an ISIN", ids.is_asset),
}
_SHOWN = 40
_FEW = 256
"""So many texts are looked at one by one."""
_REMEMBERED = 65_536
"""So many texts of a format are remembered with their verdict."""
_PRINTABLE = r"[^\p{Cc}]*"


@dataclass(frozen=True)
class _Rule:
    """A field, what is asked of it in words, which rows break it, and whether surely none does."""

    field: str
    asked: str
    broken: pl.Expr
    kept: Callable[[pl.Series], bool]


def violations(rec: Record, frame: pl.DataFrame) -> list[Rejected]:
    """The rows of `frame` that break a rule of `rec`, in order, each with the first it breaks."""
    if not frame.height:
        return []
    rules = [rule for rule in _rules(rec) if not rule.kept(frame.get_column(rule.field))]
    if not rules:
        return []
    broken = frame.select(rule.broken.alias(str(number)) for number, rule in enumerate(rules))
    counts = broken.sum().row(0)
    reasons: dict[int, str] = {}
    for number, rule in enumerate(rules):
        if counts[number]:
            column = frame.get_column(rule.field)
            for row in broken.get_column(str(number)).arg_true():
                reasons.setdefault(
                    row,
                    f"out-of-range: {rule.field} is {_show(column[row])}, {rule.asked} is asked",
                )
    return [Rejected(row, reasons[row]) for row in sorted(reasons)]


def _show(value: object) -> str:
    """A value as a reason may quote it: escaped, and cut if someone sent a novel."""
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if not isinstance(value, str):
        return str(value)
    return ascii(value if len(value) <= _SHOWN else value[:_SHOWN] + "...")


@cache
def _rules(rec: Record) -> list[_Rule]:
    return [rule for field in rec.fields if "check" in field for rule in _field_rules(field)]


def _field_rules(field: dict[str, Any]) -> Iterator[_Rule]:
    name, check = field["name"], dict(field["check"])
    column = pl.col(name)
    text = field["type"] == "string"
    if (low := check.pop("min", None)) is not None:
        yield _Rule(name, f"at least {low}", column < low, partial(_at_least, low))
    if (high := check.pop("max", None)) is not None:
        yield _Rule(name, f"at most {high}", column > high, partial(_at_most, high))
    if (size := check.pop("maxLength", None)) is not None:
        octets = column.bin.size() if field["type"] == "bytes" else column.str.len_bytes()
        short = partial(_each, lambda value: len(_octets(value)) <= size)
        yield _Rule(name, f"at most {size} bytes", octets > size, short)
    if (form := check.pop("format", None)) is not None:
        words, judged = _FORMATS[form]
        accepts = lru_cache(_REMEMBERED)(judged)
        yield _Rule(name, words, _judged(column, accepts), partial(_each, accepts))
    elif text and "pattern" not in check:
        broken = ~column.str.contains(_whole(_PRINTABLE))
        yield _Rule(
            name, "text without control characters", broken, partial(_each, str.isprintable)
        )
    if (pattern := check.pop("pattern", None)) is not None:
        broken = ~column.str.contains(_whole(pattern))
        matches = partial(_each, re.compile(pattern).fullmatch)
        yield _Rule(name, f"the pattern {pattern}", broken, matches)
    if check:
        raise ValueError(f"field {name}: unknown check {', '.join(check)}")


def _at_least(low: int, column: pl.Series) -> bool:
    least = column.min()
    return isinstance(least, int) and least >= low


def _at_most(high: int, column: pl.Series) -> bool:
    greatest = column.max()
    return isinstance(greatest, int) and greatest <= high


def _each(accepts: Callable[[Any], object], column: pl.Series) -> bool:
    """Whether the column is short and each of its values is accepted."""
    few = len(column) <= _FEW and not column.null_count()
    return few and all(map(accepts, column.to_list()))


def _octets(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _whole(pattern: str) -> str:
    return rf"\A(?:{pattern})\z"


def _judged(column: pl.Expr, accepts: Callable[[str], bool]) -> pl.Expr:
    """Rows whose text is not accepted, by asking once for each distinct text."""

    def judge(texts: pl.Series) -> pl.Series:
        wrong = [text for text in texts.unique() if not accepts(text)]
        return texts.is_in(wrong) if wrong else pl.repeat(False, len(texts), eager=True)

    return column.map_batches(judge, return_dtype=pl.Boolean)
