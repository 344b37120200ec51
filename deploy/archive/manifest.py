"""What an archive says of itself: which offsets it holds, in which files, with which hashes.

The manifest is canonical JSON (RFC 8785), so that equal archives have equal manifests.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Literal

import rfc8785
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deploy.errors import UserError

NAME = "manifest.json"
_NAME = r"^[A-Za-z0-9._-]+$"
_FILE = r"^[A-Za-z0-9._-]+/\d+/\d{20}\.parquet$"
_HASH = r"^[0-9a-f]{64}$"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class File(_Part):
    """One file: its path below the archive, its rows, the SHA-256 of its bytes."""

    name: str = Field(pattern=_FILE)
    rows: int = Field(ge=1)
    sha256: str = Field(pattern=_HASH)

    @property
    def first(self) -> int:
        """Offset of its first row."""
        return int(Path(self.name).stem)


class Partition(_Part):
    """One topic partition.

    Attributes:
        first: First offset the log still had.
        next: The offset after the last one, transaction markers included.
        records: Records, ticks left out.
        ticks: Ticks.
        files: The files, by offset.
    """

    first: int = Field(ge=0)
    next: int = Field(ge=0)
    records: int = Field(ge=0)
    ticks: int = Field(ge=0)
    files: list[File]


class Manifest(_Part):
    """The whole archive: `prefix` is what the topics' names had before them, `topics` has none."""

    format: Literal["tidemark-archive/1"] = "tidemark-archive/1"
    prefix: str
    partitions: int = Field(ge=1, le=128)
    topics: dict[str, dict[str, Partition]]

    def places(self) -> Iterator[tuple[str, int, Partition]]:
        """Each topic partition."""
        for topic, parts in self.topics.items():
            for number, part in parts.items():
                yield topic, int(number), part

    def canonical(self) -> bytes:
        """As it is written."""
        return rfc8785.dumps(self.model_dump())


def store(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, in one step."""
    part = folder / f"{NAME}.part"
    part.write_bytes(manifest.canonical())
    part.replace(folder / NAME)


def load(folder: Path) -> Manifest:
    """Read and check the manifest of an archive.

    Raises:
        UserError: There is none, it is damaged, or it contradicts itself.
    """
    path = folder / NAME
    try:
        octets = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            f"{folder} is no archive: it has no {NAME}; write one with: tidemark export DIR"
        ) from None
    try:
        manifest = Manifest.model_validate_json(octets)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "as a whole"
        raise UserError(
            f"{path} is damaged: {place}: {first['msg']}; take another copy of the archive"
        ) from None
    for reason in _contradictions(manifest, octets):
        raise UserError(f"{path} is damaged: {reason}; take another copy of the archive")
    return manifest


def _contradictions(manifest: Manifest, octets: bytes) -> Iterator[str]:
    """What cannot be, as far as the manifest alone tells."""
    if octets != manifest.canonical():
        yield "it is not canonical JSON, so something else wrote it"
    for topic, parts in manifest.topics.items():
        if sorted(parts, key=len) != [str(number) for number in range(manifest.partitions)]:
            yield f"{topic} has other partitions than 0 to {manifest.partitions - 1}"
    for topic, number, part in manifest.places():
        place = f"{topic}/{number}"
        files = part.files
        if part.first > part.next:
            yield f"{place} begins at offset {part.first} and ends at {part.next}"
        if sum(file.rows for file in files) != part.records + part.ticks:
            yield f"{place} has other records than its files"
        if any(not file.name.startswith(f"{place}/") for file in files):
            yield f"{place} has files of another partition"
        bounds = [*(file.first for file in files), part.next]
        sizes = [file.rows for file in files]
        if files and bounds[0] < part.first:
            yield f"{place} has a file before its first offset"
        if any(b - a < size for (a, b), size in zip(pairwise(bounds), sizes, strict=True)):
            yield f"{place} has files that overlap"
