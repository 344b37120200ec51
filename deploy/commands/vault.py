"""vault: personal values behind the commitments in the log, and their erasure."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from deploy.options import Json

PANEL = "Audit"
_COMMIT = """Examples:

tidemark vault commit C000001 account < account.txt

tidemark vault commit C000001 name --value 'Ada Lovelace'
"""
_ERASE = """Example:

tidemark vault erase C000001 --yes
"""

Where = Annotated[Path | None, typer.Option("--vault", help="The vault; vault.sqlite in the home.")]
Value = Annotated[str | None, typer.Option(help="The value; read from standard input if left out.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    vault = typer.Typer(
        help="Keep, open and erase what stands behind commitments.", no_args_is_help=True
    )
    vault.command("commit", epilog=_COMMIT)(commit)
    vault.command("open", epilog="Example: tidemark vault open c1:...")(open_)
    vault.command("check", epilog="Example: tidemark vault check c1:... --value 'Ada'")(check)
    vault.command("erase", epilog=_ERASE)(erase)
    app.add_typer(vault, name="vault", rich_help_panel=PANEL)


def commit(
    subject: Annotated[str, typer.Argument(help="Whose value it is, such as a customer number.")],
    field: Annotated[str, typer.Argument(help="What it is: owner, account, name, ...")],
    value: Value = None,
    vault: Where = None,
    as_json: Json = False,
) -> None:
    """Store a value and print its commitment; the same value gives the same one."""
    from deploy.erasure import Vault

    if value is None:
        value = sys.stdin.readline().rstrip("\n")
    if not (subject and field and value):
        from deploy.errors import UserError

        raise UserError("subject, field or value is empty; give all three")
    with Vault(_path(vault), make=True) as kept:
        (text,) = kept.commit([(subject, field, value)])
    _say({"commitment": text, "subject": subject, "field": field}, text, as_json)


def open_(
    commitment: Annotated[str, typer.Argument(help="As it stands in the log.")],
    vault: Where = None,
    as_json: Json = False,
) -> None:
    """Print the value behind a commitment, and whose it is."""
    import dataclasses

    from deploy.erasure import Vault

    with Vault(_path(vault)) as kept:
        opened = kept.open(commitment)
    line = f"{opened.field} of {opened.subject}: {opened.value}"
    _say(dataclasses.asdict(opened), line, as_json)


def check(
    commitment: Annotated[
        str | None, typer.Argument(help="As it stands in the log; left out, all are checked.")
    ] = None,
    value: Annotated[str | None, typer.Option(help="What it is said to stand for.")] = None,
    vault: Where = None,
    as_json: Json = False,
) -> None:
    """Compute commitments again from salts and values; exit code 1 if one is not what it was."""
    from deploy.erasure import Vault

    with Vault(_path(vault)) as kept:
        if commitment is not None:
            opened = kept.verify(commitment, value)
            said = {"commitment": commitment, "ok": True}
            _say(said, f"{commitment} stands for the {opened.field} of {opened.subject}", as_json)
            return
        counts, bad = kept.counts(), list(kept.damaged())
    words = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    line = f"{words}; damaged: {', '.join(bad[:5]) or 'none'}"
    _say({**counts, "damaged": bad}, line, as_json)
    if bad:
        raise typer.Exit(1)


def erase(
    subject: Annotated[str, typer.Argument(help="Whose values are to go.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    vault: Where = None,
    as_json: Json = False,
) -> None:
    """Remove a subject's salt and values for good; the log and its chain stay as they are."""
    from datetime import UTC, datetime

    from deploy.erasure import Vault

    if not yes:
        typer.confirm(f"Erase {subject} for good?", abort=True, err=True)
    with Vault(_path(vault)) as kept:
        gone = kept.erase(subject, datetime.now(UTC).date().isoformat())
    _say({"erased": gone}, f"{gone} values erased; copies and backups of the vault stay", as_json)


def _path(vault: Path | None) -> Path:
    from deploy.settings import Settings

    return vault or Settings.load().home / "vault.sqlite"


def _say(document: dict[str, object], line: str, as_json: bool) -> None:
    from deploy import terminal

    if as_json:
        terminal.show_json(document)
    else:
        typer.echo(line)
