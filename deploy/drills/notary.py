"""Stop and kill the notary, and the job whose log it signs, at seeded moments: one tree, no fork.

Netting and the regulatory job run over a feed; a notary process signs their chain. Twenty times one
of these is done to them: the notary is killed (SIGKILL), asked to end (SIGTERM), or the TaskManager
is killed. A witness cosigns after each: it refuses what did not grow out of what it saw. At the end
the log is read again and compared with every checkpoint, and the jobs with the oracle.
"""

import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import date
from pathlib import Path
from shutil import rmtree
from statistics import median

import numpy as np

from connectors.generators import Faults, Plan, Trades
from connectors.producer import Sent
from connectors.reader import LogReader
from connectors.topics import TICK_KEY
from deploy.bench.harness import Report, Result
from deploy.drills.rig import Rig
from deploy.drills.waiting import MONOTONIC, SLEEP
from deploy.errors import UserError
from deploy.log_ids import EventId, RecordId
from deploy.processes import python
from deploy.proofs.audit import Audit
from deploy.proofs.check import check
from deploy.proofs.folder import LogFolder
from deploy.proofs.heads import Trust
from deploy.proofs.keys import SigningKey, read_keys
from deploy.proofs.proof import parse_proof
from deploy.proofs.prove import Prover
from deploy.proofs.sources import TOPIC, events
from deploy.proofs.witness import Witness
from deploy.stack import Stack
from deploy.verification import Place, verify
from jobs.catalogue import JOBS, Config
from schemas.merkle import leaf_hash, root
from schemas.notes import COSIGNATURE, PublicKey
from udfs.regulatory.verify import LINK_SIZE

KILL, STOP, TASKMANAGER = "notary killed", "notary stopped", "TaskManager killed"
INTERRUPTIONS = 20
EVERY = 5
"""Every so many times it is the TaskManager."""
SHORTEST_S, LONGEST_S = 0.3, 3.0
"""How long a notary lives before it is ended, from its first step on."""
PROOFS = 25
"""Proofs of each kind in each partition, unless told otherwise."""
WITNESS = "drill.tidemark.local/witness"
TIME = 1_772_438_400

Echo = Callable[[str], None]


def run(
    stack: Stack,
    prefix: str,
    seed: int = 1,
    count: int = 150_000,
    rate: float = 5_000,
    interruptions: int = INTERRUPTIONS,
    proofs: int = PROOFS,
    echo: Echo = lambda line: None,
) -> Report:
    """Run the drill.

    Args:
        stack: The running stack.
        prefix: Names the drill's topics; must be new.
        seed: Seed of the trades, the moments and what is done at each.
        count: How many trades are sent.
        rate: Records a second, so that the log grows as long as the drill lasts.
        interruptions: How often something is stopped or killed.
        proofs: How many proofs of each kind are made in each partition.
        echo: Hears what is happening.
    """
    config = Config(partitions=stack.settings.partitions)
    home = stack.settings.run / f"{prefix}notary"
    began = MONOTONIC()
    with Rig(stack, prefix, config) as rig, _Signer(rig, home) as signer:
        plan = Plan(count, seed, config.partitions, Faults.total(0.01))
        for job in ("netting", "regulatory"):
            rig.submit(job, min(2, config.partitions))
        sending = rig.feed(Trades(seed, date(2026, 3, 2)), plan, rate)
        done, cosigned = _interrupt(rig, signer, seed, interruptions, sending, echo)
        echo("all interruptions done; waiting for the feed and the jobs")
        sending.result()
        rig.wait("netting", rig.ends("obligations"))
        rig.stop("netting")
        feeds = [feed.topic for feed in JOBS["regulatory"](config).feeds]
        rig.wait("regulatory", rig.ends(*feeds))
        rig.stop("regulatory")
        compared = [rig.compare(job) for job in ("netting", "regulatory")]
        signer.once()
        trust = Trust(home / "notary", signer.keys, home / "witness")
        verdict = verify(Place(rig.settings.brokers, prefix), config.partitions, trust)
        trees = [_rebuilt(rig, home, shard) for shard in range(config.partitions)]
        times = _prove(rig, signer, seed, proofs)
    rmtree(home)
    findings = [f"{shard}: {one.kind} at {one.position}" for shard, one in verdict.findings]
    if findings:
        raise UserError(f"the log is not the one signed: {findings[0]}")
    checkpoints = sum(audit.checkpoints for audit in verdict.audits.values())
    return Report(
        "drill-notary",
        seed,
        [
            *(Result(what, done[what], "times") for what in (KILL, STOP, TASKMANAGER)),
            Result("interruptions", sum(done.values()), "times", interruptions),
            Result("events in the log", verdict.length, "events"),
            Result("checkpoints that hold", checkpoints, "checkpoints"),
            Result("cosigned between, each grown out of the one before", cosigned, "checkpoints"),
            Result("events not signed in the end", _unsigned(verdict.audits), "events", 0, True),
            Result("trees that are not the log's", trees.count(False), "trees", 0, True),
            Result("forks, gaps, rolled-back checkpoints", len(findings), "findings", 0, True),
            Result(
                "records of both jobs that differ from the oracle",
                sum(len(one.differences) for one in compared),
                "records",
                0,
                True,
            ),
            Result("proof of an event out of Kafka, median", times[0], "ms", 50, True),
            Result("proof of a raw record out of Kafka, median", times[1], "ms", 50, True),
            Result("whole drill", round(MONOTONIC() - began), "s"),
        ],
    )


class _Signer:
    """The notary's process, its folder, and a witness who watches it."""

    def __init__(self, rig: Rig, home: Path) -> None:
        self.home = home
        self._private = home / "keys" / "notary.pem"
        self._argv = [
            *(str(python()), "-m", "deploy.cli", "notary", "--interval", "0.05", "--json"),
            *("--notary", str(home / "notary"), "--key", str(self._private)),
            *("--brokers", rig.settings.brokers, "--prefix", rig.prefix),
            *("--partitions", str(rig.config.partitions)),
        ]
        self._own = SigningKey.make()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "_Signer":
        self.home.mkdir(parents=True)
        return self

    def __exit__(self, *error: object) -> None:
        self.end(signal.SIGKILL)

    @property
    def keys(self) -> tuple[PublicKey, ...]:
        """The notary's public keys and the witness's."""
        public = read_keys([self._private.with_suffix(".pub")])
        return (*public, self._own.public(WITNESS, COSIGNATURE))

    def start(self) -> None:
        """Start the process and wait until it has signed once."""
        told = self.home / "told"
        with told.open("wb") as out, (self.home / "trouble").open("wb") as trouble:
            self._process = subprocess.Popen(self._argv, stdout=out, stderr=trouble)
        deadline = MONOTONIC() + 60
        while not told.stat().st_size:
            if self._process.poll() is not None or MONOTONIC() > deadline:
                raise UserError(f"the notary ended by itself: {self._words()}")
            SLEEP(0.02)

    def end(self, how: signal.Signals) -> None:
        """End the process by a signal; UserError if it had ended before."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is not None:
            raise UserError(f"the notary ended by itself: {self._words()}")
        process.send_signal(how)
        process.wait(30)

    def once(self) -> None:
        """One pass to the end of the log."""
        done = subprocess.run([*self._argv, "--once"], capture_output=True, text=True, check=False)
        if done.returncode:
            raise UserError(f"the notary's last pass failed: {done.stderr.strip()}")

    def cosign(self, time: int) -> int:
        """Let the witness cosign what there is; how many checkpoints were larger than before."""
        witness = Witness(self.home / "witness", WITNESS, self._own, self.keys)
        return sum(one.size > one.before for one in witness.run(self.home / "notary", time))

    def _words(self) -> str:
        lines = (self.home / "trouble").read_text().strip().splitlines()
        return lines[-1] if lines else "no output"


def _interrupt(
    rig: Rig, signer: _Signer, seed: int, times: int, sending: "Future[Sent]", echo: Echo
) -> tuple[Counter[str], int]:
    """Do what the drill is about; how often each, and how many larger checkpoints were cosigned."""
    draw = np.random.default_rng(seed)
    done: Counter[str] = Counter()
    cosigned = 0
    for number in range(1, times + 1):
        signer.start()
        SLEEP(float(draw.uniform(SHORTEST_S, LONGEST_S)))
        what = TASKMANAGER if number % EVERY == 0 else (KILL, STOP)[int(draw.integers(2))]
        if what == TASKMANAGER:
            rig.stack.kill("taskmanager-0")
            rig.stack.start_taskmanager()
        signer.end(signal.SIGTERM if what == STOP else signal.SIGKILL)
        cosigned += signer.cosign(TIME + number)
        done[what] += 1
        echo(f"{number} of {times}: {what}" + (", feed is over" if sending.done() else ""))
    return done, cosigned


def _rebuilt(rig: Rig, home: Path, shard: int) -> bool:
    """Whether the signed root is that over the whole log, computed the plain way."""
    reader = LogReader(rig.settings.brokers, rig.prefix)
    try:
        _, messages = events(reader.read(TOPIC, shard))
    finally:
        reader.close()
    found = LogFolder(home / "notary" / str(shard)).checkpoint()
    leaves = [leaf_hash(message[:-LINK_SIZE]) for message in messages]
    return found is not None and (found[1].size, found[1].root) == (len(leaves), root(leaves))


def _prove(rig: Rig, signer: _Signer, seed: int, proofs: int) -> tuple[float, float]:
    """Median milliseconds to prove an event, and a raw record; every proof is checked."""
    draw = np.random.default_rng(seed)
    reader = LogReader(rig.settings.brokers, rig.prefix, quick=True)
    prover = Prover(signer.home / "notary", reader)
    keys = [key for key in signer.keys if key.kind != COSIGNATURE]
    times: tuple[list[float], list[float]] = ([], [])
    try:
        for shard in range(rig.config.partitions):
            span = reader.read("obligations", shard)
            records = [
                offset
                for offset, key in zip(span.offsets, span.keys, strict=True)
                if key != TICK_KEY
            ]
            size = prover.event(EventId(shard, 0)).checkpoint.size
            for _ in range(proofs):
                place = RecordId("obligations", shard, records[int(draw.integers(len(records)))])
                event = EventId(shard, int(draw.integers(size)))
                began = MONOTONIC()
                made = prover.event(event)
                between = MONOTONIC()
                covered = prover.record(place)
                times[1].append(1_000 * (MONOTONIC() - between))
                times[0].append(1_000 * (between - began))
                for proof in (made, covered):
                    check(parse_proof(str(proof).encode()), keys)
    finally:
        reader.close()
    return round(median(times[0]), 1), round(median(times[1]), 1)


def _unsigned(audits: Mapping[int, Audit]) -> int:
    return sum(audit.chain.length - (audit.signed or 0) for audit in audits.values())
