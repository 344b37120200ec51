"""The rules that ship, and their parameters."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from schemas.step import TableSpec
from udfs.abuse.rules import (
    layering as layers,
)
from udfs.abuse.rules import (
    matched,
    order_to_trade,
    stuffing,
    wash,
)
from udfs.abuse.rules import (
    smoking as smoke,
)
from udfs.abuse.rules import (
    spoofing as spoof,
)

_MODULES = (spoof, layers, wash, matched, stuffing, order_to_trade, smoke)
RULES: Mapping[str, Any] = {module.RULE.name: module.RULE for module in _MODULES}
"""Every rule by name, in a fixed order."""

TABLES: Mapping[str, TableSpec] = {
    name: spec for rule in RULES.values() for name, spec in rule.tables.items()
}


class RuleBook(BaseModel):
    """Parameters of every rule; a field is a rule's name with underscores."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    spoofing: spoof.Params = spoof.Params()
    layering: layers.Params = layers.Params()
    wash_trade: wash.Params = wash.Params()
    matched_orders: matched.Params = matched.Params()
    quote_stuffing: stuffing.Params = stuffing.Params()
    order_to_trade_ratio: order_to_trade.Params = order_to_trade.Params()
    smoking: smoke.Params = smoke.Params()
