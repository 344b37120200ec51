"""The trainer: what is fitted is what is written, figures by hand, labels and candidates."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from deploy.errors import UserError
from deploy.train import graphs, worlds
from tests.aml_flow_fold import START, frame_of
from tests.aml_log import CUSTOMER, POSTING
from udfs.aml.features import FEATURES
from udfs.aml.flow_owners import OWNERS, OWNERS_TABLE, numbered
from udfs.aml.model import QUANTUM, Model
from udfs.aml.rule import DAY, EVENTS

pytest.importorskip("skl2onnx", reason="needs the extra train")
pytest.importorskip("jax", reason="needs the extra train")

from connectors.store import TableStore
from deploy.train import export, fit, measure, sequences
from deploy.train.aml import Order, without
from deploy.train.desk import train
from deploy.train.labels import labelled

NAMES = list(FEATURES)


def made(seed=3, rows=1_500):
    """Features as they are drawn, and labels that follow two of them."""
    rng = np.random.default_rng(seed)
    features = 2 ** rng.integers(0, 20, (rows, len(NAMES))) - 1
    return features, (features[:, 1] > 500) & (features[:, 8] > 2_000)


@pytest.fixture(scope="module")
def fitted():
    features, positive = made()
    return {"boosted": fit.boosted(features, positive, 1), "forest": fit.forest(features, 1)}


@pytest.fixture(scope="module")
def written(fitted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "one"
    digest = export.write(folder, "one", fitted, fit.peers(made()[0], 1), {"seed": 1})
    return folder, digest


def test_onnx_says_what_scikit_learn_says(fitted, written):
    model, (features, _) = Model(written[0]), made(seed=9)
    odds = model.log_odds("boosted", features)
    assert np.abs(odds - fitted["boosted"].decision_function(features)).max() == 0
    scores = model.scores("forest", features) / 1e6
    expected = -fitted["forest"].score_samples(features.astype(np.float32))
    assert np.abs(scores - expected).max() < 1e-5


def test_leaves_are_multiples_of_the_quantum(fitted):
    leaves = np.concatenate(
        [tree.nodes["value"] for (tree,) in fitted["boosted"]._predictors]
    )  # fmt: skip
    assert (leaves * QUANTUM == np.rint(leaves * QUANTUM)).all()


def test_the_same_seed_gives_the_same_bytes(written, tmp_path):
    features, positive = made()
    again = {"boosted": fit.boosted(features, positive, 1), "forest": fit.forest(features, 1)}
    peers = fit.peers(features, 1)
    assert export.write(tmp_path / "two", "one", again, peers, {"seed": 1}) == written[1]
    other = {**again, "boosted": fit.boosted(features, ~positive, 1)}
    assert export.write(tmp_path / "two", "one", other, peers, {"seed": 1}) != written[1]


@pytest.mark.parametrize(
    ("samples", "path"), [(0, 0), (1, 0), (2, 1), (3, 1.2073923), (256, 10.2447709)]
)
def test_the_average_path(samples, path):
    """2 H(n - 1) - 2 (n - 1) / n with H(i) = ln i + 0.5772156649; n = 256: 10.2447709."""
    assert abs(export.average_path(samples) - path) < 1e-6


def test_figures_by_hand():
    """Members are first and third of four: (1/1 + 2/3) / 2; 3 % of a hundred are three."""
    member, score = np.array([1, 0, 1, 0]) == 1, np.array([9.0, 8.0, 7.0, 6.0])
    assert measure.average_precision(member, score) == pytest.approx(5 / 6)
    hundred = np.zeros(100, dtype=bool)
    hundred[[0, 2, 50, 51]] = True
    assert measure.recall(hundred, -np.arange(100.0)) == 0.5
    many = np.tile(score, 25)
    both = measure.Judged(np.tile(member, 25), {"a": many, "b": many}, pl.DataFrame())
    assert measure.figure(both, measure.average_precision, "a", 1, "b") == measure.Figure(0, 0, 0)


def test_no_world_is_in_two_parts():
    seeds = [seed for part in Order().seeds().values() for seed in part]
    assert len(seeds) == len(set(seeds)) == sum(Order().worlds)


def events(rows):
    store = TableStore({OWNERS_TABLE: OWNERS}, {})
    return numbered(store.tables, frame_of(rows)).select(*EVENTS)


@pytest.fixture(scope="module")
def small():
    """A pays B twice, B passes on to C, D stands aside; the day is closed by E."""
    rows = [
        {"at": START, "owner": "A", "counterparty": "B", "posting_id": "a1"},
        {"at": START + 5, "owner": "A", "counterparty": "B", "posting_id": "a2"},
        {"at": START, "owner": "B", "counterparty": "A", "direction": "CREDIT"},
        {"at": START + 9, "owner": "B", "counterparty": "C"},
        {"at": START + 9, "owner": "D", "counterparty": "C"},
        {"at": START + DAY, "owner": "E"},
    ]
    shown = events(rows)
    labels = pl.DataFrame({"member": ["A", "B"], "kind": ["fan-in"] * 2, "postings": ["a1", "a1"]})
    return worlds.World(1, shown, *worlds.labelled(worlds.sampled(shown), shown, labels))


def test_a_sample_is_positive_by_the_members_own_postings(small):
    """B's label names a posting of A: it makes no sample of B positive, but B is a member."""
    assert dict(small.samples.select("owner", "positive").iter_rows()) == {
        "A": True, "B": False, "D": False,
    }  # fmt: skip
    assert dict(small.customers.iter_rows()) == {"A": True, "B": True, "D": False}
    assert without(small, ["fan-in"]).samples["owner"].to_list() == ["D"]


def test_features_of_the_graph_by_hand(small):
    """C is dealt with by B and D: shared. B has one payer and pays one."""
    found = dict(zip(small.samples["owner"], graphs.graph_features(small).tolist(), strict=True))
    names = ("out_degree", "in_degree", "in_of_out", "shared", "most_shared")
    assert graphs.GRAPH[:5] == names
    assert found["A"][:5] == [1, 0, 0, 0, 1]
    assert found["B"][:5] == [1, 1, 500, 1, 2]
    assert found["D"][:5] == [1, 0, 0, 1, 2]


def test_sequences_end_with_the_last_posting_before_the_day_does(small):
    steps = sequences.sequences(small)
    assert steps.shape == (3, sequences.LENGTH, 12)
    owners = small.samples["owner"].to_list()
    filled = {owner: int(one[:, 0].sum()) for owner, one in zip(owners, steps, strict=True)}
    assert filled == {"A": 2, "B": 2, "D": 1}
    assert steps[owners.index("B")][-2:, 2].tolist() == [1, 0]
    assert steps[owners.index("D")][-2, 0] == 0


def folder_of(path: Path, actions):
    """Records of two customers, an alert on one day of A, and what was said of it."""
    posting = {**POSTING, "payment_id": "x"}
    postings = [
        {**posting, "posting_id": f"p{n}", "owner": owner, "time": START + n * DAY}
        for n, owner in enumerate("AAB")
    ]
    customers = [{**CUSTOMER, "change_id": c, "customer": c, "time": START} for c in "AB"]
    pl.DataFrame(postings).write_parquet(path / "postings.parquet")
    pl.DataFrame(customers).write_parquet(path / "customers.parquet")
    alert = {"alert_id": "x-1", "subject": "A", "events": "p0"}
    blank = {"time": START, "domain": "AML", "rule": "velocity", "rule_version": "1",
             "decided_by": "", "subject_kind": "CUSTOMER", "account": "", "instrument": "",
             "venue": "", "band": "LOW", "score": 0, "amount": 0, "scale": 2, "currency": "USD",
             "measured": "", "limit": "", "reason": "", "event_count": 1, "first_time": START,
             "last_time": START, "corrects": "", "source_topic": "postings",
             "source_partition": 0, "first_offset": 0, "last_offset": 0,
             "version": "aml/1"}  # fmt: skip
    pl.DataFrame([{**blank, **alert}]).write_parquet(path / "alerts.parquet")
    action = {"subject": "A", "rule": "", "until": 0, "user": "ann", "reason": "", "kind": "LABEL"}
    rows = [
        {**action, "action_id": str(n), "alert_id": "x-1", "time": START + n, "disposition": said}
        for n, said in enumerate(actions)
    ]
    pl.DataFrame(rows).write_parquet(path / "alert.actions.parquet")
    return path


@pytest.mark.parametrize(
    ("said", "positive"),
    [(["true-positive"], True), (["true-positive", "false-positive"], False)],
)
def test_the_last_label_of_an_analyst_counts(tmp_path, said, positive):
    features, labels = labelled(folder_of(tmp_path, said))
    assert labels.tolist() == [positive]
    assert features[0][NAMES.index("in_count_7")] == 1


def test_unsure_is_no_label(tmp_path):
    with pytest.raises(UserError, match="no label leads to a posting there"):
        labelled(folder_of(tmp_path, ["unsure"]))


def test_a_model_that_is_there_is_not_replaced(tmp_path):
    with pytest.raises(UserError, match="model aml-1 is there already"):
        train("aml-1", 1, 300, 10, None, None, None, print)
    with pytest.raises(UserError, match="--name Aml: give small letters"):
        train("Aml", 1, 300, 10, None, tmp_path, None, print)
