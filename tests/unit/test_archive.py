"""An archive gives back what was put in, and names the file in which anything was changed."""

import json
from pathlib import Path

import polars as pl
import pytest

from connectors.log import Span
from connectors.topics import TICK_KEY
from deploy.archive.files import COLUMNS, frame_of, summed, ticks_in, write
from deploy.archive.manifest import Manifest, Partition, load, store
from deploy.archive.reading import Archive
from deploy.errors import UserError

NOON = 1_772_452_800_000
GAP = 5


def span() -> Span:
    """Offsets 3, 4, 6, 7, 8, 9: a marker stood at 5; a tick, a record without key, a tombstone."""
    made = Span()
    rows = [(b"k", b"v"), (TICK_KEY, b""), (None, b"n"), (b"t", None), (b"k", b""), (b"k", b"last")]
    for offset, (key, value) in zip((3, 4, 6, 7, 8, 9), rows, strict=True):
        made.put(offset, NOON + offset, key, value)
    return made


def make(folder: Path) -> Archive:
    """Topic `nets`, two partitions: one in files of two records, one empty that ends at 7."""
    parts = []
    for part in frame_of(span()).iter_slices(2):
        parts.append((write(folder, "nets", 0, part), ticks_in(part)))
    empty = Partition(first=7, next=7, records=0, ticks=0, files=[])
    topics = {"nets": {"0": summed(3, 11, parts), "1": empty}}
    store(folder, Manifest(prefix="", partitions=2, topics=topics))
    return Archive(folder)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    archive = make(tmp_path)
    assert archive.read("nets", 0) == span()
    assert len(archive.read("nets", 1)) == 0
    assert (archive.topics, archive.partitions("nets"), archive.partitions("x")) == (
        ["nets"],
        [0, 1],
        [],
    )
    assert (archive.ends("nets", 0), archive.ends("nets", 1)) == ((3, 11), (7, 7))
    assert pl.concat(archive.frames("nets", 0)).equals(frame_of(span()))
    assert archive.check() == 3
    part = archive.manifest.topics["nets"]["0"]
    assert (part.records, part.ticks) == (5, 1)


def test_ranges_are_those_of_a_broker(tmp_path: Path) -> None:
    archive, whole = make(tmp_path), span()
    for start in (None, *range(2, 12)):
        for end in (None, *range(2, 12)):
            low, high = 0 if start is None else start, 99 if end is None else end
            found = archive.read("nets", 0, start, end)
            assert found.offsets == [offset for offset in whole.offsets if low <= offset < high]
            at = [whole.offsets.index(offset) for offset in found.offsets]
            assert found.values == [whole.values[i] for i in at]
            assert found.keys == [whole.keys[i] for i in at]
            assert found.appended == [whole.appended[i] for i in at]


def test_the_manifest_is_canonical_and_the_same_again(tmp_path: Path) -> None:
    make(tmp_path / "a")
    make(tmp_path / "b")
    octets = (tmp_path / "a" / "manifest.json").read_bytes()
    assert octets == (tmp_path / "b" / "manifest.json").read_bytes()
    assert octets.startswith(b'{"format":"tidemark-archive/1","partitions":2,"prefix":"",')
    assert b" " not in octets


def use(folder: Path, check: bool) -> None:
    archive = Archive(folder)
    if check:
        archive.check()
    archive.read("nets", 0)


def told(folder: Path, check: bool = False) -> str:
    with pytest.raises(UserError) as caught:
        use(folder, check)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def change(folder: Path, **fields: object) -> None:
    """Rewrite the manifest's entry of partition 0, canonically."""
    document = json.loads((folder / "manifest.json").read_bytes())
    document["topics"]["nets"]["0"] |= fields
    octets = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    (folder / "manifest.json").write_bytes(octets)


def test_no_archive_and_a_damaged_manifest_are_one_line(tmp_path: Path) -> None:
    assert "is no archive" in told(tmp_path / "none")
    make(tmp_path)
    path = tmp_path / "manifest.json"
    octets = path.read_bytes()
    for damaged, reason in {
        octets[:-20]: "damaged",
        octets.replace(b'"rows":2', b'"rows":-2', 1): "rows",
        octets.replace(b"archive/1", b"archive/2"): "format",
        octets.replace(b"nets/0/", b"../../0/", 1): "name",
        octets.replace(b'"first"', b'"erste"', 1): "first",
        octets + b"\n": "canonical",
        b"\xff": "damaged",
    }.items():
        assert damaged != octets
        path.write_bytes(damaged)
        assert reason in told(tmp_path)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"first": 12}, "begins at offset 12 and ends at 11"),
        ({"first": 4}, "a file before its first offset"),
        ({"next": 9}, "files that overlap"),
        ({"records": 4}, "other records than its files"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    tmp_path: Path, fields: dict[str, object], reason: str
) -> None:
    make(tmp_path)
    change(tmp_path, **fields)
    assert reason in told(tmp_path)


def test_a_missing_partition_is_refused(tmp_path: Path) -> None:
    archive = make(tmp_path)
    with pytest.raises(UserError, match="does not hold nets partition 2; it has: nets, 2 part"):
        archive.read("nets", 2)
    with pytest.raises(UserError, match="does not hold fills partition 0"):
        list(archive.frames("fills", 0))


def test_any_changed_byte_of_any_file_is_found_in_that_file(tmp_path: Path) -> None:
    make(tmp_path)
    for path in sorted(tmp_path.glob("nets/0/*.parquet")):
        octets = path.read_bytes()
        for place in range(0, len(octets), 97):
            path.write_bytes(octets[:place] + bytes([octets[place] ^ 1]) + octets[place + 1 :])
            assert f"{path} is damaged: its SHA-256" in told(tmp_path, check=True)
        path.write_bytes(octets[:-1])
        assert str(path) in told(tmp_path, check=True)
        path.write_bytes(octets)
    assert Archive(tmp_path).check() == 3


def test_a_missing_or_foreign_file_is_named(tmp_path: Path) -> None:
    make(tmp_path)
    first, second, third = sorted(tmp_path.glob("nets/0/*.parquet"))
    second.write_bytes(b"PAR1 and no more PAR1")
    assert f"{second} is damaged: it cannot be read" in told(tmp_path)
    second.write_bytes(first.read_bytes())
    assert f"{second} is damaged: its rows are not the manifest's" in told(tmp_path)
    pl.DataFrame({"offset": [1]}).write_parquet(second)
    assert f"{second} is damaged: it has other columns" in told(tmp_path)
    third.unlink()
    assert f"{third} is damaged: it is missing" in told(tmp_path)


def test_offsets_out_of_order_are_found_whatever_the_hashes_say(tmp_path: Path) -> None:
    make(tmp_path)
    manifest = load(tmp_path)
    part = manifest.topics["nets"]["0"]
    frame = pl.read_parquet(tmp_path / part.files[1].name, schema=COLUMNS)
    swapped = frame.with_columns(offset=pl.Series([6, 6]))
    files = [part.files[0], write(tmp_path, "nets", 0, swapped), part.files[2]]
    changed = part.model_copy(update={"files": files})
    topics = {"nets": {**manifest.topics["nets"], "0": changed}}
    store(tmp_path, manifest.model_copy(update={"topics": topics}))
    assert "its offsets are not in order" in told(tmp_path, check=True)
