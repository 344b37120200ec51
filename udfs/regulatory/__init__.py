"""Every result as an event of its shard's hash chain, and the check that none was changed.

`step` makes the chain, `verify` rebuilds it from the messages alone.
"""

from udfs.regulatory.step import TABLES, Config, RegulatoryStep
from udfs.regulatory.verify import Verdict, verify_chain

__all__ = ["TABLES", "Config", "RegulatoryStep", "Verdict", "verify_chain"]
