"""What books gained, one position at a time in whole numbers and fractions; shares no code."""

from collections import defaultdict
from fractions import Fraction

from tests.naive.positions import Position

NO_MINOR_UNIT = {"JPY"}


class Market:
    """Terms of instruments, and the newest sound bid and ask of each."""

    def __init__(self, terms):
        self.terms = {row["isin"]: row for row in terms}
        self.quotes = {}

    def quote(self, row):
        sound = 0 < row["bid"] <= row["ask"]
        newness = row["time"], row["sequence"]
        if sound and newness > self.quotes.get(row["isin"], ((-1, -1),))[0]:
            self.quotes[row["isin"]] = newness, row["bid"], row["ask"]

    def mid(self, isin):
        _, bid, ask = self.quotes[isin]
        return round(Fraction(bid + ask, 2))

    def rate(self, currency):
        """EUR for one, rounded to ten places: direct, inverse, or over the dollar."""
        if currency == "EUR":
            return 10**10
        way = self._leg(currency, "EUR")
        if way is None:
            way = self._leg(currency, "USD") * self._leg("USD", "EUR")
        return round(way * 10**10)

    def _leg(self, bought, paid):
        for isin in sorted(self.terms):
            terms = self.terms[isin]
            if (terms["base_currency"], terms["currency"]) in ((bought, paid), (paid, bought)):
                _, bid, ask = self.quotes[isin]
                price = Fraction(bid + ask, 2 * 10 ** terms["price_scale"])
                direct = terms["base_currency"] == bought
                return price if direct else 1 / price
        return None


class Books:
    """Positions by book and instrument, from fills in order."""

    def __init__(self):
        self.held = defaultdict(Position)
        self.fees = defaultdict(int)

    def fill(self, row, terms):
        key = row["book"], row["isin"]
        units = row["quantity"] if row["side"] == "BUY" else -row["quantity"]
        self.held[key].fill(units, row["price"] * terms["multiplier"])
        self.fees[key] += row["fee"]

    def worth(self, market):
        """By book: realised, unrealised, fees, total, gross, net in cents, and open positions."""
        names = ("realised", "unrealised", "fees", "total", "gross", "net", "positions")
        sums = defaultdict(lambda: dict.fromkeys(names, 0))
        for (book, isin), held in self.held.items():
            terms = market.terms[isin]
            currency = terms["currency"]
            cent = Fraction(market.rate(currency), 10**8)
            unit = cent / 10 ** terms["price_scale"]
            value = held.quantity * market.mid(isin) * terms["multiplier"] if held.quantity else 0
            pnl = round((held.realised_average + value - held.cost) * unit)
            realised = round(held.realised_average * unit)
            fees = round(self.fees[book, isin] * cent / (1 if currency in NO_MINOR_UNIT else 100))
            row = sums[book]
            row["realised"] += realised
            row["unrealised"] += pnl - realised
            row["fees"] += fees
            row["total"] += pnl - fees
            row["gross"] += abs(round(value * unit))
            row["net"] += round(value * unit)
            row["positions"] += held.quantity != 0
        return sums
