"""Which rules there are: asked for when needed, since the rules bring the engine's tables along."""

from collections.abc import Mapping
from importlib import import_module

from udfs.aml.rule import RuleParams

NAME = "aml"
"""Name of the rule set of transaction monitoring."""


def known() -> Mapping[str, type[RuleParams]]:
    """Name of each rule -> what may be chosen of it."""
    found: Mapping[str, type[RuleParams]] = import_module("udfs.aml.catalogue").PARAMS
    return found
