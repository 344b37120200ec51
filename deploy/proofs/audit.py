"""Is a partition's log the one that was signed? Its chain, its tree, and every checkpoint kept.

The log is read once: each link is checked, and the tree over the events is built anew and compared
with each signed root. Where they differ, the tiles say from which event on, and a proof against the
signed root says whether the tiles can be believed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from deploy.proofs.checkpoint import Checkpoint
from deploy.proofs.events import LINK_SIZE, read_event
from deploy.proofs.findings import CHANGED, DROPPED, FORK, SWAPPED, TILE, TRUNCATED, Finding
from deploy.proofs.folder import LogFolder
from deploy.proofs.heads import Heads, Trust
from deploy.proofs.sources import TOPIC, Source, pieces
from deploy.proofs.walk import Walk
from schemas.merkle import leaf_hash, verify_inclusion
from udfs.regulatory.verify import Verdict, verify_chain

_KINDS = {"changed": CHANGED, "gap": DROPPED, "order": SWAPPED, "repeated": "repeated record"}
_KINDS |= {"producer": "foreign record", "undecodable": "undecodable record"}


@dataclass(frozen=True)
class Audit:
    """What was found in one partition.

    Attributes:
        chain: The verdict on the chain by itself.
        findings: Everything that is wrong; the log's own first, then checkpoints by size.
        signed: Events that a checkpoint with a good signature covers; None without a notary.
        checkpoints: How many checkpoints were compared.
    """

    chain: Verdict
    findings: tuple[Finding, ...] = ()
    signed: int | None = None
    checkpoints: int = 0


def audit(source: Source, shard: int, trust: Trust | None = None) -> Audit:
    """Check a partition of the log, against what was signed if `trust` says what that is."""
    heads = Heads(trust, shard) if trust is not None else None
    walk = Walk(heads)
    verdict = verify_chain(
        walk.messages(pieces(source, TOPIC, shard)),
        producer=f"regulatory/{shard}",
        leaves=walk.leaves,
    )
    walk.finish()
    if heads is None:
        found = [] if verdict.ok else [_chain_finding(verdict)]
        return Audit(verdict, tuple(found))
    findings = [*_log_findings(verdict, walk, heads), *heads.findings, *walk.findings]
    newest = heads.newest
    return Audit(verdict, tuple(findings), newest.size if newest else 0, len(heads.good))


def _log_findings(verdict: Verdict, walk: Walk, heads: Heads) -> Iterator[Finding]:
    """What is wrong with the log itself, as the chain and the newest signed tree have it."""
    newest, tiled = heads.newest, heads.tiled
    forked = _forked(walk, tiled, heads.folder) if tiled else None
    if forked is not None:
        yield forked
        if forked.kind == FORK:
            walk.findings = [one for one in walk.findings if one.kind != FORK]
            return
    if not verdict.ok:
        yield _refined(_chain_finding(verdict), walk.bad, tiled, heads.folder)
    elif newest is not None and walk.size < newest.size:
        text = f"the log ends after {walk.size} events, {newest.size} were signed"
        yield Finding(TRUNCATED, walk.size, text)


def _forked(walk: Walk, tiled: Checkpoint, folder: LogFolder) -> Finding | None:
    """From which event on the log is another than the one signed; None if it is not."""
    at = walk.differs
    if at is None:
        return None
    tiles = folder.tiles(tiled.size)
    try:
        path, signed = tiles.inclusion_path(at), tiles.leaf(at)
    except ValueError as error:
        return Finding(TILE, at, f"the tree cannot be read: {error}")
    if verify_inclusion(at, tiled.size, signed, path, tiled.root):
        text = (
            f"the log holds another event {at} than the one signed; every link holds all the same"
        )
        return Finding(FORK, at, text)
    return Finding(TILE, at, f"the tile of event {at} does not fit the signed root")


def _chain_finding(verdict: Verdict) -> Finding:
    problem = verdict.problem or ""
    kind = _KINDS.get(problem.partition(":")[0], problem)
    return Finding(kind, verdict.first_bad_sequence or 0, problem)


def _refined(
    finding: Finding, message: bytes | None, tiled: Checkpoint | None, folder: LogFolder
) -> Finding:
    """The finding, knowing the events that were signed: one that is none of them was changed."""
    if message is None or tiled is None or finding.position >= tiled.size:
        return finding
    tiles = folder.tiles(tiled.size)
    try:
        sequence = read_event(message).sequence
        genuine = leaf_hash(message[:-LINK_SIZE]) == tiles.leaf(sequence)
    except (ValueError, IndexError):
        genuine = False
    if genuine or finding.kind == CHANGED:
        return finding
    text = f"changed: event {finding.position} is not the one signed ({finding.text})"
    return replace(finding, kind=CHANGED, text=text)
