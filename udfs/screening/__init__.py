"""Whether names are on lists of sanctioned or politically exposed parties.

`names`, `sound` and `tokens` say how names are compared, `score` and `screener` how alike they are
and to whom, `versions` which lists are in force, `step` folds it over the batches of a log.
"""

from udfs.screening.config import VERSION, Config
from udfs.screening.step import TABLES, ScreeningStep

__all__ = ["TABLES", "VERSION", "Config", "ScreeningStep"]
