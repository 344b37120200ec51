"""Settings: where they come from, and what is said when one is wrong."""

from pathlib import Path

import pytest

from deploy.errors import UserError
from deploy.settings import PORTS, Settings


@pytest.fixture(autouse=True)
def _no_settings_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"TIDEMARK_{name.upper()}", raising=False)


def test_every_port_moves_by_the_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEMARK_PORT_OFFSET", "1000")
    settings = Settings.load()
    assert {name: settings.port(name) for name in PORTS} == {
        name: port + 1000 for name, port in PORTS.items()
    }
    assert settings.brokers == "127.0.0.1:10092"
    assert settings.rest_url == "http://127.0.0.1:9081"
    assert settings.bolt_url == "bolt://127.0.0.1:8687"


def test_no_two_offsets_in_steps_of_a_thousand_share_a_port() -> None:
    ports = [port + offset for offset in range(0, 10_000, 1_000) for port in PORTS.values()]
    assert len(set(ports)) == len(ports)


def test_the_environment_beats_the_file_and_the_file_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "tidemark.toml"
    file.write_text("slots = 6\npartitions = 8\n")
    monkeypatch.setitem(Settings.model_config, "toml_file", file)
    monkeypatch.setenv("TIDEMARK_SLOTS", "3")
    settings = Settings.load()
    assert (settings.slots, settings.partitions, settings.taskmanagers) == (3, 8, 1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("partitions = 0", "setting partitions: .* TIDEMARK_PARTITIONS"),
        ("partition = 4", "setting partition: .* TIDEMARK_PARTITION"),
        ("partitions = [", "tidemark.toml cannot be read: .*; mend the file"),
    ],
)
def test_a_wrong_file_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, told: str
) -> None:
    file = tmp_path / "tidemark.toml"
    file.write_text(text)
    monkeypatch.setitem(Settings.model_config, "toml_file", file)
    with pytest.raises(UserError, match=told) as raised:
        Settings.load()
    assert "\n" not in str(raised.value)


def test_home_moves_everything_but_jars_that_are_named(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", jars=tmp_path / "jars")
    assert settings.jar_home == tmp_path / "jars"
    places = [settings.run, settings.logs, settings.checkpoints, settings.savepoints]
    assert all(place.is_relative_to(tmp_path / "home") for place in places)


def test_there_is_no_password_before_the_first_start(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run: tidemark up"):
        _ = Settings(home=tmp_path).neo4j_password
