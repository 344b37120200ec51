"""What `tidemark doctor` asks, as pure functions of what was read from the machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

SINK_TRANSACTION_TIMEOUT_MS = 3_600_000
"""Transaction timeout of the exactly-once sinks."""

Grade = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's: about what, how grave, what it is and, unless ok, the mend."""

    subject: str
    grade: Grade
    told: str


def java(feature: int | None, home: str, accepted: Sequence[int]) -> Finding:
    """Whether the Java found is one that every service runs on."""
    if feature in accepted:
        return Finding("java", "ok", f"{feature} at {home}")
    wanted = " or ".join(map(str, accepted))
    return Finding(
        "java", "problem", f"{feature} at {home} is not {wanted}; unset JAVA_HOME, run: make setup"
    )


def python(version: tuple[int, int]) -> Finding:
    """Whether this is the Python that Flink's packages are locked for."""
    text = f"{version[0]}.{version[1]}"
    if version == (3, 11):
        return Finding("python", "ok", text)
    return Finding("python", "problem", f"{text} is not 3.11; make .venv anew: make clean setup")


def jars(missing: Sequence[str], locked: int) -> Finding:
    """Whether all locked jars are there."""
    if not missing:
        return Finding("jars", "ok", f"all {locked} of jars.lock")
    told = f"{len(missing)} of {locked} are missing ({missing[0]}); run: tidemark jars fetch"
    return Finding("jars", "problem", told)


def flink_versions(installed: str, wanted: str, connector: str) -> Finding:
    """Whether package, versions.toml and the connector (5.0.0-2.2) are for the same Flink."""
    if installed != wanted:
        told = f"package {installed}, versions.toml {wanted}; run: make setup"
        return Finding("flink", "problem", told)
    built_for = tuple(map(int, connector.rpartition("-")[2].split(".")))
    if built_for > tuple(map(int, installed.split(".")[:2])):
        told = f"connector {connector} is for a newer Flink than {installed}; change versions.toml"
        return Finding("flink", "problem", told)
    return Finding("flink", "ok", f"{installed}, Kafka connector {connector}")


def port(listener: str, number: int, ours: bool, holder: str | None, offset: int | None) -> Finding:
    """Whether a listener's port is ours or free; `holder` is None when nobody listens."""
    if ours or holder is None:
        return Finding(
            f"port {number}", "ok", f"{listener}: {'in use by this stack' if ours else 'free'}"
        )
    told = f"{listener}: taken by {holder}; stop it, or set TIDEMARK_PORT_OFFSET={offset or '...'}"
    return Finding(f"port {number}", "problem", told)


def disk(free_gib: float, wanted_gib: float, path: str) -> Finding:
    """Whether there is room for data and checkpoints."""
    told = f"{free_gib:.1f} GiB free at {path}"
    if free_gib >= wanted_gib:
        return Finding("disk", "ok", told)
    return Finding(
        "disk", "problem", f"{told}, {wanted_gib:.1f} wanted; free some or move TIDEMARK_HOME"
    )


def memory(available_mib: int, in_use_mib: int, budget_mib: int) -> Finding:
    """Whether the stack could grow to its budget without swapping."""
    told = f"stack uses {in_use_mib} of at most {budget_mib} MiB, {available_mib} MiB available"
    if in_use_mib + available_mib >= budget_mib:
        return Finding("memory", "ok", told)
    return Finding(
        "memory", "note", f"{told}: too little for every slot in use; lower TIDEMARK_SLOTS"
    )


def topics(found: Mapping[str, int], wanted: Sequence[str], partitions: int) -> Finding:
    """Whether every topic exists with the one partition count; `found` is topic -> partitions."""
    if absent := [name for name in wanted if name not in found]:
        return Finding(
            "topics", "problem", f"{', '.join(absent)} missing; run: tidemark down, tidemark up"
        )
    if odd := [f"{name} has {found[name]}" for name in wanted if found[name] != partitions]:
        told = f"{', '.join(odd)}, {partitions} set; set TIDEMARK_PARTITIONS back or empty the home"
        return Finding("topics", "problem", told)
    return Finding("topics", "ok", f"{len(wanted)} with {partitions} partitions")


def parallelism(job: str, widest: int, partitions: int) -> Finding:
    """Whether no operator of a job has subtasks that would have no shard."""
    if widest <= partitions:
        return Finding(f"job {job}", "ok", f"parallelism {widest} of {partitions} partitions")
    told = f"parallelism {widest} of {partitions} partitions; stop it, submit with -p {partitions}"
    return Finding(f"job {job}", "problem", told)


def late(job: str, dropped: int) -> Finding:
    """Whether the engine dropped records as late, which means that the log's clock went back."""
    if dropped == 0:
        return Finding(f"job {job}", "ok", "no record dropped as late")
    told = f"{dropped} records dropped as late: mend the broker's clock, then replay the job"
    return Finding(f"job {job}", "problem", told)


def transaction_timeout(broker_ms: int) -> Finding:
    """Whether the broker lets the sinks keep a transaction open as long as they ask."""
    told = f"broker {broker_ms} ms, sinks {SINK_TRANSACTION_TIMEOUT_MS} ms"
    if broker_ms >= SINK_TRANSACTION_TIMEOUT_MS:
        return Finding("transactions", "ok", told)
    mend = "raise transaction.max.timeout.ms and restart the broker"
    return Finding("transactions", "problem", f"{told}: sinks cannot start; {mend}")


def clock(synchronised: bool | None) -> Finding:
    """Whether the clock follows a time source; no matter while all is on one machine."""
    match synchronised:
        case True:
            return Finding("clock", "ok", "synchronised")
        case False:
            told = "not synchronised; run an NTP client before services stand on several machines"
            return Finding("clock", "note", told)
        case _:
            return Finding("clock", "note", "the kernel does not tell whether it is synchronised")


def service(name: str, trouble: str | None) -> Finding:
    """Whether a service of a running stack serves."""
    if trouble is None:
        return Finding(name, "ok", "up")
    return Finding(name, "problem", f"{trouble}; see: tidemark logs {name}, then: tidemark up")


def strays(pids: Sequence[int]) -> Finding:
    """Whether processes of ours outlived the service that started them."""
    if not pids:
        return Finding("strays", "ok", "no process outlived its service")
    first = ", ".join(map(str, pids[:5]))
    told = f"{len(pids)} processes outlived their service ({first}); run: tidemark down"
    return Finding("strays", "problem", told)
