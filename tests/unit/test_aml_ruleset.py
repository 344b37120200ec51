"""Rule sets: one canonical text, every mistake one line with rule and field, exact conversion."""

import hashlib
import json
from typing import Any

import polars as pl
import pytest
import rfc8785
from pydantic import BaseModel

from schemas.money import EXPONENTS
from tests.made_rules import KNOWN, Structuring
from udfs.aml.plain import RuleSetError
from udfs.aml.rule import Band
from udfs.aml.ruleset import (
    DEFAULT,
    MOST,
    RuleSet,
    canonical,
    default,
    digest,
    parse,
    to_base,
)

BODY: dict[str, Any] = {
    "rules": {"structuring": {"limit": 900_000}, "velocity": {"enabled": False}},
    "typologies": {
        "placement": {
            "weights": {"structuring": 700_000, "velocity": 300_000},
            "window_s": 86_400,
            "review": 400_000,
            "report": 800_000,
        }
    },
}


def parsed(**change: Any) -> RuleSet:
    return parse(json.dumps(BODY | change), KNOWN)


def test_what_is_left_out_has_its_default_and_is_written_out() -> None:
    rules = parsed()
    assert rules.rules["structuring"] == Structuring(limit=900_000)
    body = json.loads(canonical(rules))
    assert body["rules"]["structuring"]["deposits"] == 3
    assert body["rules"]["structuring"]["bands"][1] == {
        "name": "HIGH",
        "at_least": 950_000,
        "score": 900_000,
    }
    assert body["rules"]["velocity"]["enabled"] is False
    assert body["rates"]["USD"] == 1_000_000


def test_a_factor_that_is_left_out_changes_nothing() -> None:
    assert parsed(factors={"HIGH": 500_000}).factors == {
        "MEDIUM": 1_000_000,
        "HIGH": 500_000,
        "ENHANCED": 1_000_000,
        "PEP": 1_000_000,
    }


def test_the_canonical_text_is_that_of_rfc_8785_and_reads_as_itself() -> None:
    rules = parsed(corridors=[["NO", "IR"], ["*", "KP"]])
    body = canonical(rules)
    assert body.encode() == rfc8785.dumps(rules.model_dump(mode="json"))
    assert parse(body, KNOWN) == rules
    assert canonical(parse(body, KNOWN)) == body
    assert digest(body) == hashlib.sha256(body.encode()).hexdigest()


def test_the_order_of_the_writer_is_nothing() -> None:
    turned = dict(reversed(BODY.items())) | {"rules": dict(reversed(BODY["rules"].items()))}
    assert canonical(parse(json.dumps(turned), KNOWN)) == canonical(parsed())
    assert list(parse(json.dumps(turned), KNOWN).rules) == ["structuring", "velocity"]


def test_the_hash_of_abc_is_that_of_fips_180() -> None:
    # FIPS 180-2, appendix B.1
    assert digest("abc").startswith("ba7816bf8f01cfea414140de5dae2223")


def test_the_default_has_every_rule_and_the_frame_none() -> None:
    assert set(default(KNOWN).rules) == set(KNOWN)
    assert parse(canonical(default(KNOWN)), KNOWN) == default(KNOWN)
    assert not DEFAULT.rules
    assert set(DEFAULT.rates) <= set(EXPONENTS)
    assert list(DEFAULT.rates) == sorted(DEFAULT.rates)


BANDS = [{"name": "LOW", "at_least": 5, "score": 1}, {"name": "HIGH", "at_least": 5, "score": 2}]
PLACEMENT = BODY["typologies"]["placement"]


def rule(**fields: Any) -> dict[str, Any]:
    return {"rules": {"structuring": fields}, "typologies": {}}


BAD: list[tuple[dict[str, Any], str]] = [
    (rule(bands=BANDS), "rule structuring: bands LOW from 5 and HIGH from 5 overlap"),
    (rule(bands=BANDS[::-1]), "rule structuring: bands HIGH from 5 and LOW from 5 overlap"),
    (
        rule(bands=[BANDS[1], BANDS[0] | {"at_least": 9}]),
        "rule structuring, field bands: are HIGH, LOW; name each once, in order LOW, MEDIUM, HIGH",
    ),
    (
        rule(bands=[BANDS[0], BANDS[0] | {"at_least": 9}]),
        "rule structuring, field bands: are LOW, LOW; name each once",
    ),
    (rule(bands=[]), "rule structuring, field bands: has no band; add one"),
    (
        rule(bands=[BANDS[0] | {"at_least": -1}]),
        "rule structuring, field bands.0.at_least: .* not -1; mend it",
    ),
    (
        rule(bands=[BANDS[0] | {"score": 1_000_001}]),
        "rule structuring, field bands.0.score: .* not 1000001",
    ),
    (rule(bands=[BANDS[0] | {"name": "WORST"}]), "rule structuring, field bands.0.name: "),
    (rule(limit=0), "rule structuring, field limit: .*greater than or equal to 1, not 0; mend it"),
    (rule(limit="9"), 'rule structuring, field limit: .*valid integer, not "9"; mend it'),
    (rule(limit=True), "rule structuring, field limit: .*valid integer, not true; mend it"),
    (rule(limit=2**53), "rule structuring, field limit: is beyond 9007199254740991"),
    (rule(enabled=1), "rule structuring, field enabled: .*valid boolean, not 1; mend it"),
    (rule(cool_down_s=-1), "rule structuring, field cool_down_s: "),
    (rule(limt=1), "rule structuring, field limt: there is no such field; there are: enabled, "),
    ({"rules": {"structring": {}}}, "rule structring: there is no such rule; there are: struct"),
    ({"rules": []}, r"field rules: must be a table of rules"),
    ({"rules": {"structuring": 3}}, "rule structuring: "),
    ({"rule": {}}, "field rule: there is no such field; there are: base, rates"),
    ({"base": "EUR"}, "field base: "),
    ({"rates": {"USD": 1_000_000, "XYZ": 5}}, "field rates.XYZ: XYZ is no currency of ISO 4217"),
    ({"rates": {"USD": 1_000_000, "EUR": 0}}, "field rates.EUR: .* not 0; mend it"),
    ({"rates": {"USD": 2_000_000}}, "field rates.USD: must be 1000000: it is the base currency"),
    ({"rates": {}}, "field rates.USD: must be 1000000"),
    ({"factors": {"HIGH": 0}}, "field factors.HIGH: .* not 0; mend it"),
    ({"factors": {"HIGH": 1_000_001}}, "field factors.HIGH: .* not 1000001; mend it"),
    ({"factors": {"LOW": 1}}, "field factors.LOW: "),
    ({"transfer_floor": -1}, "field transfer_floor: .* not -1; mend it"),
    ({"transfer_floor": 1.5}, "1.5 is no whole number; write amounts in minor units"),
    ({"transfer_floor": None}, "field transfer_floor: is neither number, text, true nor false"),
    ({"corridors": [["NOR", "IR"]]}, 'field corridors.0.0: .* not "NOR"; mend it'),
    ({"corridors": [["NO"]]}, "field corridors.0.1: is missing; add it"),
    ({"base": "ü"}, "field base: is no plain text"),
    (
        {"typologies": {"p": PLACEMENT | {"weights": {"smurfing": 900_000}}}},
        "typology p, field weights.smurfing: is no rule of this set; add the rule, or remove it",
    ),
    (
        {"typologies": {"p": PLACEMENT | {"review": 900_000}}},
        "typology p: review 900000 is above report 800000; lower it",
    ),
    (
        {"typologies": {"p": PLACEMENT | {"weights": {"velocity": 300_000}}}},
        "typology p: report 800000 is never reached: the weights give 300000",
    ),
    ({"typologies": {"p": PLACEMENT | {"window_s": 0}}}, "typology p, field window_s: "),
    ({"typologies": {"P": PLACEMENT}}, "typology P: "),
    ({"typologies": {"p": {}}}, "typology p, field weights: is missing; add it"),
]


@pytest.mark.parametrize(("change", "says"), BAD)
def test_a_mistake_is_one_line_that_names_rule_and_field(change: dict[str, Any], says: str) -> None:
    with pytest.raises(RuleSetError, match=f"^{says}") as told:
        parsed(**change)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "the text is no JSON"),
        ("[]", "mend it"),
        ('{"rules": {}, "rules": {}}', "'rules' stands twice in one table; keep one"),
        ('{"rules": {}, "transfer_floor": NaN}', "NaN is no whole number"),
        ("[" * 100_000, "nested too deeply"),
        ("{}", "field rules: is missing; add it"),
    ],
)
def test_a_text_that_is_no_rule_set_is_one_line(body: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as told:
        parse(body, KNOWN)
    assert "\n" not in str(told.value)


def test_motifs_are_checked_where_they_are_known() -> None:
    class Cycle(BaseModel):
        hops: int = 4

    assert parsed(motifs={"cycle": {"hop": 3}}).motifs == {"cycle": {"hop": 3}}
    body = json.dumps(BODY | {"motifs": {"cycle": {}}})
    assert parse(body, KNOWN, {"cycle": Cycle}).motifs == {"cycle": {"hops": 4}}
    with pytest.raises(RuleSetError, match=r"^motif cycle: there is no such motif"):
        parse(body, KNOWN, {})


def test_a_band_of_the_rules_module_stays_as_it_is() -> None:
    assert parsed().rules["structuring"].bands[0] == Band(
        name="LOW", at_least=800_000, score=300_000
    )


RATES = {"USD": 1_000_000, "EUR": 1_085_000, "JPY": 6_700, "KWD": 3_250_000}


@pytest.mark.parametrize(
    ("amount", "scale", "currency", "base"),
    [
        (1_000_000, 2, "USD", 1_000_000),  # 10,000.00 stays
        (10_000, 0, "USD", 1_000_000),  # 10,000 whole dollars
        (1_000, 2, "EUR", 1_085),  # 10.00 EUR = 10.85 USD
        (1, 2, "EUR", 1),  # 1.085 cents
        (100, 0, "JPY", 67),  # 100 JPY = 0.67 USD
        (1, 0, "JPY", 1),  # 0.67 cents
        (1_492_537, 0, "JPY", 1_000_000),  # 1,492,537 x 0.67 = 999,999.79 cents
        (1_492_536, 0, "JPY", 999_999),  # 999,999.12 cents
        (1_000, 3, "KWD", 325),  # 1 KWD = 3.25 USD
        (1, 3, "KWD", 0),  # 0.325 cents
        (2, 3, "KWD", 1),  # 0.65 cents
        (5, 3, "USD", 1),  # half a cent goes up
        (4_999_999, 9, "USD", 0),  # just below half a cent
        (5_000_000, 9, "USD", 1),
        (10**13, 0, "KWD", MOST),  # the greatest amount a posting may carry: capped
        (10**13, 2, "KWD", 32_500_000_000_000),
        (1_000, 3, "BHD", 325),  # no rate: by the greatest, never unseen
    ],
)
def test_money_is_converted_exactly(amount: int, scale: int, currency: str, base: int) -> None:
    frame = pl.DataFrame(
        {"amount": [amount], "scale": [scale], "currency": [currency]},
        schema={"amount": pl.Int64, "scale": pl.Int32, "currency": pl.String},
    )
    found = frame.select(base=to_base("amount", "scale", "currency", RATES))
    assert found.schema == {"base": pl.Int64}
    assert found["base"].to_list() == [base]
