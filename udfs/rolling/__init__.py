"""The smallest stateful decision: a rolling count and sum an entity, alerts on large events.

It is what the engine is measured with (`tidemark bench engine`) and the domain to read first.
"""

from udfs.rolling.step import TABLES, VERSION, RollingStep

__all__ = ["TABLES", "VERSION", "RollingStep"]
