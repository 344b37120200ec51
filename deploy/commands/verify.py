"""`tidemark verify`: every link of every chain of the regulatory log, and whether it was signed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from deploy.verification import LogVerdict

PANEL = "Proof"
_EXAMPLES = """Examples:

tidemark verify --json

tidemark verify --notary .tidemark/notary --key notary.pub

tidemark verify --file audit/2026-03-02 --notary copy --key notary.pub --key witness.pub
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=PANEL, epilog=_EXAMPLES)(verify)


def verify(
    brokers: Annotated[
        str | None, typer.Option(help="Kafka, HOST:PORT; this checkout's if left out.")
    ] = None,
    prefix: Annotated[str, typer.Option(help="Put before the topic's name.")] = "",
    file: Annotated[
        Path | None, typer.Option("--file", help="Read an archive that export wrote, not Kafka.")
    ] = None,
    notary: Annotated[
        Path | None, typer.Option(help="Compare with the checkpoints in a notary's folder.")
    ] = None,
    key: Annotated[
        list[Path] | None, typer.Option(help="Public keys to trust, .pub; repeatable.")
    ] = None,
    witness: Annotated[
        Path | None, typer.Option(help="Compare with what a witness remembers, in its folder.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; one a core if left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Rebuild each partition's chain from the topic alone; name the first place that is wrong.

    With --notary and --key also its Merkle tree, compared with every checkpoint that was signed.
    """
    import os

    from deploy import terminal, verification
    from deploy.errors import UserError
    from deploy.proofs.heads import Trust
    from deploy.proofs.keys import read_keys
    from deploy.settings import Settings
    from schemas.notes import COSIGNATURE

    settings = Settings.load()
    if (notary is None) != (not key) or (witness is not None and notary is None):
        raise UserError("--notary and --key go together, and --witness needs both; give all")
    trust = None
    if notary is not None:
        trust = Trust(notary, tuple(read_keys(key or ())), witness)
        if witness is not None and all(one.kind != COSIGNATURE for one in trust.keys):
            raise UserError("--witness needs the witness's public key, too; add --key witness.pub")
    place = verification.Place(brokers or settings.brokers, prefix, file)
    partitions = place.partitions(settings.partitions)
    workers = min(workers or len(os.sched_getaffinity(0)), partitions)
    with terminal.bar("verify", partitions) as done:
        verdict = verification.verify(place, partitions, trust, workers, done)
    _show(verdict, as_json, trust is not None)
    if not verdict.ok:
        raise typer.Exit(1)


def _show(verdict: "LogVerdict", as_json: bool, compared: bool) -> None:
    from dataclasses import asdict

    from deploy import terminal

    rows = []
    for shard, chain in verdict.chains.items():
        audit = verdict.audits[shard]
        first = audit.findings[0] if audit.findings else None
        told = "ok" if first is None else "WRONG"
        row = {
            "shard": shard,
            "verdict": told,
            "length": chain.length,
            "head": chain.head.hex(),
            "problem": first.text if first else "",
            "kind": first.kind if first else "",
            "position": first.position if first else None,
            "findings": [asdict(one) for one in audit.findings],
        }
        if compared:
            row |= {"signed": audit.signed, "checkpoints": audit.checkpoints}
        rows.append(row)
    if as_json:
        terminal.show_json(rows)
        return
    names = ["shard", "verdict", "length", *(["signed", "checkpoints"] if compared else []), "head"]
    headings = ["events" if name == "length" else name for name in names]
    terminal.show_table(
        [*headings, "first problem"],
        [[*(row[name] for name in names), _problem(row)] for row in rows],
    )


def _problem(row: dict[str, object]) -> str:
    return f"{row['kind']} at {row['position']}: {row['problem']}" if row["kind"] else ""
