"""Reads the machine for `tidemark doctor` and hands what it finds to deploy.checks."""

import ctypes
import importlib.metadata
import os
import shutil
import sys

import psutil

from connectors import kafka_admin
from connectors.topics import TOPICS
from deploy import checks, jars, java, ports, versions
from deploy.checks import Finding
from deploy.settings import Settings
from deploy.stack import Stack, Status

_TIME_ERROR = 5  # what adjtimex(2) returns while the clock is not synchronised


def examine(settings: Settings) -> list[Finding]:
    """All findings, from the ground up; what needs a running stack only if one runs."""
    stack = Stack(settings)
    status = stack.status()
    found = [
        *_machine(settings),
        *_ports(stack),
        *_room(stack, status),
        checks.clock(clock_synchronised()),
    ]
    if any(one.pid for one in status):
        found += [checks.service(one.name, one.trouble) for one in status]
        serving = {one.name for one in status if one.trouble is None}
        found += _kafka(settings) if "kafka" in serving else []
        found += _jobs(stack) if "jobmanager" in serving else []
    else:
        found.append(Finding("stack", "note", "not running; start it with: tidemark up"))
    return [*found, checks.strays(strays(stack))]


def clock_synchronised() -> bool | None:
    """What the kernel says of the clock; None where it cannot be asked."""
    try:
        answer = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        return None
    return None if answer < 0 else answer != _TIME_ERROR


def strays(stack: Stack) -> list[int]:
    """Processes with our mark that are not in the session of the service they came from."""
    found = []
    for name, processes in stack.processes.owned().items():
        living = {one.pid for one in (stack.processes.main(name), stack.processes.own(name)) if one}
        found += [one.pid for one in processes if _session(one.pid) not in living]
    return sorted(found)


def _machine(settings: Settings) -> list[Finding]:
    feature = java.feature(java.binary())
    return [
        checks.python(sys.version_info[:2]),
        checks.java(feature, str(java.home()), versions.java_accepted()),
        checks.jars([jar.filename for jar in jars.missing(settings.jar_home)], len(jars.locked())),
        checks.flink_versions(
            importlib.metadata.version("apache-flink"),
            versions.service("flink"),
            versions.service("flink-connector-kafka"),
        ),
    ]


def _ports(stack: Stack) -> list[Finding]:
    found = []
    for service in stack.services():
        ours = stack.processes.main(service.name) is not None
        for listener, number in service.ports().items():
            taken = not ours and ports.taken(number)
            holder = (ports.holder(number) or "an unknown process") if taken else None
            offset = ports.free_offset() if taken else None
            found.append(checks.port(listener, number, ours, holder, offset))
    return found


def _room(stack: Stack, status: list[Status]) -> list[Finding]:
    settings = stack.settings
    existing = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(existing).free / 2**30
    available = psutil.virtual_memory().available // 2**20
    in_use = sum(one.rss_mib for one in status)
    return [
        checks.disk(free, settings.min_free_gib, str(settings.home)),
        checks.memory(available, in_use, stack.memory_budget_mib()),
    ]


def _kafka(settings: Settings) -> list[Finding]:
    found = {name: info.partitions for name, info in kafka_admin.describe(settings.brokers).items()}
    limit = int(kafka_admin.broker_config(settings.brokers)["transaction.max.timeout.ms"])
    return [
        checks.topics(found, list(TOPICS), settings.partitions),
        checks.transaction_timeout(limit),
    ]


def _jobs(stack: Stack) -> list[Finding]:
    found = []
    rest = stack.flink.rest
    for job in stack.flink.jobs():
        if job.alive:
            widest = max(vertex["parallelism"] for vertex in rest.vertices(job.id))
            found.append(checks.parallelism(job.name, widest, stack.settings.partitions))
            found.append(checks.late(job.name, rest.late_records(job.id)))
    return found


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return -1
