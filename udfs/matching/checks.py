"""What a venue looks at before it takes an order: sound numbers, phase, kill switch, limits."""

from collections.abc import Container, Mapping
from typing import NamedTuple

from udfs.matching.messages import (
    BUY,
    CALLS,
    CLOSED,
    OPENING_CALL,
    Command,
    Refused,
)

MILLION = 1_000_000
ALL = "*"
MOST_PARTS = 1_000
"""Parts an iceberg may have, so that one order cannot cause events without end."""


class Limits(NamedTuple):
    """Limits of a scope; 0: none."""

    max_quantity: int
    max_notional: int
    collar_ppm: int


def unsound(command: Command, tick: int) -> Refused | None:
    """What is wrong with the numbers of a new or replacing order; None if nothing is.

    Prices are positive: 0 means that there is none.
    """
    if command.quantity <= 0:
        return Refused("BAD_QUANTITY", f"{command.quantity} pieces")
    if command.display_quantity > command.quantity:
        return Refused("BAD_QUANTITY", f"shows {command.display_quantity} of {command.quantity}")
    if command.display_quantity * MOST_PARTS < command.quantity and command.display_quantity:
        return Refused("BAD_QUANTITY", f"shows {command.display_quantity} of {command.quantity}")
    kind = command.kind
    for price, wanted, name in (
        (command.price, kind in ("LIMIT", "STOP_LIMIT"), "limit"),
        (command.stop_price, kind in ("STOP", "STOP_LIMIT"), "stop price"),
    ):
        if (price > 0) != wanted or price < 0:
            return Refused("BAD_PRICE", f"{name} {price} of a {kind} order")
        if price % tick:
            return Refused("OFF_TICK", f"{name} {price}, tick {tick}")
    return None


def out_of_phase(command: Command, phase: str) -> Refused | None:
    """Why a new order cannot be taken in a phase; None if it can."""
    tif = command.time_in_force
    if phase == CLOSED:
        return Refused("CLOSED", "the book is closed")
    if tif in ("IOC", "FOK") and phase in CALLS:
        return Refused("PHASE", f"{tif} in {phase}")
    if tif == "AT_OPEN" and phase != OPENING_CALL:
        return Refused("PHASE", f"{tif} in {phase}")
    if tif in ("AT_OPEN", "AT_CLOSE") and command.stop_price:
        return Refused("BAD_KIND", f"{command.kind} {tif}")
    return None


def scopes(command: Command) -> tuple[str, str, str, str]:
    """What limits and the kill switch know an order by."""
    return command.member, command.owner, command.trader, ALL


def killed(command: Command, off: Container[str]) -> Refused | None:
    """Whether the kill switch is on for a new order."""
    for scope in scopes(command):
        if scope in off:
            return Refused("KILL", f"kill switch of {scope}")
    return None


def over(command: Command, limits: Mapping[str, Limits], last: int) -> Refused | None:
    """The limit that an order breaks; None if none.

    A collar looks at limits only, to buy above and to sell below the last price. An order without a
    limit is worth its pieces at the last price.

    Args:
        command: The order as it would be.
        limits: By scope.
        last: Last price, else the reference price; 0 if there is neither: no collar then.
    """
    for scope in scopes(command):
        limit = limits.get(scope)
        if limit is None:
            continue
        price = command.price or command.stop_price or last
        if limit.max_quantity and command.quantity > limit.max_quantity:
            return Refused("LIMIT_QUANTITY", f"{command.quantity}, {scope} {limit.max_quantity}")
        if limit.max_notional and command.quantity * price > limit.max_notional:
            found = command.quantity * price
            return Refused("LIMIT_NOTIONAL", f"{found}, {scope} {limit.max_notional}")
        beyond = command.price - last if command.side == BUY else last - command.price
        collared = limit.collar_ppm and last and command.price
        if collared and beyond * MILLION > limit.collar_ppm * last:
            detail = f"{command.price}, last {last}, {scope} {limit.collar_ppm} ppm"
            return Refused("COLLAR", detail)
    return None
