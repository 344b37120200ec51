"""What a rule set may choose of the velocity rule, and why its defaults are what they are.

Fixed limits, for a person:

| window | postings | sum in USD | what it is above |
|---|---|---|---|
| 1 h | 10 | 10,000.00 | the sum is the threshold of cash reports, 31 CFR 1010.311 |
| 24 h | 60 | 25,000.00 | a posting every 16 waking minutes |
| 7 d | 300 | 100,000.00 | 43 postings a day |

Own average: 45 times in 24 h and 7 times in 7 d. Much of what people and firms pay is due once a
month: rent, wages, a salary that comes in. A month's business in one go is 30 times the average
day and 4.3 times the average week, so that a limit of twice the average would be passed by
everybody once a month; these are one and a half months' business. In one hour it is not compared.
All of it is practice and no law: a firm calibrates it on its own labelled alerts.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from udfs.aml.flow_kinds import Times
from udfs.aml.rule import WHOLE, Band, RuleParams

WINDOWS = 3
"""So many windows a rule set may ask for at most."""
Money = Annotated[int, Field(ge=0, le=1_000_000_000_000_000)]


class VelocityWindow(BaseModel):
    """One window and its limits.

    Attributes:
        hours: Its length.
        count: Fixed limit of postings.
        sum: Fixed limit of money, minor units of the base currency.
        own_times: So many times the own average are allowed, parts per million; 0: not compared.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hours: Annotated[int, Field(ge=1, le=168)]
    count: Annotated[int, Field(ge=1, le=1_000_000)]
    sum: Annotated[int, Field(ge=1, le=1_000_000_000_000_000)]
    own_times: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0


class Params(RuleParams):
    """What a rule set chooses.

    Attributes:
        windows: The windows and their limits, short ones first.
        business: So many times the fixed limits are allowed to a business, parts per million.
        least: Least postings in the window for a limit of money or the own average to count.
        own_floor: The sum in the window must lie above it for the own average to count.
        own_days: The own average is known from so many days of history on.
        own_seen: And from so many postings of the same direction on.
    """

    windows: Annotated[tuple[VelocityWindow, ...], Field(min_length=1, max_length=WINDOWS)] = (
        VelocityWindow(hours=1, count=10, sum=1_000_000),
        VelocityWindow(hours=24, count=60, sum=2_500_000, own_times=45 * WHOLE),
        VelocityWindow(hours=168, count=300, sum=10_000_000, own_times=7 * WHOLE),
    )
    business: Times = 100 * WHOLE
    least: Annotated[int, Field(ge=1, le=1_000_000)] = 3
    own_floor: Money = 500_000
    own_days: Annotated[int, Field(ge=30, le=180)] = 90
    own_seen: Annotated[int, Field(ge=1, le=1_000_000)] = 30
    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=3)] = (
        Band(name="LOW", at_least=WHOLE + 1, score=300_000),
        Band(name="MEDIUM", at_least=2 * WHOLE + 1, score=600_000),
        Band(name="HIGH", at_least=5 * WHOLE + 1, score=900_000),
    )
