"""One line for errors of other people's libraries that a person can mend."""

import contextlib
import errno
from collections.abc import Iterator

from deploy.errors import UserError

_BY_ORIGIN = {
    "cimpl": "Kafka: {error}; see: tidemark status, then: tidemark up",
    "neo4j.exceptions": "Neo4j: {error}; check the password file",
    "requests.exceptions": "no answer: {error}; see: tidemark status, then: tidemark up",
}
_BY_NUMBER = {
    errno.ENOSPC: "the disk is full ({error}); free some space or move TIDEMARK_HOME",
    errno.EACCES: "not permitted ({error}); mend the owner or mode of that file",
    errno.EROFS: "read-only disk ({error}); point TIDEMARK_HOME at another",
}


def explain(error: BaseException) -> str | None:
    """What went wrong and the mend; None for what only we can mend: that keeps its traceback."""
    if isinstance(error, OSError) and error.errno in _BY_NUMBER:
        return _BY_NUMBER[error.errno].format(error=error)
    for kind in type(error).__mro__:
        if kind.__module__ in _BY_ORIGIN:
            return _BY_ORIGIN[kind.__module__].format(error=_first_line(error))
    return None


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn what `explain` knows into a UserError; for work in other processes.

    Other libraries' errors do not all travel between processes.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        line = explain(error)
        if line is None:
            raise
        raise UserError(line) from None


def _first_line(error: BaseException) -> str:
    told = error.args[0] if error.args else error
    text = told.str() if hasattr(told, "str") else str(told)
    return (text.splitlines() or [type(error).__name__])[0]
