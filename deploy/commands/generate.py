"""generate: a seeded feed into Kafka, or into files."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

PANEL = "Data"
_EXAMPLES = """Examples:

tidemark generate trades --count 1000000 --rate 20000 --faults 0.01

tidemark generate payments --count 50000 --faults late=0.01,duplicate=0.002 --out day/ --json

tidemark generate payments --count 50000 --vault .tidemark/vault.sqlite

tidemark generate aml --count 100000 --days 30 --schemes smurfing=3,cycle=2,ring=1000

tidemark generate market --count 2000000 --burst 10 --bad 0.001 --history day/history.csv

tidemark generate exchange --count 100000 --mix hard --days 3 --rate 20000
"""


class Kind(StrEnum):
    """The feeds there are."""

    TRADES = "trades"
    PAYMENTS = "payments"
    AML = "aml"
    MARKET = "market"
    EXCHANGE = "exchange"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=PANEL, epilog=_EXAMPLES)(generate)


def generate(
    kind: Annotated[Kind, typer.Argument(help="What happens; all feeds that show it are written.")],
    count: Annotated[
        int, typer.Option(help="Trades or payments, about three records each; quotes; orders.")
    ] = 100_000,
    seed: Annotated[int, typer.Option(help="Same seed and options, same bytes.")] = 0,
    rate: Annotated[
        float | None, typer.Option(help="Records a second; if left out, all that is possible.")
    ] = None,
    partitions: Annotated[int | None, typer.Option(help="Partitions of each topic.")] = None,
    faults: Annotated[
        str, typer.Option(help="A share for all kinds, or KIND=SHARE,...; and idle=PARTITION.")
    ] = "0",
    day: Annotated[str, typer.Option("--date", help="First day of business.")] = "2026-03-02",
    days: Annotated[
        int | None,
        typer.Option(
            help="Days of business; 1 for trades, market, 3 for exchange, 7 payments, 30 aml."
        ),
    ] = None,
    lateness: Annotated[
        float, typer.Option(help="Seconds an event may be late and count as in time.")
    ] = 5.0,
    jitter: Annotated[float, typer.Option(help="Longest natural delay of events, seconds.")] = 0.0,
    brokers: Annotated[
        str | None, typer.Option(help="Kafka, HOST:PORT; this checkout's if left out.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write Parquet files here instead.")] = None,
    vault: Annotated[
        Path | None,
        typer.Option(help="Payments: send commitments; customers and accounts go into this vault."),
    ] = None,
    people: Annotated[
        int | None,
        typer.Option(help="Aml: ordinary people; as count and days suggest if left out."),
    ] = None,
    schemes: Annotated[
        str | None,
        typer.Option(
            help="Aml: share of laundering accounts, 0.001, or KIND=NUMBER,...,ring=1000."
        ),
    ] = None,
    bad: Annotated[
        float | None,
        typer.Option(help="Market: share of unsound quotes. Exchange: of refused messages."),
    ] = None,
    halted: Annotated[
        int | None,
        typer.Option(help="Market: instruments that stop halfway; their quotes go stale."),
    ] = None,
    burst: Annotated[
        float | None, typer.Option(help="Market: so many times as much from 12:00 to 12:10.")
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(help="Market: write the 750 days before here too, .parquet or CSV."),
    ] = None,
    mix: Annotated[
        str | None,
        typer.Option(
            help="Exchange: default, hard, unseen, practices, practices-unseen or honest."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write a seeded feed with business-time ticks, and with faults and their labels if asked for.

    Running it twice with one seed sends the same records twice: readers drop them as duplicates.
    """
    from deploy import terminal
    from deploy.generate import Order
    from deploy.generate import generate as carry_out
    from deploy.settings import Settings

    settings = Settings.load()
    order = Order(
        kind=kind.value,
        count=count,
        seed=seed,
        partitions=settings.partitions if partitions is None else partitions,
        faults=faults,
        first=day,
        days=days,
        lateness=lateness,
        jitter=jitter,
        rate=rate,
        vault=vault,
        people=people,
        schemes=schemes,
        bad=bad,
        halted=halted,
        burst=burst,
        history=history,
        mix=mix,
    )
    summary = carry_out(order, brokers or settings.brokers, out)
    if as_json:
        terminal.show_json(summary)
        return
    rows = [
        (topic, *(f"{row[name]:,}" for name in ("records", "used", "duplicates", "late")), dead)
        for topic, row in summary["topics"].items()
        for dead in [f"{sum(row['dead'].values()):,}"]
    ]
    terminal.show_table(["topic", "records", "used", "duplicates", "late", "dead"], rows)
    typer.echo(
        f"{summary['records']:,} records and {summary['ticks']:,} ticks to {summary['to']} in "
        f"{summary['seconds']:.1f} s: {summary['records_per_second']:,} records a second"
    )
