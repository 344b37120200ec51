"""What every Flink process of the stack is configured with."""

from pathlib import Path

import pytest
import yaml

from deploy import jars
from deploy.services.flink import write_configuration
from deploy.settings import Settings


def test_pyflinks_jar_is_loaded_once_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loaded anew for each job, its classes are never let go of."""
    monkeypatch.setattr(jars, "class_path", lambda home, group: "")
    settings = Settings(home=tmp_path)
    write_configuration(settings)
    flink = settings.run / "flink"
    config = yaml.safe_load((flink / "conf" / "config.yaml").read_text())
    assert config["classloader.resolve-order"] == "parent-first"
    assert len(list((flink / "lib").glob("flink-python-*.jar"))) == 1
