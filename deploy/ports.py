"""Ports: which are taken, by whom, and how to get out of the way."""

import contextlib
import socket
from collections.abc import Mapping

import psutil

from deploy.errors import UserError
from deploy.settings import HOST, PORTS

OFFSETS = range(1_000, 40_000, 1_000)


def taken(port: int) -> bool:
    """Whether a listener on this port would fail."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def open_now(port: int) -> bool:
    """Whether something answers on this port."""
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


def check_free(wanted: Mapping[str, int]) -> None:
    """Raise one line about the first of `wanted` (listener -> port) that is taken."""
    for listener, port in wanted.items():
        if taken(port):
            raise UserError(clash(listener, port, holder(port), free_offset()))


def clash(listener: str, port: int, process: str | None, offset: int | None) -> str:
    """What to say about a port in use: which, whose, by whom, and the mend."""
    by = f" by {process}" if process else ""
    mend = f"set TIDEMARK_PORT_OFFSET={offset}" if offset else "free it or set TIDEMARK_PORT_OFFSET"
    return f"port {port} ({listener}) is in use{by}; stop that process, or {mend}"


def holder(port: int) -> str | None:
    """The process that listens on a port, as far as we may know it."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
            if listens and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return None


def free_offset() -> int | None:
    """The first round offset under which every base port is free."""
    return next(
        (offset for offset in OFFSETS if not any(taken(port + offset) for port in PORTS.values())),
        None,
    )
