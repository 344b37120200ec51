"""submit, jobs, stop: Flink jobs."""

from pathlib import Path
from typing import Annotated

import typer

PANEL = "Jobs"
_SUBMIT = """Examples:

tidemark submit netting -p 2 -o slice-ms=1000

tidemark submit matching -p 2

tidemark submit aml --rule-keys .tidemark/keys/rules.pub
"""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel=PANEL, epilog=_SUBMIT)(submit)
    app.command(rich_help_panel=PANEL, epilog="Example: tidemark jobs --all --json")(jobs)
    app.command(rich_help_panel=PANEL, epilog="Example: tidemark stop netting")(stop)


def submit(
    job: Annotated[str, typer.Argument(help="A module of jobs/, such as netting.")],
    parallelism: Annotated[
        int | None,
        typer.Option("-p", "--parallelism", help="At most the partitions, which is the default."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("-o", "--option", help="key=value for the job; key=true for a flag."),
    ] = None,
    savepoint: Annotated[
        str | None,
        typer.Option("-s", "--savepoint", help="Go on from a savepoint that stop has left."),
    ] = None,
    rule_keys: Annotated[
        list[Path] | None,
        typer.Option("--rule-keys", help="Public keys (.pub) whose rule sets count."),
    ] = None,
) -> None:
    """Start a job, print its id, and wait until all of it runs."""
    from deploy.errors import UserError
    from deploy.flink import Flink
    from deploy.rules.trusted import keys_text
    from deploy.settings import Settings
    from jobs.catalogue import RULED

    options = dict(_pair(text) for text in option or [])
    if rule_keys:
        if job not in RULED:
            raise UserError(f"{job} takes no rule sets; leave --rule-keys out")
        options["rule-keys"] = keys_text(rule_keys)
    settings = Settings.load()
    flink = Flink(settings)
    job_id = flink.submit(job, parallelism or settings.partitions, options, savepoint)
    typer.echo(job_id)
    flink.wait_for(job_id, "RUNNING")


def jobs(
    everything: Annotated[bool, typer.Option("--all", help="Ended jobs too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the jobs Flink knows, newest first."""
    from deploy import terminal
    from deploy.flink import Flink
    from deploy.settings import Settings

    rows = [job for job in Flink(Settings.load()).jobs() if everything or job.alive]
    if as_json:
        terminal.show_json(rows)
    elif rows:
        cells = [(job.name, job.state, f"{job.duration / 1000:.0f} s", job.id) for job in rows]
        terminal.show_table(["job", "state", "for", "id"], cells)
    else:
        typer.echo("no jobs; start one with: tidemark submit netting")


def stop(
    job: Annotated[str, typer.Argument(help="The job's name or id.")],
    cancel: Annotated[bool, typer.Option("--cancel", help="Without a savepoint.")] = False,
) -> None:
    """Stop a job after a savepoint and print the savepoint's path, for submit -s."""
    from deploy.flink import Flink
    from deploy.settings import Settings

    flink = Flink(Settings.load())
    found = flink.rest.find(job)
    if cancel:
        flink.cancel(found.id)
    else:
        typer.echo(flink.stop_with_savepoint(found.id))


def _pair(text: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise typer.BadParameter(f"{text!r} is not key=value", param_hint="--option")
    return key, {"true": True, "false": False}.get(value, value)
