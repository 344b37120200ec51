"""`tidemark bench`: how fast it is on this machine, beside others, against the bars."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deploy.bench import engine, netting
from deploy.bench.harness import Report
from deploy.errors import UserError
from deploy.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Print the results as JSON.")]
Out = Annotated[Path | None, typer.Option(help="Write them here, not to docs/bench/NAME.json.")]
Seed = Annotated[int, typer.Option(min=0, help="Of the generated load.")]

_ENGINE_HELP = """Keyed stateful work, Kafka to Kafka: our engine, its limit, with --peers others.

A broker and a cluster of its own are started in .tidemark/bench; the peers are installed there.

Examples:

  tidemark bench engine --peers

  tidemark bench engine --peers --only tidemark --only bytewax --quick
"""

_NETTING_HELP = """A netting cycle of 100,000 obligations, provenance included, without Flink.

Example:

  tidemark bench netting --repeats 5
"""


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    bench = typer.Typer(help="How fast it is on this machine.", no_args_is_help=True)
    bench.command("engine", help=_ENGINE_HELP)(engine_command)
    bench.command("netting", help=_NETTING_HELP)(netting_command)
    app.add_typer(bench, name="bench")


def engine_command(
    peers: Annotated[bool, typer.Option("--peers", help="Measure the peers too.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Only this system; repeatable.")] = None,
    events: Annotated[int, typer.Option(min=10_000, help="Events of a run.")] = 5_000_000,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each system.")] = 3,
    quick: Annotated[
        bool, typer.Option("--quick", help="A trial: 500,000 events, once, no growth.")
    ] = False,
    minutes: Annotated[float, typer.Option(min=5, help="The longest it may take.")] = 45,
    seed: Seed = 1,
    as_json: Json = False,
    out: Out = None,
) -> None:
    """Run the engine's bench."""
    unknown = [name for name in only or [] if name not in engine.NAMES]
    if unknown:
        raise UserError(f"there is no system {unknown[0]}; take of: {', '.join(engine.NAMES)}")
    options = engine.Options(
        events=min(events, 500_000) if quick else events,
        peers=peers,
        only=tuple(only or ()),
        repeats=1 if quick else repeats,
        growth=not quick,
        minutes=minutes,
        seed=seed,
    )
    console = Console(stderr=True)
    with console.status("starting") as status:

        def echo(line: str) -> None:
            console.log(line)
            status.update(line)

        report = engine.measure(Settings.load(), options, echo)
    _show(report, as_json, out)


def netting_command(
    repeats: Annotated[int, typer.Option(min=1, help="Runs; medians are shown.")] = 3,
    seed: Seed = 1,
    as_json: Json = False,
    out: Out = None,
) -> None:
    """Run the netting bench."""
    with Console(stderr=True).status(f"netting, {repeats} runs"):
        results = netting.run(seed, repeats)
    _show(Report("netting", seed, results), as_json, out)


def _show(report: Report, as_json: bool, out: Path | None) -> None:
    """Write the file, print the results."""
    path = report.write(out)
    if as_json:
        typer.echo(json.dumps(report.document(), indent=1))
    else:
        Console().print(report.table())
        Console(stderr=True).print(f"written to {path}")
