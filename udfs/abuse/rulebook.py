"""The rules that ship, and their parameters."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from schemas.step import TableSpec
from udfs.abuse.rules import spoofing as spoof

RULES: Mapping[str, Any] = {rule.name: rule for rule in (spoof.RULE,)}
"""Every rule by name, in a fixed order."""

TABLES: Mapping[str, TableSpec] = {
    name: spec for rule in RULES.values() for name, spec in rule.tables.items()
}


class RuleBook(BaseModel):
    """Parameters of every rule; a field is a rule's name with underscores."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    spoofing: spoof.Params = spoof.Params()
