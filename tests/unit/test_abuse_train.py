"""The trainer over small simulated markets: what it writes, what people said, what it refuses."""

import json
from datetime import date

import numpy as np
import polars as pl
import pytest

pytest.importorskip("sklearn", reason="needs the extra train")
pytest.importorskip("onnx", reason="needs the extra train")
pytest.importorskip("jax", reason="needs the extra train")

from deploy.errors import UserError
from deploy.exchange.simulate import simulate
from deploy.train.abuse import desk, network, run
from deploy.train.abuse.labels import labelled
from deploy.train.abuse.markets import Asked, judged, market
from deploy.train.abuse.samples import seen
from udfs.abuse import step
from udfs.abuse.features import FEATURES
from udfs.abuse.model import Model

ORDERS = 5_000
DAY = date(2026, 3, 2)


@pytest.fixture(scope="module")
def made():
    return simulate(5, "default", 1, ORDERS, DAY)


@pytest.fixture(scope="module")
def found(made):
    return judged(Asked("default", 5, DAY, 1, ORDERS), made)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    order = run.Order(seed=2, orders=ORDERS, trees=8,
                      mixes={"train": {"default": 1}, "validation": {"default": 1}})  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "FEWEST", 40)
        patch.setattr(network, "EPOCHS", 1)
        return run.train(order, folder / "tiny", "tiny", lambda line: None), folder / "tiny"


def test_every_order_that_ended_has_features_and_its_truth(made, found):
    ended = made.events.filter(
        pl.col("event").is_in(["CAME", "CAMO", "EXPI", "FILL"]), pl.col("event") != "REMO"
    )["order_id"].n_unique()
    assert len(found.samples) == ended
    assert found.samples.features.shape == (ended, len(FEATURES))
    truth = dict(made.labels.select("order_id", "abusive").iter_rows())
    for order, abusive in found.samples.orders.select("order_id", "abusive")[::50].iter_rows():
        assert truth[order] == abusive


def test_what_the_model_saw_is_what_the_job_sees_in_other_batches(made, found, monkeypatch):
    monkeypatch.setattr("deploy.train.abuse.samples.BATCH", 777)
    rows = seen(made.events[:6_000], {step.OWNERS: made.owner_links})
    features = rows.select(*FEATURES).to_numpy().astype(np.float32)
    assert np.array_equal(features, found.samples.features[: len(features)], equal_nan=True)


def test_the_job_with_a_model_shows_it_the_same(made, found, trained):
    model = Model(trained[1], list(FEATURES))
    scored = judged(Asked("default", 5, DAY, 1, ORDERS), made, model)
    assert np.array_equal(scored.samples.features, found.samples.features, equal_nan=True)
    assert (scored.samples.orders["score"] == model.score(found.samples.features)).all()
    flagged = scored.samples.orders.filter(pl.col("score") >= model.at_least)
    by_model = scored.alerts.filter(pl.col("rule") == "model-score")
    assert set(by_model["decided_by"]) <= {f"model:{model.hash}"}
    assert set(by_model["events"]) <= set(flagged["event_id"])


def test_a_trained_model_loads_and_its_card_says_what_it_was_fitted_on(trained):
    told, folder = trained
    model = Model(folder, list(FEATURES))
    assert model.hash == told.digest
    assert set(model.heads) <= set(run.HEADS)
    card = json.loads((folder / "card.json").read_text())
    assert card["of"]["markets"] == {"train": ["default-2100"], "validation": ["default-2400"]}
    assert card["of"]["orders"]["train"] == list(told.counts["train"])
    assert [one["name"] for one in card["bins"]] == [*FEATURES, "score"]
    assert told.heads["spoofing"]["average_precision"] > 0.5


def test_traders_of_training_and_test_are_others():
    one, two = (market(Asked("default", seed, DAY, 1, ORDERS)).samples for seed in (2_100, 2_700))
    assert not set(one.orders["owner"]) & set(two.orders["owner"])


def test_what_people_said_becomes_samples(made, found, tmp_path):
    """Two alerts: a right one on three orders, a wrong one on two; one nobody labelled."""
    orders = found.samples.orders
    chosen = orders["event_id"].to_list()
    behind = {"A": chosen[10:13], "B": chosen[20:22], "C": chosen[30:31]}
    alerts = pl.DataFrame({"alert_id": list(behind), "rule": ["layering", "spoofing", "spoofing"],
                           "events": [";".join(one) for one in behind.values()]})  # fmt: skip
    actions = pl.DataFrame({
        "action_id": ["1", "2", "3"], "alert_id": ["A", "A", "B"], "kind": ["LABEL"] * 3,
        "time": [1, 2, 3], "disposition": ["false-positive", "true-positive", "false-positive"],
    })  # fmt: skip
    frames = {"order.events": made.events, "owner.links": made.owner_links}
    for name, frame in frames.items():
        frame.write_parquet(tmp_path / f"{name}.parquet")
    with pytest.MonkeyPatch.context() as patch:
        whole = "deploy.train.abuse.labels.records"
        patch.setattr(whole, lambda path, name: {"alerts": alerts, "alert.actions": actions}.get(
            path.stem, frames.get(path.stem)))  # fmt: skip
        said = labelled(tmp_path)
        assert sorted(said.heads) == ["", "", "layering", "layering", "layering"]
        rows = found.samples.features[[*range(10, 13), *range(20, 22)]]
        order = np.argsort([head == "" for head in said.heads], kind="stable")
        assert np.array_equal(said.features[order], rows, equal_nan=True)
        none = actions.with_columns(disposition=pl.lit("unsure"))
        patch.setattr(whole, lambda path, name: {"alerts": alerts, "alert.actions": none}.get(
            path.stem, frames.get(path.stem)))  # fmt: skip
        with pytest.raises(UserError, match="no label leads to an order"):
            labelled(tmp_path)


def test_labels_weigh_in_training(found):
    """Honest orders that people called layering are found as that, weighed twenty-fold."""
    shown = found.samples
    honest = shown.features[~shown.abusive][:200]
    order = run.Order(seed=1, trees=8, said=run.Said(honest, ["layering"] * 200))
    with_, without = (
        run._boosted(shown, ["layering"], one).raw(honest)[:, 0].mean()
        for one in (order, run.Order(seed=1, trees=8))
    )
    assert with_ > without + 4_096


@pytest.mark.parametrize(
    ("name", "message"), [("A b", "give small letters"), ("one", "is there already")]
)
def test_what_cannot_be_written_is_refused_in_one_line(tmp_path, name, message):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "card.json").write_text("{}")
    with pytest.raises(UserError, match=message):
        desk.train(name, 1, ORDERS, None, tmp_path, None, lambda line: None)
