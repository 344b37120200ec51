"""Files that survive a crash at any moment: whole or not there, and on disk when said so."""

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.errors import UserError


class Differs(Exception):
    """A file that is written once is there with another content; the message is its path."""


def replace(path: Path, content: bytes) -> None:
    """Write a file in one step: whoever reads it sees the old content or all of the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _part(path)
    part.write_bytes(content)
    _sync(part)
    os.replace(part, path)
    _sync(path.parent)


def create(path: Path, content: bytes) -> bool:
    """Write a file unless it is there, whatever it holds then; whether it was written."""
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _part(path)
    part.write_bytes(content)
    _sync(part)
    try:
        os.link(part, path)
    except FileExistsError:
        return False
    finally:
        part.unlink()
    _sync(path.parent)
    return True


def write_once(contents: Iterable[tuple[Path, bytes]]) -> int:
    """Write files whose content never changes; on disk when this returns. How many were new.

    Raises:
        Differs: One of them is there with another content.
    """
    new: list[Path] = []
    for path, content in contents:
        if path.exists():
            if path.read_bytes() != content:
                raise Differs(str(path))
            continue
        part = _part(path)
        try:
            part.write_bytes(content)
        except FileNotFoundError:
            path.parent.mkdir(parents=True)
            part.write_bytes(content)
        new.append(path)
    if new:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda path: _sync(_part(path)), new))
            for path in new:
                os.replace(_part(path), path)
            list(pool.map(_sync, sorted({path.parent for path in new})))
    return len(new)


def append(path: Path, at: int, content: bytes) -> None:
    """Put `content` at byte `at`, which ends the file then: what a crash left behind `at` goes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.seek(0, os.SEEK_END)
        if file.tell() < at:
            raise UserError(
                f"{path} is shorter than it was; delete the folder's state.json to read it anew"
            )
        file.seek(at)
        file.write(content)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def locked(folder: Path, who: str) -> Iterator[None]:
    """One process at a time in a folder; the lock ends with the process, however it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another {who} is at work in {folder}; stop it first") from None
        yield


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
