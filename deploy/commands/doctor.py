"""doctor: what is wrong with this checkout or its stack, and the mend."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Stack", epilog="Example: tidemark doctor")(doctor)


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check the machine, the services, topics, jobs and stray processes; exit 1 on problems."""
    from deploy import examine, terminal
    from deploy.settings import Settings

    findings = examine.examine(Settings.load())
    if as_json:
        terminal.show_json(findings)
    else:
        rows = [
            (terminal.good_or_bad(one.grade, one.grade != "problem"), one.subject, one.told)
            for one in findings
        ]
        terminal.show_table(["", "", ""], rows)
    raise typer.Exit(1 if any(one.grade == "problem" for one in findings) else 0)
