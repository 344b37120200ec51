"""What differs between two rule sets, field by field; bands and the like by their names."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """A field and its values as JSON; None where a set does not have it."""

    what: str
    before: str | None
    after: str | None


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Where two rule sets differ, by name. A rule that only one of them has is one line."""
    return list(_between("", before, after))


def _between(at: str, before: Any, after: Any) -> Iterator[Difference]:
    before, after = _by_name(before), _by_name(after)
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted(before.keys() | after.keys()):
            yield from _between(f"{at}.{name}".lstrip("."), before.get(name), after.get(name))
    elif before != after:
        yield Difference(at, _written(before), _written(after))


def _by_name(value: Any) -> Any:
    """A list of named tables as a table of them."""
    if (
        isinstance(value, list)
        and value
        and all(isinstance(v, dict) and "name" in v for v in value)
    ):
        return {one["name"]: {k: v for k, v in one.items() if k != "name"} for one in value}
    return value


def _written(value: Any) -> str | None:
    return None if value is None else json.dumps(value, sort_keys=True)
