"""Jars: the lock's form, and that a fetch puts nothing down that the lock does not name."""

import hashlib
from pathlib import Path

import pytest

from deploy import jars, versions
from deploy.errors import UserError


def test_the_lock_is_sorted_and_names_no_jar_twice() -> None:
    locked = jars.locked()
    assert locked == sorted(locked)
    places = [(jar.group, jar.filename) for jar in locked]
    assert len(set(places)) == len(places)


def test_the_lock_holds_what_versions_toml_asks_for() -> None:
    locked = {(jar.group, jar.coordinate) for jar in jars.locked()}
    for group, (coordinates, _) in versions.jar_groups().items():
        assert {(group, coordinate) for coordinate in coordinates} <= locked


@pytest.mark.parametrize(
    "line", ["", "abc kafka g:n:1", "0" * 64 + " kafka g:n", "0" * 64 + " g:n:1"]
)
def test_a_broken_lock_line_is_named(line: str) -> None:
    good = "0" * 64 + " kafka org:name:1.0"
    with pytest.raises(UserError, match=r"line 2 of jars\.lock"):
        jars.parse_lock(f"{good}\n{line}\n{good}\n")


def test_a_classifier_is_part_of_the_file_name() -> None:
    jar = jars.Jar("neo4j", "io.netty:netty:4.1:linux-x86_64", "0" * 64)
    assert jar.filename == "netty-4.1-linux-x86_64.jar"


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A Maven cache with one jar, which a lock names."""
    content = b"a jar"
    place = tmp_path / "m2" / "org" / "acme" / "thing" / "1.0" / "thing-1.0.jar"
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    lock = tmp_path / "jars.lock"
    lock.write_text(f"{hashlib.sha256(content).hexdigest()} kafka org.acme:thing:1.0\n")
    monkeypatch.setattr(jars, "LOCK", lock)
    monkeypatch.setenv("M2_REPO", str(tmp_path / "m2"))
    return place


def test_a_fetch_brings_what_is_missing_and_removes_what_is_not_locked(
    repository: Path, tmp_path: Path
) -> None:
    home = tmp_path / "jars"
    old = home / "kafka" / "thing-0.9.jar"
    old.parent.mkdir(parents=True)
    old.touch()
    assert jars.fetch(home, print) == 1
    assert [path.name for path in (home / "kafka").iterdir()] == ["thing-1.0.jar"]
    assert jars.missing(home) == []
    assert jars.fetch(home, print) == 0


def test_a_jar_with_another_hash_is_refused_and_not_kept(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.write_bytes(b"another jar")
    monkeypatch.setattr(jars, "_sources", lambda jar, scratch: iter([repository]))
    with pytest.raises(UserError, match=r"checksum mismatch: org\.acme:thing:1\.0"):
        jars.fetch(tmp_path / "jars", print)
    assert not list((tmp_path / "jars").rglob("*.jar"))


def test_a_damaged_jar_is_fetched_again(repository: Path, tmp_path: Path) -> None:
    home = tmp_path / "jars"
    jars.fetch(home, print)
    (home / "kafka" / "thing-1.0.jar").write_bytes(b"half")
    assert jars.fetch(home, print) == 1


def test_a_class_path_with_a_hole_is_refused(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run: tidemark jars fetch"):
        jars.class_path(tmp_path / "jars", "kafka")
