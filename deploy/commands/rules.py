"""`tidemark rules`: rule sets written, compared, signed and put into the stream."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.options import Archive, Brokers, Json, Prefix

PANEL = "Compliance"
_PUBLISH = """Examples:

tidemark rules publish rules.yaml --key rules.pem --effective 2026-03-02T12:00:00Z
--author ada --approver bob --reason "Lower limit for structuring"

tidemark rules publish try.yaml --key rules.pem --effective 2026-03-02T12:00:00Z
--author ada --reason "Quarterly tuning" --shadow
"""
_SHOW = """Examples:

tidemark rules show

tidemark rules show live > rules.yaml
"""
_DIFF = """Examples:

tidemark rules diff live rules.yaml

tidemark rules diff 3 4 --json
"""
_END = """Example:

tidemark rules end-shadow --key rules.pem --effective 2026-03-09T00:00:00Z
--author ada --reason "Trial is over"
"""

Private = Annotated[Path, typer.Option("--key", help="Private key, PEM; see: tidemark rules key.")]
Effective = Annotated[
    str, typer.Option(help="Business time from which on it applies, as 2026-03-02T12:00:00Z.")
]
Author = Annotated[str, typer.Option(help="Who publishes it, by user id.")]
Approver = Annotated[str, typer.Option(help="Who approved it, by user id; not the author.")]
Reason = Annotated[str, typer.Option(help="Why, in words.")]
Epoch = Annotated[int | None, typer.Option(help="Its number; one above the last if left out.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    rules = typer.Typer(help="Write, compare and publish rule sets.", no_args_is_help=True)
    rules.command("publish", epilog=_PUBLISH)(publish)
    rules.command("show", epilog=_SHOW)(show)
    rules.command("check", epilog="Example: tidemark rules check rules.yaml")(check)
    rules.command("diff", epilog=_DIFF)(diff)
    rules.command("end-shadow", epilog=_END)(end_shadow)
    rules.command("key", epilog="Example: tidemark rules key .tidemark/keys/rules.pem")(key)
    app.add_typer(rules, name="rules", rich_help_panel=PANEL)


def publish(
    file: Annotated[Path, typer.Argument(help="The rule set, YAML.")],
    private: Private,
    effective: Effective,
    author: Author,
    reason: Reason,
    approver: Approver = "",
    epoch: Epoch = None,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Let it run beside the live one; alerts.shadow.")
    ] = False,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Sign a rule set and put it into the stream, from a business time to come on.

    It goes to every partition, and as a control change into the log. All of it is refused, or none.
    """
    from deploy.rules import written
    from deploy.rules.known import known
    from deploy.rules.published import LIVE, SHADOW
    from udfs.aml.ruleset import canonical

    body = canonical(written.read(file, known()))
    mode = SHADOW if shadow else LIVE
    said = {"body": body, "mode": mode, "author": author, "approver": approver, "reason": reason}
    _publish(said, private, effective, epoch, brokers, prefix, as_json)


def end_shadow(
    private: Private,
    effective: Effective,
    author: Author,
    reason: Reason,
    approver: Approver = "",
    epoch: Epoch = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """End the shadow rule set, from a business time to come on; the live one stays."""
    from deploy.rules.published import SHADOW_END

    said = {"body": "", "mode": SHADOW_END, "author": author, "approver": approver}
    _publish({**said, "reason": reason}, private, effective, epoch, brokers, prefix, as_json)


def show(
    which: Annotated[
        str | None, typer.Argument(help="live, shadow, default, an epoch or a hash: its rules.")
    ] = None,
    public: Annotated[
        list[Path] | None, typer.Option("--key", help="Public key (.pub): is it signed with it?")
    ] = None,
    archive: Archive = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """The rule sets that were published; or one of them, as a file that can be published again."""
    from deploy import terminal
    from deploy.proofs.keys import read_keys
    from deploy.rules import asked, written

    if which is not None:
        rules = asked.tables(which, archive, brokers, prefix)
        if as_json:
            terminal.show_json(rules)
        else:
            typer.echo(written.text(rules), nl=False)
        return
    keys = [one.octets for one in read_keys(public)] if public else None
    rows = [asked.row(one, keys) for one in asked.sets(archive, brokers, prefix)]
    if as_json:
        terminal.show_json(rows)
        return
    terminal.show_table(
        ("epoch", "mode", "from", "hash", "author", "approver", "partitions", "signature"),
        [[*(row | {"hash": row["hash"][:12]}).values()] for row in rows],
    )


def check(
    file: Annotated[Path, typer.Argument(help="The rule set, YAML.")], as_json: Json = False
) -> None:
    """Whether a file is a rule set, and the hash under which it would decide."""
    from deploy import terminal
    from deploy.rules import written
    from deploy.rules.known import known
    from schemas.money import EXPONENTS
    from udfs.aml.ruleset import canonical, digest
    from udfs.motifs.params import COMMON, MOTIFS

    rules = written.read(file, known())
    running = [name for name, params in rules.rules.items() if params.enabled]
    unlisted = sorted(known().keys() - rules.rules.keys())
    motifs = sorted(MOTIFS.keys() - {COMMON} - rules.motifs.keys())
    without_rate = sorted(EXPONENTS.keys() - rules.rates.keys())
    said = {
        "hash": digest(canonical(rules)),
        "running": running,
        "off": sorted(rules.rules.keys() - set(running)),
        "unlisted": unlisted,
        "unlisted_motifs": motifs,
        "without_rate": without_rate,
    }
    if as_json:
        terminal.show_json(said)
        return
    typer.echo(f"{file} is a rule set: {said['hash']}")
    typer.echo(f"{len(running)} rules run; not listed: {', '.join(unlisted) or 'none'}")
    typer.echo(f"motifs that are not listed, and so not looked for: {', '.join(motifs) or 'none'}")
    typer.echo(f"{len(without_rate)} currencies have no rate and count by the greatest one")


def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A file, live, an epoch, a hash.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The same, to compare with.")],
    archive: Archive = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Which rules, bands and weights differ between two rule sets."""
    from deploy import terminal
    from deploy.rules import asked
    from deploy.rules.differences import differences

    sets = [asked.tables(one, archive, brokers, prefix) for one in (before, after)]
    found = differences(*sets)
    if as_json:
        terminal.show_json(found)
        return
    rows = [(one.what, *(_or_none(v) for v in (one.before, one.after))) for one in found]
    terminal.show_table(("what", before, after), rows)


def key(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A new file, NAME.pem.")],
) -> None:
    """Make a key to publish with: private (mode 600), and public beside it as NAME.pub."""
    from deploy.errors import UserError
    from deploy.proofs.keys import open_or_make
    from udfs.aml.trust import key_id

    if path.exists():
        raise UserError(f"{path} is there already; name a new file")
    if path.suffix != ".pem":
        raise UserError(f"{path}: name it with .pem, its public key gets .pub")
    made = open_or_make(path, [f"tidemark.local/{path.stem}"])
    typer.echo(f"{path} and {path.with_suffix('.pub')}, key {key_id(made.public('').octets)}")


def _publish(
    said: dict[str, str],
    private: Path,
    effective: str,
    epoch: int | None,
    brokers: str | None,
    prefix: str,
    as_json: bool,
) -> None:
    from deploy import terminal
    from deploy.errors import UserError
    from deploy.proofs.keys import SigningKey
    from deploy.rules import asked, ends
    from deploy.rules.clock import time_of
    from deploy.rules.publishing import TOPICS, Order
    from deploy.rules.publishing import publish as carry_out

    order = Order(effective=time_of("--effective", effective), epoch=epoch, **said)
    if not private.exists():
        raise UserError(f"there is no key {private}; make one: tidemark rules key {private}")
    signing = SigningKey.load(private)
    with ends.opened(TOPICS, brokers, prefix) as opened:
        done = asked.row(carry_out(opened, order, signing), None)
    if as_json:
        terminal.show_json(done)
    else:
        typer.echo(
            f"epoch {done['epoch']}, {done['mode']}: {done['hash']} from {done['effective']} on, "
            f"in {done['partitions']} partitions"
        )


def _or_none(value: str | None) -> str:
    return "-" if value is None else value
