"""Rule sets: what a firm chooses of its rules, as one text that is hashed, signed and compared.

All of it is whole numbers, plain texts and true or false, so that sorted JSON without spaces is
its canonical form (RFC 8785). A rule that is not listed does not run.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

import polars as pl
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializeAsAny,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from schemas.money import EXPONENTS
from udfs.aml import defaults
from udfs.aml.plain import RuleSetError, check_plain, from_json, told
from udfs.aml.rule import WHOLE, RuleParams

MOST = 10**15
"""No posting counts as more, minor units of the base currency: sums of thousands stay in range."""
_BANDS = ("LOW", "MEDIUM", "HIGH")
_Model = TypeVar("_Model", bound=BaseModel)


def _currency(code: str) -> str:
    if code not in EXPONENTS:
        raise ValueError(f"{code} is no currency of ISO 4217; mend it")
    return code


Share = Annotated[int, Field(ge=1, le=WHOLE)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,47}$")]
Country = Annotated[str, StringConstraints(pattern=r"^([A-Z]{2}|\*)$")]
Factor = Literal["MEDIUM", "HIGH", "ENHANCED", "PEP"]


class Typology(BaseModel):
    """Several rules weighed into one score.

    Attributes:
        weights: How much a rule's score counts, parts per million.
        window_s: How old the outcome of a rule may be, seconds.
        review: Score from which a person has to look, parts per million.
        report: Score from which a report is asked for, parts per million.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: Annotated[Mapping[Name, Share], Field(min_length=1)]
    window_s: Annotated[int, Field(ge=1, le=31_536_000)]
    review: Share
    report: Share

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if self.review > self.report:
            raise ValueError(f"review {self.review} is above report {self.report}; lower it")
        most = min(WHOLE, sum(self.weights.values()))
        if self.report > most:
            raise ValueError(f"report {self.report} is never reached: the weights give {most}")
        return self


class RuleSet(BaseModel):
    """What decides in transaction monitoring.

    Attributes:
        base: The currency in which amounts are compared.
        rates: Units of the base currency for one unit of a currency, parts per million.
        factors: What share of every money limit applies to a customer, parts per million.
        transfer_floor: Least amount of a transfer that is passed on, minor units of the base.
        corridors: Pairs of countries (from, to) that are watched; `*` stands for any.
        rules: The rules that run, with what was chosen of each.
        typologies: Rules weighed together.
        motifs: What the stage of graph motifs looks for; what is not listed it does not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: Literal["USD"] = "USD"
    rates: Mapping[
        Annotated[str, AfterValidator(_currency)], Annotated[int, Field(ge=1, le=100_000_000)]
    ] = Field(default_factory=lambda: defaults.RATES)
    factors: Mapping[Factor, Share] = Field(
        default_factory=lambda: defaults.FACTORS, validate_default=True
    )
    transfer_floor: Annotated[int, Field(ge=0, le=MOST)] = 10_000
    corridors: tuple[tuple[Country, Country], ...] = ()
    rules: Mapping[Name, SerializeAsAny[RuleParams]]
    typologies: Mapping[Name, Typology] = Field(default_factory=dict)
    motifs: Mapping[Name, Mapping[str, Any]] = Field(default_factory=dict)

    @field_validator("rules", mode="before")
    @classmethod
    def _of_known(cls, rules: object, info: ValidationInfo) -> object:
        """Each rule by its own Params, where the mapping of those is handed in."""
        known: Mapping[str, type[RuleParams]] | None = (info.context or {}).get("rules")
        return _each(rules, known, "rule", "rules") if known is not None else rules

    @field_validator("motifs", mode="before")
    @classmethod
    def _of_known_motifs(cls, motifs: object, info: ValidationInfo) -> object:
        known: Mapping[str, type[BaseModel]] | None = (info.context or {}).get("motifs")
        if known is None:
            return motifs
        found = _each(motifs, known, "motif", "motifs")
        return {name: one.model_dump(mode="json") for name, one in found.items()}

    @field_validator("rates", "rules", "typologies", "motifs")
    @classmethod
    def _in_order(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        return dict(sorted(value.items()))

    @field_validator("factors")
    @classmethod
    def _all_factors(cls, value: Mapping[Factor, int]) -> Mapping[Factor, int]:
        return {name: value.get(name, WHOLE) for name in defaults.FACTORS}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.rates.get(self.base) != WHOLE:
            raise RuleSetError(("rates", self.base), f"must be {WHOLE}: it is the base currency")
        for name, params in self.rules.items():
            if not params.bands:
                raise RuleSetError(("rules", name, "bands"), "has no band; add one")
            bands = [_BANDS.index(band.name) for band in params.bands]
            if bands != sorted(set(bands)):
                named = ", ".join(_BANDS[band] for band in bands)
                raise RuleSetError(
                    ("rules", name, "bands"),
                    f"are {named}; name each once, in order LOW, MEDIUM, HIGH",
                )
        for name, typology in self.typologies.items():
            for rule in typology.weights:
                if rule not in self.rules:
                    raise RuleSetError(
                        ("typologies", name, "weights", rule),
                        "is no rule of this set; add the rule, or remove it",
                    )
        return self


def parse(
    body: str,
    known: Mapping[str, type[RuleParams]],
    motifs: Mapping[str, type[BaseModel]] | None = None,
) -> RuleSet:
    """The rule set that a JSON text says; what it leaves out has its default.

    Args:
        body: The text.
        known: Name of each rule there is -> what may be chosen of it.
        motifs: The same for motifs; None takes them unchecked, for who does not use them.

    Raises:
        RuleSetError: It is none; one line that names the rule and the field.
    """
    try:
        data = from_json(body)
        context = {"rules": known, "motifs": motifs}
        return RuleSet.model_validate_json(json.dumps(data), strict=True, context=context)
    except ValidationError as error:
        raise told(error, (), RuleSet) from None


def canonical(rules: RuleSet) -> str:
    """The one text of a rule set, RFC 8785; every field is written out, defaults too."""
    data = rules.model_dump(mode="json")
    check_plain(data)
    return json.dumps(data, sort_keys=True, separators=(",", ":"))


def digest(body: str) -> str:
    """SHA-256 of a text in hex: how a rule set is named."""
    return hashlib.sha256(body.encode()).hexdigest()


def default(
    known: Mapping[str, type[RuleParams]], motifs: Mapping[str, type[BaseModel]] | None = None
) -> RuleSet:
    """Every known rule and motif as its module proposes it, typologies as these rules allow."""
    typologies = {}
    for name, (weights, window_s, review, report) in defaults.TYPOLOGIES.items():
        kept = {rule: weight for rule, weight in weights.items() if rule in known}
        if sum(kept.values()) >= report:
            typologies[name] = Typology(
                weights=kept, window_s=window_s, review=review, report=report
            )
    return RuleSet(
        rules={name: params.model_validate({}) for name, params in known.items()},
        typologies=typologies,
        motifs={name: one().model_dump(mode="json") for name, one in (motifs or {}).items()},
    )


DEFAULT = default({})
"""The frame without any rule; `default` has the rules of a catalogue."""


def to_base(amount: str, scale: str, currency: str, rates: Mapping[str, int]) -> pl.Expr:
    """Amounts in minor units of the base currency (scale 2), from the columns so named.

    Formula: amount x rate / 10^6 x 10^2 / 10^scale, exact, rounded half up once, at most MOST. A
    currency without a rate counts by the greatest one there is: it may raise an alert that is none,
    and never hides one. The result is never null.
    """
    rate = pl.col(currency).replace_strict(
        dict(rates), default=max(rates.values()), return_dtype=pl.Int64
    )
    above = pl.col(amount).cast(pl.Int128) * rate.cast(pl.Int128)
    below = pl.lit(10, pl.Int64).pow(pl.col(scale)).cast(pl.Int128) * (WHOLE // 100)
    rounded = (2 * above + below) // (2 * below)
    return pl.min_horizontal(rounded, pl.lit(MOST, pl.Int128)).cast(pl.Int64)


def _each(
    given: object, known: Mapping[str, type[_Model]], what: str, top: str
) -> dict[str, _Model]:
    if not isinstance(given, Mapping):
        raise RuleSetError((top,), f"must be a table of {what}s; mend it")
    found = {}
    for name, params in given.items():
        if name not in known:
            there = ", ".join(sorted(known)) or "none"
            raise RuleSetError((top, name), f"there is no such {what}; there are: {there}")
        try:
            found[name] = known[name].model_validate_json(json.dumps(params), strict=True)
        except ValidationError as error:
            raise told(error, (top, name), known[name]) from None
    return found
