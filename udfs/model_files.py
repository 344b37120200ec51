"""Files of models: read, held against the hash that their card states, opened in onnxruntime."""

import hashlib
from pathlib import Path
from typing import Any

CARD = "card.json"


class ModelError(ValueError):
    """A model is not there or not what its card says; one line."""


def read(path: Path) -> bytes:
    """A file of a model; ModelError if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}; install it again") from None


def checked(path: Path, sha256: str) -> bytes:
    """A file of a model if its SHA-256 is the stated one, in hex; else ModelError."""
    content = read(path)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelError(f"{path.name} of model {path.parent.name} is not what its card says")
    return content


def session(path: Path, sha256: str) -> Any:
    """An onnxruntime session of one thread over a file whose SHA-256 is the stated one."""
    import onnxruntime  # heavy, and only needed where a model runs

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    content = checked(path, sha256)
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def folders(root: Path) -> dict[str, Path]:
    """Hash of the card of each model in the folders of `root` -> its folder."""
    return {hashlib.sha256(read(path)).hexdigest(): path.parent for path in root.glob(f"*/{CARD}")}
