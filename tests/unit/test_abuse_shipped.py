"""The models of market abuse that ship: whole, made for the features there are, and in the job."""

import hashlib
import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from jobs.catalogue import Config, abuse_job
from udfs.abuse.drift import BINS, SCORE
from udfs.abuse.features import FEATURES
from udfs.abuse.model import FILES, FOLDER, ROLES, TREES, known, load, role
from udfs.abuse.trees import from_json
from udfs.model_files import CARD

DOCS = Path(__file__).parents[2] / "docs"
FOLDERS = sorted(FOLDER.glob("*/"))
NAMES = tuple(FEATURES)
LARGEST = 500_000
"""Bytes of a file: the archive goes to each worker with each submission."""


def rows(count=300):
    """Features of all sizes, a fifth of them missing."""
    rng = np.random.default_rng(7)
    size = rng.choice([0.01, 1.0, 50.0, 10_000.0], (count, len(NAMES)))
    found = (rng.normal(size=size.shape) * size).astype(np.float32)
    found[rng.random(found.shape) < 0.2] = np.nan
    return found


def test_a_champion_and_a_challenger_ship_and_they_are_two():
    said = json.loads((FOLDER / ROLES).read_text())
    assert sorted(said) == ["challenger", "champion"]
    assert sorted(said.values()) == [folder.name for folder in FOLDERS]
    assert role("champion") != role("challenger")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_files_are_those_of_the_card_and_features_those_of_the_job(folder):
    card = json.loads((folder / CARD).read_text())
    there = {path.name for path in folder.iterdir()} - {CARD}
    assert there == set(card["files"]) == {*FILES.values(), TREES}
    for name, digest in card["files"].items():
        content = (folder / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest
        assert len(content) < LARGEST
    assert card["name"] == folder.name
    assert card["features"] == list(FEATURES)
    assert [one["name"] for one in card["bins"]] == [*FEATURES, SCORE]
    assert all(sum(one["shares"]) == 1_000_000 for one in card["bins"])
    assert {len(one["shares"]) for one in card["bins"]} == {BINS}


@pytest.mark.parametrize("digest", sorted(known()), ids=lambda digest: digest[:8])
def test_the_files_of_a_model_say_the_same_whole_or_one_by_one(digest):
    """onnxruntime takes as many columns as there are features, and sums what the trees sum."""
    model = load(digest, NAMES)
    asked = rows()
    widths = [run.get_inputs()[0].shape[-1] for run in model._run.values()]
    assert widths == [len(FEATURES)] * len(FILES)
    trees = from_json((known()[digest] / TREES).read_bytes())
    whole = model.raw(asked)
    assert (whole == trees.raw(asked)).all()
    assert len(np.unique(whole[:, 0])) > 10
    score = model.score(asked)
    assert [int(model.score(row[None, :])[0]) for row in asked] == score.tolist()
    assert ((score >= 0) & (score <= 1_000_000)).all()


@pytest.mark.parametrize("digest", sorted(known()), ids=lambda digest: digest[:8])
def test_the_card_that_people_read_names_the_hash_and_the_features(digest):
    name = known()[digest].name
    text = (DOCS / "models" / f"{name}.md").read_text()
    assert f"`{digest}`" in text
    told = text.partition("## Features")[2]
    assert re.findall(r"`(\w+)`", told) == list(FEATURES)


def test_the_job_decides_by_the_champion_and_its_version_names_both():
    spec = abuse_job(Config())
    champion, challenger = role("champion"), role("challenger")
    assert spec.version.startswith(f"abuse/1+{champion[:12]}+{challenger[:12]};")
    step = pickle.loads(pickle.dumps(spec.step))
    assert step.scorer.hash == champion
    assert step.challenger.hash == challenger
    assert set(step.watcher.tables) <= set(spec.tables)
