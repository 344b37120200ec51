"""The rules that ship, and their parameters."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from schemas.step import TableSpec
from udfs.abuse.rules import circles, closing, matched, order_to_trade, runs, stuffing, wash
from udfs.abuse.rules import front_running as front
from udfs.abuse.rules import layering as layers
from udfs.abuse.rules import smoking as smoke
from udfs.abuse.rules import spoofing as spoof

_ALL = (
    *(spoof.RULE, layers.RULE, wash.RULE, circles.RING, matched.RULE, circles.PAINTING),
    *(runs.RAMPING, runs.IGNITION, closing.RULE, stuffing.RULE, order_to_trade.RULE, smoke.RULE),
    front.RULE,
)
RULES: Mapping[str, Any] = {rule.name: rule for rule in _ALL}
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
    wash_ring: circles.RingParams = circles.RingParams()
    matched_orders: matched.Params = matched.Params()
    painting_the_tape: circles.PaintingParams = circles.PaintingParams()
    ramping: runs.RampingParams = runs.RampingParams()
    momentum_ignition: runs.IgnitionParams = runs.IgnitionParams()
    marking_the_close: closing.Params = closing.Params()
    quote_stuffing: stuffing.Params = stuffing.Params()
    order_to_trade_ratio: order_to_trade.Params = order_to_trade.Params()
    smoking: smoke.Params = smoke.Params()
    front_running: front.Params = front.Params()
