"""A rule set as people write it: YAML of tables, lists, whole numbers, texts, true and false.

Nothing else of YAML is understood, so that a text stays what it says: NO is a country, 010 and 1:30
are texts and no numbers. What is wrong is told with its line.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from deploy.errors import UserError
from udfs.aml.plain import Path as Place
from udfs.aml.plain import RuleSetError
from udfs.aml.rule import RuleParams
from udfs.aml.ruleset import RuleSet, canonical, parse
from udfs.motifs.params import MOTIFS

MOST_BYTES = 262_144
"""Of a file, and of the body of a record (schemas/avro/control/RuleSet.avsc)."""
_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """Of scalars only true, false and plain decimal numbers are other than text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


_Loader.add_implicit_resolver(f"{_TAG}bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver(
    f"{_TAG}int", re.compile(r"^-?(?:0|[1-9][0-9_]*)$"), list("-0123456789")
)


def read(path: Path, known: Mapping[str, type[RuleParams]]) -> RuleSet:
    """The rule set in a file; UserError that names the line, the rule and the field if none is."""
    data, lines = values(path)
    try:
        rules = parse(json.dumps(data), known, MOTIFS)
        size = len(canonical(rules))
    except RuleSetError as error:
        at = error.path
        while at and at not in lines:
            at = at[:-1]
        line = f" line {lines[at]}" if at else ""
        raise UserError(f"{path}{line}: {error}") from None
    if size > MOST_BYTES:
        raise UserError(f"{path}: the rule set has {size:,} bytes, at most {MOST_BYTES:,} travel")
    return rules


def text(rules: Mapping[str, Any]) -> str:
    """A rule set, as from its body, in the form that `read` understands."""
    return str(yaml.safe_dump(rules, sort_keys=True, width=100))


def values(path: Path, what: str = "a rule set") -> tuple[Any, dict[Place, int]]:
    """What a YAML file says, and the line of each thing in it, from 1.

    Raises:
        UserError: There is no such file, or it is not what is understood; the line is named.
    """
    try:
        octets = path.read_bytes()
        written = octets.decode()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise UserError(f"{path} is no file; give {what} in YAML") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text; give {what} in YAML") from None
    if len(octets) > MOST_BYTES:
        raise UserError(f"{path} has {len(octets):,} bytes, at most {MOST_BYTES:,} are read")
    try:
        loader = _Loader(written)
        try:
            node = loader.get_single_node()
            lines: dict[Place, int] = {}
            return _built(loader, node, (), lines, set()), lines
        finally:
            loader.dispose()
    except RuleSetError as error:
        raise UserError(f"{path} {error}") from None
    except RecursionError:
        raise UserError(f"{path} is nested too deeply; mend it") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it"
        raise UserError(f"{path}{line}: this is no YAML: {problem}; mend it") from None


def _built(
    loader: _Loader, node: yaml.Node | None, at: Place, lines: dict[Place, int], seen: set[int]
) -> Any:
    """The value of a node, its lines noted; what is not understood is refused."""
    if node is None:
        raise RuleSetError((), "is empty; write a rule set: tidemark rules show default")
    lines.setdefault(at, node.start_mark.line + 1)
    here = f"line {node.start_mark.line + 1}: "
    if id(node) in seen:
        raise RuleSetError((), f"{here}references are not understood; write it out")
    seen.add(id(node))
    if node.tag.removeprefix(_TAG) not in ("map", "seq", "str", "int", "bool"):
        raise RuleSetError((), f"{here}the tag {node.tag} is not understood; remove it")
    if isinstance(node, yaml.SequenceNode):
        return [_built(loader, one, (*at, n), lines, seen) for n, one in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            where = f"line {key.start_mark.line + 1}: "
            if name is None:
                raise RuleSetError((), f"{where}a name must be a text; mend it")
            if name in found:
                raise RuleSetError((), f"{where}{name!r} stands twice in one table; keep one")
            lines[*at, name] = key.start_mark.line + 1
            found[name] = _built(loader, value, (*at, name), lines, seen)
        return found
    return loader.construct_object(node)
