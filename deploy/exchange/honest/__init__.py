"""Agents that trade for honest reasons, some of which look like abuse."""
