"""What the bank knows of its customers: a record each, written when the world begins."""

import numpy as np
import polars as pl

from connectors.generators import areas
from connectors.generators.aml.people import COUNTRIES, ROLES, Bank
from connectors.generators.arrays import Ints
from connectors.generators.draw import choose, stream

_RATINGS, _RATED = pl.Series(["LOW", "MEDIUM", "HIGH"]), np.array([0.86, 0.11, 0.03])
_IDENTITY, _IDENTIFIED = pl.Series(["PASSED", "PENDING", "FAILED"]), np.array([0.985, 0.012, 0.003])
_PEP = 0.002
_REASONS = pl.Series(["", "cash-intensive or young relation", "adverse information"])
AUTHOR = "kyc-import"


class Files:
    """The customer records of a bank."""

    def __init__(self, seed: int, bank: Bank, start: int) -> None:
        """Rate all customers; members of schemes bear no mark of risk, or limits would differ."""
        self.seed, self.bank, self.start = seed, bank, start
        rng = stream(seed, "aml kyc")
        n = bank.customers
        member = (np.arange(n) >= bank.ordinary) & (np.arange(n) < bank.persons)
        self._rating = np.where(member, 0, choose(rng, _RATED, n))
        self._identity = np.where(member, 0, choose(rng, _IDENTIFIED, n))
        self._pep = ~member & (np.arange(n) < bank.persons) & (rng.random(n) < _PEP)
        industry = np.zeros(n, dtype=np.int64)
        for code, role in enumerate(ROLES, 1):
            industry[bank.all_firms(role)] = code
        self._industry = industry

    def records(self, units: pl.DataFrame) -> pl.DataFrame:
        """The records of units that are customers, in order of `unit`."""
        bank, who = self.bank, units["number"].to_numpy()
        person = who < bank.persons
        rating, pep = self._rating[who], self._pep[who]
        area: Ints = bank.area[who]
        n = units.height
        return pl.DataFrame(
            {
                "change_id": f"K{self.seed}-" + bank.ids.gather(who),
                "time": np.full(n, self.start),
                "customer": bank.ids.gather(who),
                "kind": pl.Series(["BUSINESS", "PERSON"]).gather(person.astype(np.int64)),
                "name": bank.names.gather(who),
                "country": pl.Series(COUNTRIES).gather(bank.country[who]),
                "area": areas.CODE.gather(area),
                "zone": areas.ZONE.gather(area),
                "opened": bank.opened[who],
                "industry": pl.Series(["", *(i for _, i in ROLES.values())]).gather(
                    self._industry[who]
                ),
                "identity": _IDENTITY.gather(self._identity[who]),
                "pep": pep,
                "rating": _RATINGS.gather(rating),
                "reasons": _REASONS.gather(rating),
                "due_diligence": pl.Series(["STANDARD", "ENHANCED"]).gather(
                    ((rating == 2) | pep).astype(np.int64)
                ),
                "author": pl.repeat(AUTHOR, n, eager=True),
                "unit": units["unit"],
            }
        )
