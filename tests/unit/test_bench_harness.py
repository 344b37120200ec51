import json

import pytest

from deploy.bench.harness import Report, Result, shown


@pytest.mark.parametrize(
    ("result", "met"),
    [
        (Result("speed", 10, "x", 3.0), True),
        (Result("speed", 2.9, "x", 3.0), False),
        (Result("speed", "not run", "x", 3.0), False),
        (Result("time", 2.0, "s", 2.0, at_most=True), True),
        (Result("time", 2.1, "s", 2.0, at_most=True), False),
        (Result("speed", 10, "x"), None),
    ],
)
def test_a_bar_is_met_or_not_or_absent(result, met):
    assert result.met is met


def test_the_document_has_the_shape_of_all_benches(tmp_path):
    report = Report("engine", 7, [Result("speed", 10, "x", 3.0)])
    path = report.write(tmp_path / "deep" / "engine.json")
    document = json.loads(path.read_text())
    assert list(document) == ["name", "commit", "machine", "seed", "when", "results"]
    assert document["results"] == [
        {"what": "speed", "value": 10, "unit": "x", "bar": 3.0, "met": True}
    ]


def test_a_person_sees_each_result_and_its_bar():
    report = Report("engine", 1, [Result("time", 2.5, "s", 2.0, at_most=True), Result("n", 5, "")])
    assert report.rows() == [("time", "2.5", "s", "<= 2", "no"), ("n", "5", "", "", "")]


@pytest.mark.parametrize(
    ("value", "text"),
    [(1_234_567, "1,234,567"), (1_234.5, "1,234"), (0.6123, "0.612"), (7, "7"), ("not run",) * 2],
)
def test_figures_have_the_digits_they_deserve(value, text):
    assert shown(value) == text
