"""Every rule there is, and what a rule set may say about it."""

from collections.abc import Mapping
from typing import Any

from udfs.aml.rule import Rule, RuleParams

RULES: Mapping[str, Rule[Any]] = {}
PARAMS: Mapping[str, type[RuleParams]] = {}
