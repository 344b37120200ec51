"""A seeded bank with people, businesses and launderers, for rules against money laundering."""

from connectors.generators.aml.money import RATES
from connectors.generators.aml.schemes import KINDS, Wanted
from connectors.generators.aml.world import AmlWorld

__all__ = ["KINDS", "RATES", "AmlWorld", "Wanted"]
