"""The code of a submission as one zip, the same bytes for the same sources."""

import hashlib
import zipfile
from io import BytesIO
from pathlib import Path

PACKAGES = ("schemas", "udfs", "connectors", "jobs")
_SOURCE = Path(__file__).parents[2]
_EPOCH = (1980, 1, 1, 0, 0, 0)
_SKIPPED = {"__pycache__", ".mypy_cache", ".ruff_cache"}


def archive(folder: Path, source: Path = _SOURCE) -> Path:
    """The zip of `PACKAGES`, kept in `folder` under its digest; written only if it is new.

    Names are sorted and dates fixed, so equal sources give equal bytes: the digest names the code.
    """
    content = pack(source)
    target = folder / hashlib.sha256(content).hexdigest()[:16] / "app.zip"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part")
        part.write_bytes(content)
        part.replace(target)
    return target


def pack(source: Path) -> bytes:
    """The bytes of the zip of the packages below `source`, data files included."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        for path in files(source):
            entry = zipfile.ZipInfo(path.relative_to(source).as_posix(), _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            out.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def files(source: Path) -> list[Path]:
    """The files of the packages, sorted by name, caches left out."""
    found = (
        path for package in PACKAGES for path in (source / package).rglob("*") if path.is_file()
    )
    return sorted(
        path for path in found if not _SKIPPED & set(path.parts) and path.suffix != ".pyc"
    )
