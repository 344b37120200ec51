"""Models of market abuse: what is fitted is what is written, read, scored and explained."""

import json
import pickle
import shutil

import numpy as np
import pytest

from udfs.abuse import drift
from udfs.abuse.curve import Curve
from udfs.abuse.model import Model, load, role
from udfs.abuse.shapley import FINE
from udfs.abuse.trees import QUANTUM
from udfs.model_files import CARD, ModelError

pytest.importorskip("sklearn", reason="needs the extra train")
pytest.importorskip("onnx", reason="needs the extra train")
pytest.importorskip("jax", reason="needs the extra train")

from deploy.train.abuse import calibrate, export, fit, network

NAMES = ("a", "b", "c", "d", "e")


def made(seed, rows=3_000):
    """Features with gaps; two practices that follow a and b, and c when b is missing."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rows, len(NAMES))).astype(np.float32)
    features[rng.random(features.shape) < 0.15] = np.nan
    a, b, c = (np.nan_to_num(features[:, place]) for place in range(3))
    first = a + b + 0.3 * rng.normal(size=rows) > 2
    second = np.isnan(features[:, 1]) & (c > 1)
    return features, {"first": first, "second": second}


@pytest.fixture(scope="module")
def parts():
    features, labels = made(1)
    classifiers = [fit.classifier(features, one, 1, trees=30) for one in labels.values()]
    isolated = fit.isolation(features, 1)
    scaled = network.scaling(features)
    steps = scaled(features)
    weights = network.plain(steps, 1)
    boosted, forest = fit.boosted(classifiers), fit.forest(isolated)
    raw = boosted.raw(features)
    heads = [
        export.Head(name, 500_000 - 300_000 * place, calibrate.platt(raw[:, place], labels[name]))
        for place, name in enumerate(labels)
    ]
    errors = np.rint(network.errors(weights, steps) * 1e6)
    beside = {"forest": calibrate.ranks(-forest.raw(features)[:, 0]),
              "autoencoder": calibrate.ranks(errors)}  # fmt: skip
    fitted = export.Fitted(heads, boosted, forest, weights, scaled, beside)
    return classifiers, isolated, fitted


def write(folder, parts):
    features, _ = made(1)
    bins = export.binned(NAMES, features, np.arange(len(features)))
    return export.write(folder, folder.name, NAMES, parts[2], bins, {"seed": 1})


@pytest.fixture(scope="module")
def written(parts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "one"
    return folder, write(folder, parts)


@pytest.fixture(scope="module")
def model(written):
    return Model(written[0], NAMES)


def test_onnx_says_what_the_trees_say_to_the_last_unit(model, parts):
    features, _ = made(9)
    assert (model.raw(features) == parts[2].boosted.raw(features)).all()


def test_onnx_says_what_scikit_learn_says(model, parts):
    """Leaves are rounded to 1/4,096: 30 trees and a base are off by at most 31/8,192."""
    features, _ = made(9)
    for head, one in enumerate(parts[0]):
        apart = model.raw(features)[:, head] / QUANTUM - one.decision_function(features)
        assert np.abs(apart).max() <= 31 / 8_192


def test_the_forest_is_that_of_scikit_learn(parts):
    """Score = 2^(-mean path / average path of so many rows): equations 1 and 2 of the paper."""
    features, _ = made(9)
    mean = parts[2].forest.raw(features)[:, 0] / QUANTUM / fit.CUTS
    expected = -parts[1].score_samples(features)
    assert np.abs(2 ** (-mean / fit.average_path(fit.SHOWN)) - expected).max() < 1e-4


def test_the_odd_are_at_the_top_of_forest_and_autoencoder(model):
    features, _ = made(9)
    odd = np.full((1, len(NAMES)), 40.0)
    for kind in ("forest", "autoencoder"):
        assert model.anomaly(kind, odd)[0] > 990_000
        usual = model.anomaly(kind, features)
        assert abs(np.median(usual) - 500_000) < 50_000


def test_the_network_in_onnx_is_the_network_that_was_fitted(model, parts):
    fitted = parts[2]
    features, _ = made(9)
    errors = network.errors(fitted.network, fitted.scaling(features))
    found = model._asked("autoencoder", features)[:, 0]
    assert np.abs(found - errors).max() < 1e-4


def test_parts_of_a_score_are_of_the_leading_head_and_add_up(model, parts):
    features, labels = made(9)
    rows = np.flatnonzero(labels["second"])[:20]
    assert set(model.practice(features[rows])) == {"second"}
    told = model.contributions(features[rows], len(NAMES))
    explain = model._explain[1]
    for said in told:
        assert [abs(one) for _, one in said] == sorted((abs(one) for _, one in said), reverse=True)
        assert {place for place, _ in said[:2]} == {1, 2}
        assert all(one > 0 for _, one in said[:2])
    sums = np.array([sum(one for _, one in said) for said in told])
    assert (sums == explain(features[rows]).sum(axis=1)).all()
    whole = explain.expected / FINE * 1e6 + explain(features[rows]).sum(axis=1)
    assert np.abs(whole - model.raw(features[rows])[:, 1] / QUANTUM * 1e6).max() < 4


def test_at_most_so_many_parts_are_named(model):
    features, _ = made(9, 50)
    assert max(len(one) for one in model.contributions(features, 2)) == 2


def test_one_by_one_and_all_together_are_the_same(model):
    features, _ = made(5, 200)
    whole = model.probabilities(features)
    each = [model.probabilities(row[None, :])[0].tolist() for row in features]
    assert each == whole.tolist()
    assert (model.score(features) >= model.at_least).tolist() == (
        (whole[:, 0] >= 500_000) | (whole[:, 1] >= 200_000)
    ).tolist()
    assert model.score(features[:0]).shape == (0,)


def test_infinite_and_huge_features_score(model):
    features = np.array([[np.inf, -np.inf, 1e300, 0, 0], [np.nan] * 5])
    with np.errstate(over="ignore"):
        assert model.score(features).shape == (2,)
        assert len(model.contributions(features, 3)) == 2
        assert (model.anomaly("autoencoder", features) >= 0).all()


def test_the_same_seed_gives_the_same_bytes(written, parts, tmp_path):
    assert write(tmp_path / "one", parts) == written[1]


def test_damaged_files_other_features_and_unknown_hashes_are_refused(written, tmp_path):
    folder, digest = written
    assert load(digest, NAMES, folder.parent).name == "one"
    with pytest.raises(ModelError, match="no model has the hash 00"):
        load("00", NAMES, folder.parent)
    with pytest.raises(ModelError, match="model one takes other features; train it again"):
        Model(folder, NAMES[:-1])
    copied = shutil.copytree(folder, tmp_path / "copied")
    (copied / "boosted.json").write_bytes(b"{}")
    with pytest.raises(ModelError, match=r"boosted.json of model copied is not what its card"):
        Model(copied, NAMES)
    card = json.loads((copied / CARD).read_text())
    (copied / CARD).write_text(json.dumps(card | {"heads": [{}]}))
    with pytest.raises(ModelError, match="the card of model copied is none"):
        Model(copied, NAMES)


def test_a_file_of_another_width_is_refused(written, tmp_path):
    """The card is consistent with itself, but the network takes five features, not six."""
    copied = shutil.copytree(written[0], tmp_path / "wide")
    card = json.loads((copied / CARD).read_text())
    names = [*NAMES, "f"]
    (copied / CARD).write_text(json.dumps(card | {"features": names}))
    with pytest.raises(ModelError, match=r"boosted.onnx of model wide takes 5 features"):
        Model(copied, names)


def test_a_model_travels_as_its_hash(written, model):
    """No session is packed; who unpacks loads the files once."""
    packed = pickle.dumps(model)
    assert len(packed) < 1_000
    one, two = pickle.loads(packed), pickle.loads(packed)
    assert one is two
    features, _ = made(9, 50)
    assert (one.score(features) == model.score(features)).all()


def test_roles_lead_to_hashes(written, tmp_path):
    folder, digest = written
    shutil.copytree(folder, tmp_path / "one")
    assert role("champion", tmp_path) == ""
    (tmp_path / "roles.json").write_text('{"champion": "one", "challenger": "two"}')
    assert role("champion", tmp_path) == digest
    with pytest.raises(ModelError, match="names model two, which is not there"):
        role("challenger", tmp_path)


def test_a_curve_by_hand():
    """From (0, 100) to (10, 400): 30 a unit; level outside."""
    line = Curve((0, 10, 11), (100, 400, 1_000_000))
    assert line(np.array([-5, 0, 1, 9, 10, 11, 99])).tolist() == [
        100, 100, 130, 370, 400, 1_000_000, 1_000_000,
    ]  # fmt: skip
    assert Curve.of(line.told()) == line
    with pytest.raises(ValueError, match="knots that rise"):
        Curve((0, 0), (1, 2))


def test_platt_recovers_a_known_shift():
    """Labels are drawn with log-odds 2 x + 1: at x = -0.5 the probability is one half."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=40_000)
    positive = rng.random(40_000) < 1 / (1 + np.exp(-2 * x - 1))
    curve = calibrate.platt(np.rint(x * QUANTUM), positive)
    middle = curve(np.array([round(-0.5 * QUANTUM), 0]))
    assert abs(middle[0] - 500_000) < 15_000
    assert abs(middle[1] - 731_059) < 15_000
    assert calibrate.reliability(curve(np.rint(x * QUANTUM)), positive) < 0.01


def test_a_head_without_labels_is_level():
    assert calibrate.platt(np.arange(8), np.zeros(8, bool)).y == (100_000,)


def test_bins_hold_a_tenth_each_and_training_has_not_drifted():
    features, _ = made(1, 5_000)
    scores = np.arange(5_000)
    bins = drift.Bins.of({"bins": export.binned(NAMES, features, scores)})
    whole = np.concatenate([features * 1e6, scores[:, None]], axis=1)
    counts = bins.counts(np.rint(np.nan_to_num(whole)).astype(np.int64), np.isnan(whole))
    assert counts[-1].tolist() == [500] * 10 + [0]
    for mine, before in zip(counts, bins.shares, strict=True):
        assert before.sum() == 1_000_000
        assert drift.psi(mine, before) <= 1


def test_history_goes_back_within_a_group_only(monkeypatch):
    monkeypatch.setattr(network, "LENGTH", 3)
    rows, group = np.array([[1], [2], [3], [4], [5]]), np.array([7, 8, 7, 7, 8])
    found = network.history(rows, group, np.arange(5))[:, :, 0]
    assert found.tolist() == [[0, 0, 1], [0, 0, 2], [0, 1, 3], [1, 3, 4], [0, 2, 5]]
    assert network.history(rows, group, np.array([3, 1]))[:, :, 0].tolist() == [
        [1, 3, 4],
        [0, 0, 2],
    ]


def test_what_is_only_odd_is_lifted_but_never_an_alert(model, monkeypatch):
    """Both find it odder than 99.5 %: half of the way from 99 to 100 % gives half of 400,000."""
    ranks = {"forest": 995_000, "autoencoder": 999_999}
    monkeypatch.setattr(Model, "anomaly", lambda self, kind, rows: np.array([ranks[kind]]))
    monkeypatch.setattr(Model, "graded", lambda self, rows: np.array([[7, 9]]))
    assert model.score(np.zeros((1, 5))).tolist() == [200_000]
    ranks["forest"] = ranks["autoencoder"] = 1_000_000
    assert model.score(np.zeros((1, 5)))[0] < model.at_least
    ranks["forest"] = 980_000
    assert model.score(np.zeros((1, 5))).tolist() == [9]
