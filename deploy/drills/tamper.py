"""Tamper with a signed log in every way there is, many times each: is it found, and where?

The log lies in memory, made by the jobs' own steps; the notary signs it while it grows, a witness
cosigns. Then each way of deploy/drills/tampering.py spoils a copy at a seeded place, and the audit
must name the kind and the position.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from deploy.bench.harness import Report, Result
from deploy.drills.recorded import chain_of, recorded, with_chain
from deploy.drills.tampering import WAYS, Case, copy_of
from deploy.drills.waiting import MONOTONIC
from deploy.proofs.audit import Audit, audit
from deploy.proofs.checkpoint import origin_of
from deploy.proofs.folder import LogFolder
from deploy.proofs.heads import Trust
from deploy.proofs.keys import SigningKey
from deploy.proofs.notary import Notary
from deploy.proofs.sources import InMemory
from deploy.proofs.witness import Witness
from schemas.notes import COSIGNATURE

ORIGIN, WITNESS = "drill.tidemark.local/regulatory", "drill.tidemark.local/witness"
SHARD = 0
TIME = 1_772_438_400
"""What the witness says the time is: the drill reads no clock for what is signed."""


@dataclass(frozen=True)
class Signed:
    """A log that was signed while it grew: its chain, the notary's folder, and whom to trust."""

    messages: list[bytes]
    folder: Path
    trust: Trust


def run(
    seed: int = 1,
    places: int = 20,
    trades: int = 4_000,
    signatures: int = 12,
    echo: Callable[[str], None] = lambda line: None,
) -> Report:
    """Run the drill.

    Args:
        seed: Seed of the trades and of the places.
        places: How many places each kind of tampering is tried at.
        trades: What the log is made of; it has some events a trade.
        signatures: Checkpoints signed while it grows.
        echo: Hears what is happening.
    """
    began = MONOTONIC()
    with TemporaryDirectory() as name:
        signed = sign(chain_of(recorded(seed, trades, 1), SHARD), Path(name), signatures)
        clean = audited(signed, Case(signed.messages, LogFolder(signed.folder / str(SHARD))))
        echo(f"{len(signed.messages):,} events signed in {clean.checkpoints} checkpoints")
        results = [
            Result("events in the log", len(signed.messages), "events"),
            Result("findings in the log as it was", len(clean.findings), "findings", 0, True),
        ]
        wrong = 0
        for number, kind in enumerate(WAYS):
            draw = np.random.default_rng([seed, number])
            right = sum(_right(signed, kind, draw, Path(name)) for _ in range(places))
            wrong += places - right
            echo(f"{kind}: {right} of {places} named right")
            results.append(Result(f"{kind}: kind and position right", right, "of", places))
    results.append(Result("tampered logs taken for whole, or misnamed", wrong, "logs", 0, True))
    results.append(Result("whole drill", round(MONOTONIC() - began, 1), "s"))
    return Report("drill-tamper", seed, results)


def sign(messages: list[bytes], home: Path, signatures: int) -> Signed:
    """Let a notary sign a chain while it grows, and a witness cosign each time."""
    key, own = SigningKey.make(), SigningKey.make()
    notary = Notary(home / "notary", ORIGIN, 1, key)
    public = key.public(origin_of(ORIGIN, SHARD))
    witness = Witness(home / "witness", WITNESS, own, [public])
    for part in range(1, signatures + 1):
        grown = messages[: len(messages) * part // signatures]
        notary.run(InMemory(with_chain(grown, SHARD)))
        witness.run(notary.path, TIME + part)
    keys = (public, own.public(WITNESS, COSIGNATURE))
    return Signed(messages, notary.path, Trust(notary.path, keys, home / "witness"))


def audited(signed: Signed, case: Case) -> Audit:
    """What the audit says of a log that may have been tampered with."""
    folder = case.folder.path.parent
    trust = Trust(folder, signed.trust.keys, signed.trust.witness)
    return audit(InMemory(with_chain(case.messages, SHARD)), SHARD, trust)


def _right(signed: Signed, kind: str, draw: np.random.Generator, home: Path) -> bool:
    copy = copy_of(signed.folder, home / "copy")
    case = Case(list(signed.messages), LogFolder(copy / str(SHARD)))
    expected = WAYS[kind](case, draw)
    found = audited(signed, case).findings
    return bool(found) and (found[0].kind, found[0].position) == expected
