"""The archive of a submission: same sources same bytes, and all that jobs need."""

import os
import zipfile
from pathlib import Path

import pytest

from deploy.flink import archive
from deploy.flink.archive import PACKAGES, files, pack


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    for package in PACKAGES:
        (root / package).mkdir(parents=True)
        (root / package / "__init__.py").write_text("")
    (root / "schemas" / "avro").mkdir()
    (root / "schemas" / "avro" / "Fill.avsc").write_text("{}")
    (root / "deploy").mkdir()
    (root / "deploy" / "cli.py").write_text("")
    return root


def test_equal_sources_give_equal_bytes_whatever_their_dates(source: Path) -> None:
    first = pack(source)
    os.utime(source / "jobs" / "__init__.py", (0, 0))
    (source / "jobs" / "__pycache__").mkdir()
    (source / "jobs" / "__pycache__" / "x.cpython-311.pyc").write_bytes(b"x")
    assert pack(source) == first


def test_another_byte_gives_another_archive_beside_the_first(source: Path, tmp_path: Path) -> None:
    first = archive(tmp_path / "archives", source)
    assert archive(tmp_path / "archives", source) == first
    (source / "udfs" / "__init__.py").write_text("x = 1\n")
    second = archive(tmp_path / "archives", source)
    assert first != second
    assert first.exists()
    assert second.name == "app.zip"


def test_data_files_are_in_and_what_starts_processes_is_not(source: Path) -> None:
    names = [path.relative_to(source).as_posix() for path in files(source)]
    assert "schemas/avro/Fill.avsc" in names
    assert not any(name.startswith("deploy/") for name in names)


def test_our_own_archive_holds_what_jobs_need(tmp_path: Path) -> None:
    names = zipfile.ZipFile(archive(tmp_path)).namelist()
    assert {"schemas/ids.json", "jobs/netting.py", "connectors/microbatch.py"} <= set(names)
    assert any(name.endswith(".avsc") for name in names)
    assert any(name.endswith(".cypher") for name in names)
    assert names == sorted(names)
