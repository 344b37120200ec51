"""What members owe each other, cycle by cycle: bilateral and multilateral nets, with proof.

`nets` holds the arithmetic as functions over frames, `provenance` the proof of which obligations
stand behind a net, `step` folds both over the batches of a log.
"""

from udfs.netting.step import TABLES, Config, NettingStep, netting_step

__all__ = ["TABLES", "Config", "NettingStep", "netting_step"]
