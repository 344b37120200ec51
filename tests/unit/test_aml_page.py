"""docs/aml.md names every rule and typology as the code has them, and tests that exist."""

import re
from pathlib import Path

from udfs.aml.catalogue import PARAMS, RULES
from udfs.aml.defaults import TYPOLOGIES
from udfs.aml.ruleset import default
from udfs.aml.slots import VERSION

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "aml.md").read_text()


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """Cells of the first table of a section, without its heading."""
    table = section(title).split("\n| ", 1)[1].split("\n\n")[0]
    lines = [line for line in table.splitlines()[1:] if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_rule_is_in_the_table_once() -> None:
    assert sorted(row[0].strip("`") for row in rows("Rules")) == sorted(RULES)


def test_typologies_are_told_as_they_are() -> None:
    told = {name: (weights, window, limits) for name, weights, window, limits in rows("Typologies")}
    assert set(told) == set(TYPOLOGIES) == set(default(PARAMS).typologies)
    for name, (weights, window_s, review, report) in TYPOLOGIES.items():
        said = dict(part.rsplit(" ", 1) for part in told[name][0].split(", "))
        assert {rule: round(float(share) * 1e6) for rule, share in said.items()} == weights
        assert told[name][1] == f"{window_s // 86_400} d"
        assert told[name][2] == f"{review / 1e6} / {report / 1e6}"


def test_the_decision_version_is_the_one_that_runs() -> None:
    assert f"Decision version `{VERSION}`" in PAGE


def test_tests_that_are_named_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    written = "".join(path.read_text() for path in (ROOT / "tests" / "unit").glob("test_*.py"))
    assert named
    assert {name for name in named if f"def {name}(" not in written} == set()


def test_pages_and_files_that_are_named_exist() -> None:
    links = re.findall(r"\]\(([\w./-]+?\.md)(?:#[\w-]+)?\)", PAGE)
    paths = re.findall(r"`((?:udfs|jobs|tests|connectors)/[\w./]+\.py)`", PAGE)
    assert {link for link in links if not (ROOT / "docs" / link).exists()} == set()
    assert {path for path in paths if not (ROOT / path).exists()} == set()
