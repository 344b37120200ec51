"""notary, witness: who signs what the regulatory log holds, and who watches the one who signs."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from deploy.options import Archive, Brokers, Prefix

PANEL = "Proof"
_NOTARY = """Examples:

tidemark notary --interval 10

tidemark notary --once --file audit/2026-03-02
"""
_WITNESS = """Examples:

tidemark witness --key .tidemark/keys/notary.pub --once

tidemark witness --key notary.pub --notary /mnt/notary --name audit.example/w1 --interval 60
"""

Folder = Annotated[
    Path | None, typer.Option("--notary", help="The notary's folder; in the home if left out.")
]
Interval = Annotated[float, typer.Option(min=0.05, help="Seconds from one checkpoint to the next.")]
Once = Annotated[bool, typer.Option("--once", help="One pass, then end.")]
Json = Annotated[bool, typer.Option("--json", help="Print a line of JSON after each pass.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel=PANEL, epilog=_NOTARY)(notary)
    app.command(rich_help_panel=PANEL, epilog=_WITNESS)(witness)


def notary(
    interval: Interval = 10.0,
    once: Once = False,
    folder: Folder = None,
    key: Annotated[
        Path | None, typer.Option(help="Private key, PEM; keys/notary.pem in the home, made once.")
    ] = None,
    partitions: Annotated[
        int | None, typer.Option(min=1, help="Of the topic; the setting if left out.")
    ] = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    file: Archive = None,
    as_json: Json = False,
) -> None:
    """Check the log as it grows, keep its Merkle trees, and sign their heads.

    It may be stopped or killed at any moment. It ends with code 1 at the first event that does not
    fit, or if the log is not what it signed before.
    """
    import json

    from deploy.proofs.checkpoint import origin_of
    from deploy.proofs.files import locked
    from deploy.proofs.keys import open_or_make
    from deploy.proofs.notary import Notary
    from deploy.settings import Settings
    from deploy.verification import Place

    settings = Settings.load()
    place = Place(brokers or settings.brokers, prefix, file)
    count = partitions or place.partitions(settings.partitions)
    path, origin = folder or settings.notary, settings.origin
    names = [origin, *(origin_of(origin, shard) for shard in range(count))]
    with locked(path, "notary"), place.opened() as source:
        signing = open_or_make(key or settings.keys / "notary.pem", names)
        at_work = Notary(path, origin, count, signing)

        def step() -> None:
            new = at_work.run(source, _echo)
            if as_json:
                sizes = {one.origin: one.state.size for one in at_work.shards}
                typer.echo(json.dumps({"new": new, "signed": sizes}))

        _repeat(step, None if once else interval)


def witness(
    key: Annotated[
        list[Path], typer.Option(help="The notary's public keys, notary.pub; repeatable.")
    ],
    interval: Interval = 60.0,
    once: Once = False,
    folder: Folder = None,
    name: Annotated[str, typer.Option(help="By which name it signs.")] = "tidemark.local/witness",
    private: Annotated[
        Path | None, typer.Option(help="Its own key; keys/witness.pem in the home, made once.")
    ] = None,
    memory: Annotated[
        Path | None, typer.Option(help="Where it remembers what it saw; in the home if left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Cosign the notary's newest checkpoints, if they grew out of those cosigned before.

    Only the notary's folder and public key are needed, not the log. The cosignature is added to the
    kept checkpoint in the notary's folder.
    """
    import json
    from dataclasses import asdict

    from deploy.proofs.files import locked
    from deploy.proofs.keys import open_or_make, read_keys
    from deploy.proofs.witness import Witness
    from deploy.settings import Settings
    from schemas.notes import COSIGNATURE

    settings = Settings.load()
    keys = read_keys(key)
    remembered = memory or settings.witness
    with locked(remembered, "witness"):
        own = open_or_make(private or settings.keys / "witness.pem", [name], COSIGNATURE)
        at_work = Witness(remembered, name, own, keys)

        def step() -> None:
            done = at_work.run(folder or settings.notary, int(time.time()))
            if as_json:
                typer.echo(json.dumps([asdict(one) for one in done]))
                return
            for one in done:
                _echo(f"{one.origin}: {one.size:,} events cosigned, {one.before:,} before")

        _repeat(step, None if once else interval)


def _repeat(step: Callable[[], None], interval: float | None) -> None:
    """Take a step at each interval, as long as it takes; without one, a single step."""
    while True:
        began = time.monotonic()
        step()
        if interval is None:
            return
        time.sleep(max(0.0, began + interval - time.monotonic()))


def _echo(line: str) -> None:
    typer.echo(line, err=True)
