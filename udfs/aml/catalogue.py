"""Every rule there is, and what a rule set may say about it."""

from collections.abc import Mapping
from typing import Any

from udfs.aml import (
    cash_consolidation,
    cash_ctr,
    cash_funnel,
    cash_micro,
    cash_smurfing,
    cash_structuring,
    flow_corridor,
    flow_dormant,
    flow_pass_through,
    flow_round_amounts,
    flow_time_of_day,
    flow_travel,
    flow_travel_rule,
    flow_velocity,
    flow_velocity_params,
    model_score,
)
from udfs.aml.rule import Rule, RuleParams

_ALL: tuple[tuple[Rule[Any], type[RuleParams]], ...] = (
    (cash_structuring.Structuring(), cash_structuring.Params),
    (cash_micro.MicroStructuring(), cash_micro.Params),
    (cash_smurfing.Smurfing(), cash_smurfing.Params),
    (cash_funnel.FunnelAccount(), cash_funnel.Params),
    (cash_consolidation.Consolidation(), cash_consolidation.Params),
    (cash_ctr.CtrAggregation(), cash_ctr.Params),
    (flow_velocity.Velocity(), flow_velocity_params.Params),
    (flow_pass_through.PassThrough(), flow_pass_through.Params),
    (flow_dormant.DormantWakeUp(), flow_dormant.Params),
    (flow_round_amounts.RoundAmounts(), flow_round_amounts.Params),
    (flow_time_of_day.TimeOfDay(), flow_time_of_day.Params),
    (flow_travel.ImpossibleTravel(), flow_travel.Params),
    (flow_corridor.HighRiskCorridor(), flow_corridor.Params),
    (flow_travel_rule.TravelRule(), flow_travel_rule.Params),
    (model_score.ModelScore(), model_score.Params),
)

RULES: Mapping[str, Rule[Any]] = {rule.name: rule for rule, _ in _ALL}
"""The rules by name."""
PARAMS: Mapping[str, type[RuleParams]] = {rule.name: params for rule, params in _ALL}
"""What may be chosen of each."""
REVISED: Mapping[str, str] = {}
"""Version of each rule or typology whose decisions were changed; all others are at version 1.

Raise it, together with udfs.aml.slots.VERSION, when the code of a rule gives other outcomes for the
same events and parameters. What a rule set chooses is not told by it but by the set's hash.
"""
