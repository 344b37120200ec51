"""up, down, status, logs: the services of this checkout."""

from typing import Annotated

import typer

PANEL = "Stack"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel=PANEL, epilog="Example: TIDEMARK_PORT_OFFSET=1000 tidemark up")(up)
    app.command(rich_help_panel=PANEL, epilog="Example: tidemark down")(down)
    app.command(rich_help_panel=PANEL, epilog="Example: tidemark status --json")(status)
    app.command(rich_help_panel=PANEL, epilog="Example: tidemark logs taskmanager-0 -f")(logs)


def up() -> None:
    """Start Kafka, Neo4j, Flink and the ticker; what runs already is left alone."""
    from deploy.settings import Settings
    from deploy.stack import Stack

    settings = Settings.load()
    Stack(settings).up(typer.echo)
    typer.echo(f"Neo4j: user neo4j, password in {settings.neo4j_password_file}")


def down() -> None:
    """Stop every service; data, savepoints and logs stay."""
    from deploy.settings import Settings
    from deploy.stack import Stack

    Stack(Settings.load()).down(typer.echo)


def status(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say which services and jobs run, and their memory; exit 1 if anything is amiss."""
    from deploy import terminal
    from deploy.settings import Settings
    from deploy.stack import Stack
    from deploy.status import job_rows

    stack = Stack(Settings.load())
    services, jobs = stack.status(), job_rows(stack.flink)
    good = all(one.trouble is None for one in services) and all(job.trouble is None for job in jobs)
    if as_json:
        terminal.show_json({"ok": good, "services": services, "jobs": jobs})
    else:
        cells = [
            (
                one.name,
                terminal.good_or_bad(one.trouble or "up", one.trouble is None),
                one.pid or "",
                f"{one.rss_mib} MiB" if one.pid else "",
                one.address,
            )
            for one in services
        ]
        terminal.show_table(["service", "state", "pid", "memory", "address"], cells)
        rows = [
            (job.name, terminal.good_or_bad(job.trouble or job.state, job.trouble is None), job.id)
            for job in jobs
        ]
        if rows:
            terminal.show_table(["job", "state", "id"], rows)
    raise typer.Exit(0 if good else 1)


def logs(
    service: Annotated[str, typer.Argument(help="A service, or submit-JOB.")],
    lines: Annotated[int, typer.Option("-n", "--lines", min=1, help="How many last lines.")] = 50,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as lines come.")] = False,
) -> None:
    """Print the end of a service's log."""
    from deploy import logs as log_files
    from deploy.settings import Settings

    path = log_files.find(Settings.load().logs, service)
    for line in log_files.tail(path, lines):
        typer.echo(line)
    if follow:
        for line in log_files.follow(path):
            typer.echo(line)
