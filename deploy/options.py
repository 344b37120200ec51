"""Options that several commands have, with one meaning: imported for --help, so nothing heavy."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Archive = Annotated[
    Path | None, typer.Option("--file", help="Read an archive that export wrote, not Kafka.")
]
Brokers = Annotated[str | None, typer.Option(help="Kafka, HOST:PORT; this checkout's if left out.")]
Prefix = Annotated[str, typer.Option(help="What the topics' names have before them.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

ReportFolder = Annotated[Path, typer.Option(help="Folder for the report; new or empty.")]
Day = Annotated[str | None, typer.Option(help="A day UTC, as in 2026-03-02; all time without.")]
Clock = Annotated[
    Literal["log", "business"],
    typer.Option(help="What the day is of: when events were logged, or what they say."),
]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes; one a core if left out.")]
