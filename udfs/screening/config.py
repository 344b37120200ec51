"""What screening lets be chosen, and the version of its decisions."""

from dataclasses import dataclass

VERSION = "screening/1"
"""Changes when the results of the same records and lists do."""

DAY = 86_400_000_000


@dataclass(frozen=True)
class Config:
    """When a name is a hit, and how often it is raised.

    Attributes:
        sanctions_ppm: Least score of a hit on a sanctioned party, parts per million.
        pep_ppm: The same for politically exposed persons.
        pep_again_us: So long a politically exposed person in a customer's payments is not raised
            again, business time, microseconds. A sanctioned party is raised with every payment.
        exception_us: So long an exception lasts if the action does not say it.
        most: At most so many parties of a list are raised for one name, the most alike.
    """

    sanctions_ppm: int = 850_000
    pep_ppm: int = 850_000
    pep_again_us: int = 30 * DAY
    exception_us: int = 365 * DAY
    most: int = 10

    def __post_init__(self) -> None:
        """Refuse thresholds that are no shares, and times that run backwards."""
        if not (0 < self.sanctions_ppm <= 1_000_000 and 0 < self.pep_ppm <= 1_000_000):
            raise ValueError(f"a threshold is 1 to 1000000 ppm: {self}")
        if min(self.pep_again_us, self.exception_us) < 0 or self.most < 1:
            raise ValueError(f"times cannot be negative, and one hit at least is raised: {self}")

    @property
    def threshold(self) -> int:
        """The least score that is a hit on anybody."""
        return min(self.sanctions_ppm, self.pep_ppm)

    def limit(self, category: str) -> int:
        """The least score for entries of a category."""
        return self.sanctions_ppm if category == "SANCTION" else self.pep_ppm
