"""Models of customers: files, scores, parts of a score; numbers by hand on a tiny tree."""

import json
import shutil

import numpy as np
import pytest

from udfs import model_files
from udfs.aml import model
from udfs.aml.catalogue import PARAMS
from udfs.aml.features import FEATURES, FULL
from udfs.aml.model import Model, Part
from udfs.aml.model_score import DEFAULT, Params
from udfs.aml.ruleset import parse
from udfs.model_files import ModelError

NAMES = list(FEATURES)
NEAR, ABROAD = NAMES.index("near_7"), NAMES.index("abroad_sum_7")


class Tiny(Model):
    """Two stumps: near_7 > 2 gives 2 (else -1), abroad_sum_7 > 500 gives 0.5 (else -0.25)."""

    def __init__(self) -> None:
        self._scale = 2 * model.QUANTUM
        self._columns = [NAMES.index("in_sum_28")]
        self._centres = np.array([[0], [model.FINE * 10]])
        self._medians = np.zeros((2, len(NAMES)), dtype=np.int64)
        self._medians[1, ABROAD] = 700

    def raw(self, kind, features):
        near, abroad = features[:, NEAR] > 2, features[:, ABROAD] > 500
        return np.where(near, 2.0, -1.0) + np.where(abroad, 0.5, -0.25)


def customer(**values):
    row = np.zeros(len(NAMES), dtype=np.int64)
    for name, value in values.items():
        row[NAMES.index(name)] = value
    return row


def test_scores_are_log_odds_in_parts_per_million():
    """2 + 0.5 and -1 - 0.25: 1 / (1 + e^-2.5) = 0.924142 and 1 / (1 + e^1.25) = 0.222700."""
    rows = np.array([customer(near_7=3, abroad_sum_7=501), customer(near_7=2, abroad_sum_7=500)])
    assert Tiny().scores("boosted", rows).tolist() == [924_142, 222_700]


def test_the_score_of_the_forest_halves_with_every_usual_path():
    """2^(-paths / scale): paths of 2.5 and scale 2 give 2^-1.25 = 0.420448."""
    rows = np.array([customer(near_7=3, abroad_sum_7=501)])
    assert Tiny().scores("forest", rows).tolist() == [420_448]


def test_a_part_is_what_the_score_falls_by_at_the_median_of_the_peers():
    """near_7 from 3 to 0: 2 - -1 = 3 in log-odds; abroad_sum_7: 0.5 - -0.25 = 0.75."""
    one = customer(near_7=3, abroad_sum_7=501)
    assert Tiny().parts("boosted", one, 5) == [
        Part("near_7", 3, 0, 300), Part("abroad_sum_7", 501, 0, 75),
    ]  # fmt: skip
    assert Tiny().parts("boosted", one, 1) == [Part("near_7", 3, 0, 300)]


def test_what_peers_do_too_adds_nothing():
    """in_sum_28 of 1,000 has ten binary digits: the second group, whose median is 700."""
    one = customer(near_7=3, abroad_sum_7=501, in_sum_28=1_000)
    assert Tiny().groups(one[None, :]).tolist() == [1]
    assert Tiny().parts("boosted", one, 5) == [Part("near_7", 3, 0, 300)]


def test_what_lowers_the_score_is_not_named():
    assert Tiny().parts("boosted", customer(in_sum_28=1_000), 5) == []


def test_the_sum_of_parts_of_separate_stumps_is_the_whole_difference():
    one = customer(near_7=9, abroad_sum_7=900)
    odds = Tiny().log_odds("boosted", np.array([one, customer()]))
    assert sum(part.points for part in Tiny().parts("boosted", one, 9)) == 100 * (odds[0] - odds[1])


@pytest.mark.parametrize(
    ("value", "power"), [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (1_023, 10), (1_024, 11)]
)
def test_magnitude_is_the_number_of_binary_digits(value, power):
    assert model.magnitude(np.array([value])).tolist() == [power] == [value.bit_length()]


def test_words_name_value_peers_and_points():
    said = model.told([Part("near_7", 3, 0, 300), Part("active_7", 7, 4, 5)])
    assert said == (
        "cash-ins of 8,000 to 10,000 USD, 7 d: 3 (peers 0) +3.00; "
        "days with postings, 7 d: 7 (peers 4) +0.05"
    )


def shipped():
    return model.load(model.named(DEFAULT))


def test_the_shipped_model_says_the_same_one_by_one_and_all_together():
    """Sums of leaves are exact: neither the size of a batch nor the place in it matters."""
    rng = np.random.default_rng(5)
    rows = np.minimum(2 ** rng.integers(0, 24, (300, len(NAMES))), FULL)
    for kind in ("boosted", "forest"):
        whole = shipped().raw(kind, rows)
        assert (whole * model.QUANTUM == np.rint(whole * model.QUANTUM)).all()
        assert [shipped().raw(kind, row[None, :])[0] for row in rows] == whole.tolist()
        assert np.abs(whole).max() < 2_048
        assert (shipped().raw(kind, rows[::-1])[::-1] == whole).all()


def test_the_greatest_feature_is_exact_in_float32():
    assert int(np.float32(FULL)) == FULL
    assert int(np.float32(FULL) - np.float32(0.5)) == FULL - 1


def test_files_are_small():
    folder = model.known()[model.named(DEFAULT)]
    assert all(file.stat().st_size < 300_000 for file in folder.iterdir())


def test_the_card_holds_whole_numbers_and_texts_only():
    def plain(value):
        if isinstance(value, dict):
            return all(plain(part) for part in value.values())
        if isinstance(value, list):
            return all(plain(part) for part in value)
        return isinstance(value, int | str)

    folder = model.known()[model.named(DEFAULT)]
    assert plain(json.loads((folder / model_files.CARD).read_text()))


def test_a_rule_set_with_an_unknown_model_is_refused_in_one_line():
    body = json.dumps({"rules": {"model-score": {"model": "0" * 64}}})
    with pytest.raises(ValueError, match="rule model-score, field model: no model has the hash 00"):
        parse(body, PARAMS)
    body = json.dumps({"rules": {"model-score": {"model": model.named(DEFAULT)}}})
    assert parse(body, PARAMS).rules["model-score"] == Params()


def test_damaged_files_and_other_features_are_refused(tmp_path):
    folder = model.known()[model.named(DEFAULT)]
    copied = shutil.copytree(folder, tmp_path / "copied")
    (copied / "boosted.onnx").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"boosted.onnx of model copied is not what its card says"):
        Model(copied)
    card = json.loads((copied / model_files.CARD).read_text())
    (copied / model_files.CARD).write_text(json.dumps(card | {"features": ["in_sum_7"]}))
    with pytest.raises(ModelError, match="model copied takes other features; train it again"):
        Model(copied)
    (copied / model_files.CARD).unlink()
    with pytest.raises(ModelError, match=r"card.json cannot be read"):
        Model(copied)
