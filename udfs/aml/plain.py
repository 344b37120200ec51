"""JSON of whole numbers, plain texts, true and false; and what is wrong with it, in one line."""

import json
from typing import Any

from pydantic import BaseModel, ValidationError

_INTEGER = 2**53 - 1
"""RFC 8785 writes numbers up to here as they are."""

Path = tuple[str | int, ...]


class RuleSetError(ValueError):
    """A rule set is none; the message says in one line where and why, `path` where it stands."""

    def __init__(self, path: Path, problem: str) -> None:
        """`path` leads from the top of the set to what is wrong."""
        self.path = path
        super().__init__(f"{_place(path)}{problem}")


def from_json(body: str) -> Any:
    """The values of a JSON text.

    Raises:
        RuleSetError: It is none, or holds what a rule set cannot.
    """
    try:
        data = json.loads(
            body, object_pairs_hook=_unique, parse_float=_refused, parse_constant=_refused
        )
        check_plain(data)
    except RuleSetError:
        raise
    except RecursionError:
        raise RuleSetError((), "the text is nested too deeply; mend it") from None
    except ValueError as error:
        raise RuleSetError((), f"the text is no JSON: {error}; mend it") from None
    return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RuleSetError((), f"{twice!r} stands twice in one table; keep one")
    return found


def _refused(text: str) -> None:
    raise RuleSetError((), f"{text} is no whole number; write amounts in minor units")


def check_plain(value: object, path: Path = ()) -> None:
    """RuleSetError unless all of it is whole numbers, plain texts, true or false."""
    match value:
        case bool():
            return
        case int() if abs(value) > _INTEGER:
            raise RuleSetError(path, f"is beyond {_INTEGER}; write a smaller number")
        case str() if not (value.isascii() and value.isprintable()):
            raise RuleSetError(path, "is no plain text; write letters, digits and signs of ASCII")
        case int() | str():
            return
        case dict():
            for name, part in value.items():
                check_plain(name, path)
                check_plain(part, (*path, name))
        case list():
            for number, part in enumerate(value):
                check_plain(part, (*path, number))
        case _:
            raise RuleSetError(path, "is neither number, text, true nor false; mend it")


def told(error: ValidationError, path: Path, model: type[BaseModel]) -> RuleSetError:
    """The first thing that is wrong, in one line."""
    first = error.errors(include_url=False)[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, RuleSetError):
        return cause
    loc = tuple(part for part in first["loc"] if part != "[key]")
    shown = json.dumps(first["input"], default=str)
    match first["type"]:
        case "missing":
            problem = "is missing; add it"
        case "extra_forbidden":
            there = f"; there are: {', '.join(model.model_fields)}" if len(loc) == 1 else ""
            problem = f"there is no such field{there or '; remove it'}"
        case "value_error":
            problem = str(cause)
        case _:
            problem = f"{first['msg'][0].lower()}{first['msg'][1:]}, not {shown[:60]}; mend it"
    return RuleSetError((*path, *loc), problem)


def _place(path: Path) -> str:
    """`rule structuring, field bands.0.at_least: ` of a path."""
    match path:
        case ():
            return ""
        case ("rules" | "typologies" | "motifs" as top, name, *rest):
            what = {"rules": "rule", "typologies": "typology", "motifs": "motif"}[top]
            field = f", field {'.'.join(map(str, rest))}" if rest else ""
            return f"{what} {name}{field}: "
        case _:
            return f"field {'.'.join(map(str, path))}: "
