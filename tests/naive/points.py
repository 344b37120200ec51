"""Valuation points, corrections and ends of days from their definitions; shares no code.

Fills and marks are dicts in log order with offset, appended, watermark and late. All positions are
folded again from the first fill for every point.
"""

from fractions import Fraction

from tests.naive.positions import Position

POINT = 60_000_000
HORIZON = 3_600_000_000
DAY = 86_400_000_000
STALE = 60_000_000
UNIT = 10**10


def up(time, step=POINT):
    return -(-max(time, 0) // step) * step


def counts_at(row, time):
    return up(max(row[time], row["watermark"]))


class Log:
    def __init__(self, fills, marks, watermark):
        self.marks, self.watermark = marks, watermark
        self.terms, self.known = {}, {}
        for mark in marks:
            if mark["kind"] != "UNKNOWN" and mark["isin"] not in self.terms:
                self.terms[mark["isin"]] = mark
                self.known[mark["isin"]] = counts_at(mark, "time")
        self.fills, self.refused, self.waiting = [], [], []
        for fill in fills:
            fill = dict(fill, at=counts_at(fill, "trade_time"))
            terms = self.terms.get(fill["isin"])
            if terms is None:
                self.waiting.append(fill)
            elif fill["currency"] != terms["currency"] or (
                fill["price_scale"] > terms["price_scale"]
                and fill["price"] % 10 ** (fill["price_scale"] - terms["price_scale"])
            ):
                self.refused.append(fill)
            else:
                shift = Fraction(10) ** (terms["price_scale"] - fill["price_scale"])
                units = fill["quantity"] if fill["side"] == "BUY" else -fill["quantity"]
                fill |= {"units": units, "own": int(fill["price"] * shift)}
                fill["point"] = max(fill["at"], self.known[fill["isin"]])
                self.fills.append(fill)

    def contents(self):
        found = {counts_at(mark, "time") for mark in self.marks}
        return sorted(p for p in found | {f["point"] for f in self.fills} if p < self.watermark)

    def quotes(self, point):
        """The marks that stand at a point, as it was told."""
        out = {}
        for mark in self.marks:
            if counts_at(mark, "time") <= point:
                stand(out, mark)
        return out


def stand(quotes, mark):
    old = quotes.get(mark["isin"])
    if old is None or mark["time"] > old["time"] or (
        mark["time"] == old["time"] and not mark["late"]
    ):  # fmt: skip
        quotes[mark["isin"]] = mark
        return True
    return False


def sound(mark):
    return mark is not None and mark["kind"] != "UNKNOWN" and mark["quality"] == "GOOD"


def rate(currency, quotes):
    """Units of EUR for one of `currency`, and the time of the mark behind it."""
    if currency == "EUR":
        return UNIT, None
    for quote in sorted(quotes.values(), key=lambda m: m["isin"]):
        if sound(quote) and quote["kind"] == "FX":
            price = Fraction(quote["bid"] + quote["ask"], 2 * 10 ** quote["price_scale"])
            if (quote["base_currency"], quote["currency"]) == (currency, "EUR"):
                return round(price * UNIT), quote["time"]
            if (quote["base_currency"], quote["currency"]) == ("EUR", currency):
                return round(UNIT / price), quote["time"]
    return 0, None


def minor(amount, scale, x):
    return round(Fraction(amount * x * 100, UNIT * 10**scale))


def worth(held, fees, isin, log, quotes, point):
    """What a position adds to its book's sums; None if it cannot be valued."""
    terms, quote = log.terms[isin], quotes.get(isin)
    x, since = rate(terms["currency"], quotes)
    used = held.quantity or held.realised_average or held.realised_fifo or fees
    if (held.quantity and not sound(quote)) or (used and not x):
        return None
    price, stale = 0, False
    if held.quantity:
        price = round(Fraction(quote["bid"] + quote["ask"], 2))
        stale = point - quote["time"] > STALE or (since is not None and point - since > STALE)
    value = held.quantity * price * terms["multiplier"]
    scale = terms["price_scale"]
    gained = minor(held.realised_average + value - held.cost, scale, x)
    realised, paid = minor(held.realised_average, scale, x), minor(fees, 2, x)
    return {
        "realised": realised,
        "realised_fifo": minor(held.realised_fifo, scale, x),
        "unrealised": gained - realised,
        "fees": paid,
        "total": gained - paid,
        "gross": abs(minor(value, scale, x)),
        "net": minor(value, scale, x),
        "positions": int(held.quantity != 0),
        "stale": int(stale),
        "unvalued": 0,
    }


SUMS = ("realised", "realised_fifo", "unrealised", "fees", "total", "gross", "net")
NOTHING = dict.fromkeys((*SUMS, "positions", "stale", "unvalued"), 0)


def folded(fills):
    """Positions and fees by book and instrument."""
    out = {}
    for fill in fills:
        held = out.setdefault((fill["book"], fill["isin"]), [Position(), 0])
        held[0].fill(fill["units"], fill["own"] * fill["multiplier"])
        held[1] += fill["fee"]
    return out


def tell(fills, marks, watermark):
    """Points and days as {(kind, book, time): sums}; corrections in order."""
    log = Log(fills, marks, watermark)
    for fill in log.fills:
        fill["multiplier"] = log.terms[fill["isin"]]["multiplier"]
    told, corrections, told_points, known = {}, [], [], {}
    for point in log.contents():
        corrections += corrected(log, point, told_points, known)
        use = sorted((f for f in log.fills if f["point"] <= point), key=lambda f: f["offset"])
        use.sort(key=lambda f: f["point"])
        held, quotes = folded(use), log.quotes(point)
        rows = sums(log, held, quotes, point)
        if rows:
            known[point] = (held, quotes)
            told_points.append(point)
        told |= {("POINT", book, point): row for book, row in rows.items()}
    ends = days(log, told, corrections)
    return told | ends, corrections


def sums(log, held, quotes, point):
    rows = {}
    for (book, isin), (position, fees) in held.items():
        row = worth(position, fees, isin, log, quotes, point)
        row = NOTHING | {"positions": 1, "unvalued": 1} if row is None else row
        old = rows.get(book, NOTHING)
        rows[book] = {name: old[name] + row[name] for name in NOTHING}
    unusable = {(f["book"], f["isin"]) for f in log.refused + log.waiting if f["at"] <= point}
    unusable |= {(f["book"], f["isin"]) for f in log.fills if f["at"] <= point < f["point"]}
    for book, _ in unusable:
        row = rows.setdefault(book, dict(NOTHING))
        row["positions"] += 1
        row["unvalued"] += 1
    return rows


def contribution(log, held, key, quotes, point):
    position, fees = held.get(key, [Position(), 0])
    row = worth(position, fees, key[1], log, quotes, point)
    return 0 if row is None else row["total"]


def corrected(log, point, told_points, known):
    """What the fills and marks that count first at `point` correct, told before it."""
    late = [f | {"topic": "fills", "own_time": f["trade_time"]} for f in log.fills
            if f["point"] == point]  # fmt: skip
    late += [m | {"topic": "marks", "own_time": m["time"]} for m in log.marks
             if counts_at(m, "time") == point]  # fmt: skip
    late.sort(key=lambda item: (item["appended"], item["topic"], item["offset"]))
    out = []
    for at in told_points:
        held, quotes = known[at]
        for item in late:
            if not item["own_time"] <= at < item["watermark"] <= at + HORIZON:
                continue
            keys = sorted({(f["book"], f["isin"]) for f in log.fills})
            before = {key: contribution(log, held, key, quotes, at) for key in keys}
            if item["topic"] == "fills":
                one = held.setdefault((item["book"], item["isin"]), [Position(), 0])
                one[0].fill(item["units"], item["own"] * item["multiplier"])
                one[1] += item["fee"]
            elif sound(item):
                stand(quotes, item)
            for key in keys:
                after = contribution(log, held, key, quotes, at)
                if after != before[key]:
                    cause = item.get("fill_id") or item.get("mark_id")
                    out.append((at, cause, *key, before[key], after, point))
    return out


def days(log, told, corrections):
    """Fill in `corrections` and `day` of points; the ends of days."""
    ends = {}
    for _, book, point in sorted(told, key=lambda k: k[2]):
        row = told["POINT", book, point]
        mine = [c for c in corrections if c[2] == book]
        earlier = [p for _, b, p in told if b == book and up(p, DAY) < up(point, DAY)]
        base = 0
        if earlier:
            last = max(earlier)
            base = told["POINT", book, last]["total"]
            base += sum(c[5] - c[4] for c in mine if c[0] == last and c[6] <= point)
        row |= {"corrections": 0, "day": row["total"] - base}
        later = [p for _, b, p in told if b == book and point < p <= up(point, DAY)]
        if not later and up(point, DAY) + HORIZON < log.watermark:
            more = sum(c[5] - c[4] for c in mine if c[0] == point)
            ends["DAY", book, up(point, DAY)] = row | {
                "corrections": more,
                "total": row["total"] + more,
                "unrealised": row["unrealised"] + more,
                "last": max(earlier, default=0),
            }
    for (_, book, _), row in ends.items():
        last = row.pop("last")
        base = 0
        if last:
            base = told["POINT", book, last]["total"]
            base += sum(c[5] - c[4] for c in corrections if c[2] == book and c[0] == last)
        row["day"] = row["total"] - base
    return ends
