"""`tidemark customers`: what is known of a customer, and changes of it, each a record."""

from typing import Annotated, Literal

import typer

from deploy.options import Archive, Brokers, Json, Prefix

PANEL = "Compliance"
_CHANGE = """Examples:

tidemark customers change C-77 --rating HIGH --due-diligence ENHANCED --author ada
--reasons "Cash business, ownership not shown"

tidemark customers change C-78 --kind PERSON --name "Ada Lovelace" --country US --area US-NY
--zone America/New_York --opened 2026-03-02T00:00:00Z --identity PASSED --no-pep --rating LOW
--due-diligence STANDARD --author ada --reasons "New, salaried, identified in the branch"
"""

Customer = Annotated[str, typer.Argument(help="The customer's id, as owner in postings.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    customers = typer.Typer(help="What is known of customers (KYC).", no_args_is_help=True)
    customers.command("change", epilog=_CHANGE)(change)
    customers.command("show", epilog="Example: tidemark customers show C-77")(show)
    app.add_typer(customers, name="customers", rich_help_panel=PANEL)


def change(
    customer: Customer,
    author: Annotated[str, typer.Option(help="Who makes the change, by user id.")],
    reasons: Annotated[str, typer.Option(help="Why the customer is rated so, in words.")],
    rating: Annotated[
        Literal["LOW", "MEDIUM", "HIGH"] | None, typer.Option(help="Risk rating.")
    ] = None,
    due_diligence: Annotated[
        Literal["STANDARD", "ENHANCED"] | None, typer.Option(help="What applies.")
    ] = None,
    identity: Annotated[
        Literal["PENDING", "PASSED", "FAILED"] | None, typer.Option(help="Of the identity check.")
    ] = None,
    pep: Annotated[
        bool | None, typer.Option("--pep/--no-pep", help="Politically exposed person or not.")
    ] = None,
    kind: Annotated[Literal["PERSON", "BUSINESS"] | None, typer.Option(help="What it is.")] = None,
    name: Annotated[str | None, typer.Option(help="As identified.")] = None,
    country: Annotated[str | None, typer.Option(help="Of residence or seat, as US.")] = None,
    area: Annotated[str | None, typer.Option(help="Of residence or seat, as US-NY.")] = None,
    zone: Annotated[str | None, typer.Option(help="Time zone, as America/New_York.")] = None,
    industry: Annotated[str | None, typer.Option(help="Of a business.")] = None,
    opened: Annotated[
        str | None, typer.Option(help="When the first account was opened, with its zone.")
    ] = None,
    now: Annotated[
        str | None, typer.Option(help="Business time of it; that of the stream if left out.")
    ] = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """Change what is known of a customer; what is left out stays. Limits follow from then on.

    A new customer needs everything but area and industry.
    """
    from deploy.customers import changes, told
    from deploy.rules import ends
    from deploy.rules.clock import time_of

    asked = {
        "rating": rating,
        "due_diligence": due_diligence,
        "identity": identity,
        "pep": pep,
        "kind": kind,
        "name": name,
        "country": country,
        "area": area,
        "zone": zone,
        "industry": industry,
        "opened": None if opened is None else time_of("--opened", opened),
    }
    given = {field: value for field, value in asked.items() if value is not None}
    time = None if now is None else time_of("--now", now)
    with ends.opened(changes.TOPICS, brokers, prefix) as opened_ends:
        before, after = changes.change(opened_ends, customer, given, reasons, author, time)
    told.changed(before, after, as_json)


def show(
    customer: Customer,
    archive: Archive = None,
    brokers: Brokers = None,
    prefix: Prefix = "",
    as_json: Json = False,
) -> None:
    """What is known of a customer now, and each record of it with author and reasons."""
    from deploy.customers import told

    told.whole(told.read(customer, archive, brokers, prefix), as_json)
