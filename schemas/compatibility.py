"""Whether old topics stay readable: each version of a record must read what the one before wrote.

The rule is Avro's schema resolution from each version to the next (a registry's BACKWARD level),
judged by the Avro project's own checker. What it refuses must become a new record. It is asked
before a job is submitted, as a job that cannot read its own past cannot be replayed.
"""

import json
from itertools import pairwise
from typing import Any

from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.errors import AvroException
from avro.schema import Schema, parse

from schemas.records import names, versions


class IncompatibleError(ValueError):
    """A schema cannot read the version before it; the text is one line and says what to do."""


def incompatibility(old: dict[str, Any], new: dict[str, Any]) -> str | None:
    """Why records written as `old` cannot be read as `new` (Avro schemas); None if they can."""
    try:
        reader, writer = _parsed(new), _parsed(old)
    except AvroException as error:
        return str(error)
    found = ReaderWriterCompatibilityChecker().get_compatibility(reader=reader, writer=writer)
    if found.compatibility is SchemaCompatibilityType.compatible:
        return None
    return "; ".join(sorted(found.messages)) or "the schemas do not resolve"


def check_tree() -> None:
    """Check every record of the tree.

    Raises:
        IncompatibleError: The first version found that cannot read the one before it.
    """
    for name in names():
        for old, new in pairwise(versions(name)):
            why = incompatibility(old.schema, new.schema)
            if why is not None:
                raise IncompatibleError(
                    f"{name} version {new.version} cannot read version {old.version}: {why}; "
                    "give added fields a default, or make it a new record"
                )


def _parsed(schema: dict[str, Any]) -> Schema:
    return parse(json.dumps(schema))
