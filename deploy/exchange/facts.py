"""What a simulated market looks like: the stylised facts that real ones show, measured.

Literature: Cont 2001, "Empirical properties of asset returns" (fat tails, no autocorrelation of
returns, slowly decaying autocorrelation of their size); SEC 2013 market structure data (more than
nine in ten orders are cancelled).
"""

from collections.abc import Mapping

import numpy as np
import polars as pl

from connectors.generators.arrays import Floats
from deploy.bench.harness import Result
from deploy.exchange.calendar import MINUTE
from deploy.exchange.simulate import Simulated

_BAR = 5 * MINUTE
_MAKERS = ("market-maker", "pegged-repricing")


def facts(made: Simulated) -> list[Result]:
    """All figures of a simulation, as the commands show and store them."""
    return [
        Result("orders", made.labels.height, "orders"),
        Result("order events", made.events.height, "events"),
        Result("trades", made.executions.height, "trades"),
        Result("instruments", made.instruments.height, "instruments"),
        *_shares(made.labels),
        *_book(made.events),
        *_ends(made),
        *_trades(made.executions),
        *_returns(made.events),
    ]


def _shares(labels: pl.DataFrame) -> list[Result]:
    """How many orders have which part."""
    found = labels.group_by("practice").len().sort("practice").rows()
    return [Result(f"orders: {name}", share(n, labels.height), "%") for name, n in found]


def _book(events: pl.DataFrame) -> list[Result]:
    """Spread and depth of the books, at each event of continuous trading."""
    seen = events.filter(phase="CONTINUOUS")
    both = seen.filter((pl.col("bid") > 0) & (pl.col("ask") > 0))
    spread = pl.col("ask") - pl.col("bid")
    bp = spread * 20_000.0 / (pl.col("ask") + pl.col("bid"))
    told = both.select(
        ticks=(spread / pl.col("tick")).median(),
        bp=bp.median(),
        wide=bp.quantile(0.9),
        touch=((pl.col("bid_size") + pl.col("ask_size")) / 2.0).median(),
        depth=((pl.col("depth") + pl.col("opposite_depth")) / 2.0).median(),
    ).row(0, named=True)
    return [
        Result("both sides quoted", share(both.height, seen.height), "% of events"),
        Result("spread, median", round(told["ticks"], 1), "ticks"),
        Result("spread, median", round(told["bp"], 1), "bp"),
        Result("spread, 90th percentile", round(told["wide"], 1), "bp"),
        Result("pieces at the touch, median", round(told["touch"]), "pieces"),
        Result("pieces shown on a side, median", round(told["depth"]), "pieces"),
    ]


def _ends(made: Simulated) -> list[Result]:
    """How orders end and how long they live."""
    lives = (
        made.events.group_by("order_id")
        .agg(
            end=pl.col("event").last(),
            traded=(pl.col("last_quantity") > 0).any(),
            life=pl.col("time").last() - pl.col("entry_time").first(),
        )
        .join(made.labels.select("order_id", "practice"), on="order_id")
    )
    gone = pl.col("end").is_in(["CAME", "CAMO"])
    makers = lives.filter(pl.col("practice").is_in(_MAKERS))
    rests = lives.filter(pl.col("life") > 0)
    messages = made.orders.height / max(made.executions.height, 1)
    return [
        Result("orders cancelled", _mean(lives, gone), "%"),
        Result("orders of market makers cancelled", _mean(makers, gone), "%"),
        Result("orders that traded", _mean(lives, pl.col("traded")), "%"),
        Result("messages a trade", round(messages, 1), "messages"),
        Result("life of what rests, median", _seconds(rests["life"].median()), "s"),
        Result("life under 5 s, of what rests", _mean(rests, pl.col("life") < 5_000_000), "%"),
    ]


def _trades(executions: pl.DataFrame) -> list[Result]:
    """Sizes of trades, and the share of the auctions."""
    size = executions["quantity"]
    auctions = executions.filter(aggressor="NONE").height
    usual = float(np.median(size.to_numpy())) if len(size) else 0.0
    top = float(np.quantile(size.to_numpy(), 0.99)) if len(size) else 0.0
    return [
        Result("size of a trade, median", round(usual), "pieces"),
        Result("size of a trade, 99th percentile", round(top), "pieces"),
        Result("trades of round lots", _mean(executions, pl.col("quantity") % 10 == 0), "%"),
        Result("trades in auctions", share(auctions, executions.height), "%"),
    ]


def _returns(events: pl.DataFrame) -> list[Result]:
    """Fat tails, no memory in returns, memory in their size: five-minute mid prices."""
    mids = _mids(events)
    returns = [np.diff(np.log(one)) for one in mids.values() if len(one) > 20]
    returns = [one / one.std() for one in returns if one.std() > 0]
    if not returns:
        return []
    joined = np.concatenate(returns)
    kurtosis = float(np.mean(joined**4) / np.mean(joined**2) ** 2 - 3.0)
    found = [Result("excess kurtosis of 5-minute returns", round(kurtosis, 1), "")]
    for lag in (1, 3, 6):
        plain = float(np.mean([autocorrelation(one, lag) for one in returns]))
        sizes = float(np.mean([autocorrelation(np.abs(one), lag) for one in returns]))
        found.append(Result(f"autocorrelation of returns, lag {lag}", round(plain, 3), ""))
        found.append(Result(f"autocorrelation of their size, lag {lag}", round(sizes, 3), ""))
    return found


def _mids(events: pl.DataFrame) -> Mapping[tuple[object, ...], Floats]:
    """The last mid price of each five minutes by instrument, venue and day."""
    both = (pl.col("bid_after") > 0) & (pl.col("ask_after") > 0)
    bars = (
        events.filter(both & (pl.col("phase") == "CONTINUOUS"))
        .with_columns(bar=pl.col("time") // _BAR, day=pl.col("time") // (24 * 60 * MINUTE))
        .group_by("isin", "mic", "day", "bar", maintain_order=True)
        .agg(mid=(pl.col("bid_after") + pl.col("ask_after")).last() / 2.0)
        .sort("isin", "mic", "day", "bar")
    )
    parts = bars.partition_by("isin", "mic", "day", as_dict=True)
    return {place: part["mid"].to_numpy() for place, part in parts.items()}


def autocorrelation(values: Floats, lag: int) -> float:
    """Correlation of a series with itself `lag` places on, both centred.

    0.0 for a series that does not vary.
    """
    centred = values - values.mean()
    square = float(centred @ centred)
    return float(centred[:-lag] @ centred[lag:]) / square if square else 0.0


def share(part: int, whole: int) -> float:
    """Percent, to two places; 0.0 of nothing."""
    return round(100.0 * part / whole, 2) if whole else 0.0


def _mean(frame: pl.DataFrame, which: pl.Expr) -> float:
    return share(frame.filter(which).height, frame.height)


def _seconds(micros: object) -> float:
    return round(float(micros) / 1e6, 1) if isinstance(micros, int | float) else 0.0
