"""`tidemark bench`: how fast it is on this machine, beside others, against the bars."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.options import Json

if TYPE_CHECKING:
    from deploy.bench.harness import Report

PANEL = "Proof"
_ENGINE_EXAMPLES = """Examples:

tidemark bench engine --peers

tidemark bench engine --peers --only tidemark --only bytewax --quick
"""
_NETTING_EXAMPLES = """Example:

tidemark bench netting --repeats 5
"""

_TRACE_EXAMPLES = """Example:

tidemark bench trace --events 1000000
"""

_LOG_EXAMPLES = """Example:

tidemark bench log --events 200000
"""

_REPORT_EXAMPLES = """Example:

tidemark bench report --events 1000000
"""

_AML_EXAMPLES = """Example:

tidemark bench aml --payments 500000
"""

_ABUSE_EXAMPLES = """Examples:

tidemark bench abuse --numbers --orders 20000

tidemark bench abuse --events 500000 --core-hour 0.06
"""

_MOTIFS_EXAMPLES = """Example:

tidemark bench motifs --payments 300000
"""

_SCORING_EXAMPLES = """Example:

tidemark bench scoring --customers 500
"""

_SCREENING_EXAMPLES = """Example:

tidemark bench screening --names 5000
"""

_GRAPH_EXAMPLES = """Example:

tidemark bench graph --edges 1000000
"""

_RISK_EXAMPLES = """Examples:

tidemark bench risk --numbers

tidemark bench risk --ticks 1000000
"""

_MATCHING_EXAMPLES = """Example:

tidemark bench matching --commands 200000
"""

Out = Annotated[Path | None, typer.Option(help="Write there, not to docs/bench/NAME.json.")]
Seed = Annotated[int, typer.Option(min=0, help="Of the generated load.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    bench = typer.Typer(help="Measure how fast it is on this machine.", no_args_is_help=True)
    bench.command("engine", epilog=_ENGINE_EXAMPLES)(engine)
    bench.command("netting", epilog=_NETTING_EXAMPLES)(netting)
    bench.command("trace", epilog=_TRACE_EXAMPLES)(trace)
    bench.command("log", epilog=_LOG_EXAMPLES)(log)
    bench.command("report", epilog=_REPORT_EXAMPLES)(report)
    bench.command("aml", epilog=_AML_EXAMPLES)(aml)
    bench.command("abuse", epilog=_ABUSE_EXAMPLES)(abuse)
    bench.command("motifs", epilog=_MOTIFS_EXAMPLES)(motifs)
    bench.command("scoring", epilog=_SCORING_EXAMPLES)(scoring)
    bench.command("screening", epilog=_SCREENING_EXAMPLES)(screening)
    bench.command("graph", epilog=_GRAPH_EXAMPLES)(graph)
    bench.command("risk", epilog=_RISK_EXAMPLES)(risk)
    bench.command("matching", epilog=_MATCHING_EXAMPLES)(matching)
    app.add_typer(bench, name="bench", rich_help_panel=PANEL)


def engine(
    peers: Annotated[bool, typer.Option("--peers", help="Measure the peers too.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="A system; repeatable.")] = None,
    events: Annotated[int, typer.Option(min=500_000, help="Events of a run.")] = 5_000_000,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each system.")] = 3,
    quick: Annotated[bool, typer.Option("--quick", help="1,000,000 events, once.")] = False,
    minutes: Annotated[float, typer.Option(min=5, help="The longest it may take.")] = 45,
    seed: Seed = 1,
    as_json: Json = False,
    out: Out = None,
) -> None:
    """Keyed stateful work from Kafka to Kafka: our engine, its limit, and with --peers others.

    A broker and a cluster of its own run in .tidemark/bench; peers are installed there.

    What is measured, and how the others are written, stands in docs/bench/engine.md.
    """
    from deploy.bench import engine as bench
    from deploy.errors import UserError
    from deploy.settings import Settings

    unknown = [name for name in only or [] if name not in bench.NAMES]
    if unknown:
        raise UserError(f"there is no system {unknown[0]}; take of: {', '.join(bench.NAMES)}")
    options = bench.Options(
        events=1_000_000 if quick else events,
        peers=peers,
        only=tuple(only or ()),
        repeats=1 if quick else repeats,
        growth=not quick,
        minutes=minutes,
        seed=seed,
    )
    with _told("starting") as echo:
        report = bench.measure(Settings.load(), options, echo)
    _show(report, as_json, out)


def netting(
    repeats: Annotated[int, typer.Option(min=1, help="Runs; medians are shown.")] = 3,
    seed: Seed = 1,
    as_json: Json = False,
    out: Out = None,
) -> None:
    """A netting cycle of 100,000 obligations, provenance included, without Flink."""
    from deploy.bench import netting as bench
    from deploy.bench.harness import Report

    with _told(f"netting, {repeats} runs"):
        results = bench.run(seed, repeats)
    _show(Report("netting", seed, results), as_json, out)


def trace(
    events: Annotated[int, typer.Option(min=1_024, help="Events of the log.")] = 10_000_000,
    repeats: Annotated[int, typer.Option(min=1, help="Questions of each kind.")] = 20,
    seed: Seed = 1,
    as_json: Json = False,
    out: Out = None,
) -> None:
    """Index a long regulatory log and trace results back and records forward, without Kafka."""
    from deploy.bench import trace as bench
    from deploy.bench.harness import Report

    with _told(f"trace over {events:,} events") as echo:
        results = bench.run(seed, events, repeats, echo)
    _show(Report("trace", seed, results), as_json, out)


def log(
    events: Annotated[int, typer.Option(min=20_000, help="Events of the log.")] = 1_000_000,
    repeats: Annotated[int, typer.Option(min=1, help="Runs; medians are shown.")] = 3,
    proofs: Annotated[int, typer.Option(min=100, help="Events that are proven.")] = 500,
    seed: Seed = 1,
    as_json: Json = False,
    out: Out = None,
) -> None:
    """Sign, prove and verify a regulatory log: chain, tree and files, without Kafka."""
    from deploy.bench import log as bench
    from deploy.bench.harness import Report
    from deploy.settings import Settings

    with _told(f"log of {events:,} events") as echo:
        results = bench.run(seed, events, repeats, proofs, Settings.load().run, echo)
    _show(Report("log", seed, results), as_json, out)


def report(
    events: Annotated[int, typer.Option(min=1_024, help="Events of the log.")] = 10_000_000,
    seed: Seed = 1,
    as_json: Json = False,
    out: Out = None,
) -> None:
    """Write reports over a long regulatory log in an archive, each in a process of its own."""
    from deploy.bench import report as bench
    from deploy.bench.harness import Report
    from deploy.settings import Settings

    with _told(f"reports over {events:,} events") as echo:
        results = bench.run(seed, events, Settings.load().home / "bench" / "report", echo)
    _show(Report("report", seed, results), as_json, out)


def aml(
    payments: Annotated[int, typer.Option(min=400_000, help="Payments of a run.")] = 1_500_000,
    seed: Seed = 1,
    as_json: Json = False,
    out: Out = None,
) -> None:
    """Postings through all rules on a broker and cluster of their own: rate, latency, growth."""
    from deploy.bench import aml as bench
    from deploy.bench.harness import Report
    from deploy.settings import Settings

    with _told("starting") as echo:
        results = bench.run(Settings.load(), seed, payments, echo)
    _show(Report("aml", seed, results), as_json, out)


def motifs(
    payments: Annotated[int, typer.Option(min=100_000, help="Payments of each bank.")] = 1_000_000,
    seed: Seed = 1,
    as_json: Json = False,
    out: Out = None,
) -> None:
    """Shapes among transfers on one core: rate, and state at ten times the accounts."""
    from deploy.bench import motifs as bench
    from deploy.bench.harness import Report

    with _told("motifs") as echo:
        results = bench.run(seed, payments, echo)
    _show(Report("motifs", seed, results), as_json, out)


def abuse(
    orders: Annotated[int, typer.Option(min=5_000, help="Orders in one process.")] = 100_000,
    model: Annotated[str, typer.Option(help="In one process; the champion otherwise.")] = "",
    events: Annotated[
        int, typer.Option(min=200_000, help="Order events on the stack; half as many orders.")
    ] = 1_000_000,
    core_hour: Annotated[
        float | None, typer.Option(min=0, help="Price of a core for an hour, USD; 0.0425.")
    ] = None,
    numbers: Annotated[
        bool, typer.Option("--numbers", help="No stack: one process alone.")
    ] = False,
    seed: Seed = 1,
    as_json: Json = False,
    out: Out = None,
) -> None:
    """Surveillance of order events and matching: cost, rate, time to an alert, price of a month.

    In one process first; then on a broker and cluster of their own. The price of a core is what a
    vCPU of a general server costs on demand (deploy.bench.abuse.CORE_HOUR).
    """
    from deploy.bench import abuse as bench
    from deploy.bench import abuse_stack
    from deploy.bench.harness import Report
    from deploy.evaluate.abuse_model import named
    from deploy.settings import Settings

    price = bench.CORE_HOUR if core_hour is None else core_hour
    with _told(f"surveillance of {orders:,} orders") as echo:
        results = bench.run(seed, orders, named(model), price)
        if not numbers:
            asked = abuse_stack.Asked(seed, events, events // 2, price)
            results += abuse_stack.run(Settings.load(), asked, echo)
    _show(Report("abuse", seed, results), as_json, out)


def scoring(
    customers: Annotated[int, typer.Option(min=10, help="Customers scored alone.")] = 300,
    seed: Seed = 1,
    as_json: Json = False,
    out: Out = None,
) -> None:
    """Score customers by the model that ships: features, both models, peer group, reasons."""
    from deploy.bench import scoring as bench
    from deploy.bench.harness import Report

    with _told(f"scoring of {customers:,} customers"):
        results = bench.run(seed, customers)
    _show(Report("scoring", seed, results), as_json, out)


def screening(
    names: Annotated[int, typer.Option(min=100, help="Names to screen.")] = 5_000,
    seed: Seed = 1,
    as_json: Json = False,
    out: Out = None,
) -> None:
    """Screen names against a list of 20,000 entries on one core, and judge labelled pairs."""
    from deploy.bench import screening as bench
    from deploy.bench.harness import Report
    from deploy.screening import evaluate

    with _told(f"screening of {names:,} names") as echo:
        results = bench.run(seed, names)
        echo("labelled pairs, against the synthetic list and among 20,000 entries")
        results += evaluate.run(None, bench.ENTRIES)
    _show(Report("screening", seed, results), as_json, out)


def graph(
    edges: Annotated[int, typer.Option(min=1_000, help="Links of the graph.")] = 1_000_000,
    queries: Annotated[int, typer.Option(min=2, help="Questions.")] = 200,
    seed: Seed = 1,
    as_json: Json = False,
    out: Out = None,
) -> None:
    """Ways of three steps between customers in a Neo4j of its own, and ring search."""
    from deploy.bench import graph as bench
    from deploy.bench.harness import Report
    from deploy.settings import Settings

    with _told(f"graph of {edges:,} links") as echo:
        results = bench.run(Settings.load(), seed, edges, queries, echo)
    _show(Report("graph", seed, results), as_json, out)


def risk(
    ticks: Annotated[
        int, typer.Option(min=100_000, help="Quotes and trades of a run.")
    ] = 2_000_000,
    repeats: Annotated[int, typer.Option(min=1, help="Of each number; medians are shown.")] = 15,
    numbers: Annotated[bool, typer.Option("--numbers", help="No stack: numbers alone.")] = False,
    seed: Seed = 1,
    as_json: Json = False,
    out: Out = None,
) -> None:
    """VaR, ES, stresses and Greeks; ticks through marks and risk on a stack of their own."""
    from deploy.bench import risk as bench
    from deploy.bench.harness import Report
    from deploy.settings import Settings

    with _told("risk") as echo:
        results = bench.run(Settings.load(), seed, ticks, repeats, numbers, echo)
    _show(Report("risk", seed, results), as_json, out)


def matching(
    commands: Annotated[int, typer.Option(min=10_000, help="Commands of the flow.")] = 200_000,
    seed: Seed = 1,
    as_json: Json = False,
    out: Out = None,
) -> None:
    """Orders through the books on one core: alone, as a step, from messages to messages."""
    from deploy.bench import matching as bench
    from deploy.bench.harness import Report

    with _told(f"{commands:,} commands"):
        results = bench.run(seed, commands)
    _show(Report("matching", seed, results), as_json, out)


@contextmanager
def _told(first: str) -> Iterator[Callable[[str], None]]:
    """Something to tell progress with: each line stays, the last one beside a spinner."""
    from rich.console import Console

    console = Console(stderr=True, log_path=False)
    with console.status(first) as status:

        def echo(line: str) -> None:
            console.log(line, markup=False, highlight=False)
            status.update(line)

        yield echo


def _show(report: "Report", as_json: bool, out: Path | None) -> None:
    """Write the file, print the results."""
    from deploy import terminal

    path = report.write(out)
    if as_json:
        terminal.show_json(report.document())
        return
    terminal.show_table(("what", "value", "unit", "bar", "met"), report.rows())
    typer.echo(f"written to {path}", err=True)
