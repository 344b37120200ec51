"""prove, check: one file that proves an event or a raw record, and what such a file is worth."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from deploy.log_ids import EventId
    from deploy.proofs.check import Checked
    from deploy.proofs.prove import Prover
    from deploy.settings import Settings

PANEL = "Proof"
_PROVE = """Examples:

tidemark prove 3:12345 --out event.tlog-proof

tidemark prove obligations/2/77 --job netting --out record.tlog-proof

tidemark prove '999900CCP00000000012|EUR|EUR|2|1772456400000000' --file audit/2026-03-02
"""
_CHECK = """Examples:

tidemark check event.tlog-proof --key notary.pub

tidemark check event.tlog-proof --key notary.pub --key witness.pub --json
"""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel=PANEL, epilog=_PROVE)(prove)
    app.command(rich_help_panel=PANEL, epilog=_CHECK)(check)


def prove(
    what: Annotated[
        str, typer.Argument(metavar="ID", help="SHARD:SEQUENCE, TOPIC/PARTITION/OFFSET or an id.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="The file to write; printed if left out.")
    ] = None,
    job: Annotated[str | None, typer.Option(help="For a raw record: the job that read it.")] = None,
    notary: Annotated[
        Path | None, typer.Option(help="The notary's folder; in the home if left out.")
    ] = None,
    brokers: Annotated[
        str | None, typer.Option(help="Kafka, HOST:PORT; this checkout's if left out.")
    ] = None,
    prefix: Annotated[str, typer.Option(help="What the topics' names have before them.")] = "",
    file: Annotated[
        Path | None, typer.Option("--file", help="Read an archive that export wrote, not Kafka.")
    ] = None,
) -> None:
    """Write the proof of an event, a result or a raw record: one file, checked without the log."""
    from deploy.log_ids import RecordId, ResultId, parse_id
    from deploy.proofs.files import replace
    from deploy.proofs.prove import Prover
    from deploy.settings import Settings
    from deploy.verification import Place

    settings = Settings.load()
    wanted = parse_id(what)
    scan = isinstance(wanted, ResultId)
    with Place(brokers or settings.brokers, prefix, file, quick=not scan).opened() as source:
        prover = Prover(notary or settings.notary, source)
        match wanted:
            case RecordId():
                proof = prover.record(wanted, job)
            case ResultId(text):
                proof = prover.event(_find(prover, text, settings))
            case _:
                proof = prover.event(wanted)
    if out is None:
        typer.echo(str(proof), nl=False)
        return
    replace(out, str(proof).encode())
    told = f"event {proof.checkpoint.shard}:{proof.index} of {proof.checkpoint.size:,} signed"
    typer.echo(f"{told}; written to {out}", err=True)


def _find(prover: "Prover", result: str, settings: "Settings") -> "EventId":
    """The event of a result: by the lineage index if it knows, else by reading the log."""
    from deploy import terminal
    from deploy.lineage.index import Index

    path = settings.home / "lineage.duckdb"
    if path.exists():
        with Index(path) as index:
            for event in index.results([result]):
                if prover.is_about(event.id, result):
                    return event.id
    with terminal.bar(f"looking for {result}", prover.signed()) as told:
        return prover.find(result, told)


def check(
    file: Annotated[Path, typer.Argument(help="A file that prove wrote.")],
    key: Annotated[
        list[Path], typer.Option(help="Public keys, .pub; each must have signed; repeatable.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what a proof file proves; exit code 1 if nothing.

    Needs the file and the keys only. docs/check_proof.py does the same without this package.
    """
    from deploy import terminal
    from deploy.errors import UserError
    from deploy.proofs.check import check as verified
    from deploy.proofs.keys import read_keys
    from deploy.proofs.proof import ProofError, parse_proof

    keys = read_keys(key)
    try:
        proof = parse_proof(file.read_bytes())
        found = verified(proof, keys)
    except (FileNotFoundError, IsADirectoryError):
        raise UserError(f"there is no proof file {file}; make one: tidemark prove") from None
    except ProofError as error:
        raise UserError(f"{file} proves nothing: {error}") from None
    if as_json:
        terminal.show_json(_document(found))
        return
    event = found.event
    about = f", about {event.subject}" if event.subject else ""
    typer.echo(
        f"ok: event {found.shard}:{event.sequence}, a {event.kind}{about}, is in the log "
        f"{found.origin} of {found.size:,} events"
    )
    if found.record is not None:
        place = found.record
        offsets = (
            f"offset {place.first}"
            if place.first == place.last
            else (f"an offset from {place.first} to {place.last}")
        )
        typer.echo(
            f"ok: the record was read by {place.job} from {place.topic}, partition "
            f"{place.partition}, {offsets}"
        )
    for signed in found.signed:
        when = f" at {_utc(signed.time)}" if signed.time is not None else ""
        typer.echo(f"signed by {signed.key.name}{when}")


def _document(found: "Checked") -> dict[str, object]:
    from dataclasses import asdict

    event = found.event
    return {
        "ok": True,
        "origin": found.origin,
        "size": found.size,
        "shard": found.shard,
        "sequence": event.sequence,
        "kind": event.kind,
        "subject": event.subject,
        "event_time": event.time,
        "payload": event.payload.hex(),
        "record": asdict(found.record) if found.record else None,
        "signed": [{"name": one.key.name, "time": one.time} for one in found.signed],
    }


def _utc(seconds: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).isoformat()
