"""Marks in plain loops: one record after the other, and what is told at the end of each slice."""

TERMS = (
    "kind", "currency", "base_currency", "multiplier", "price_scale", "underlying", "option_side",
    "strike", "expiry",
)  # fmt: skip
UNKNOWN = {
    "kind": "UNKNOWN", "currency": "", "base_currency": "", "multiplier": 0, "price_scale": 0,
    "underlying": "", "option_side": "NONE", "strike": 0, "expiry": 0,
}  # fmt: skip


def unit(row):
    return row["currency"], row["price_scale"]


def newness(quote):
    return quote["time"], quote["sequence"], quote["offset"]


class Instrument:
    """What is known of one, and what a slice did to it."""

    def __init__(self, isin):
        self.isin = isin
        self.terms = self.since = self.terms_offset = None
        self.stands = None
        self.refused = None  # the last one, and why
        self.begin()

    def begin(self):
        self.published = self.stands if self.terms else None
        self.seen, self.faults, self.sound, self.changed = [], {}, [], False

    def learn(self, row):
        if self.terms is not None and row["time"] < self.since:
            return
        terms = {name: row[name] for name in TERMS}
        self.since = row["time"]
        if terms == self.terms:
            return
        self.terms, self.terms_offset, self.changed = terms, row["offset"], True
        if self.stands and unit(self.stands) != unit(terms):
            place = self.stands["time"], self.stands["offset"]
            self.stands, self.refused = None, (*place, "TERMS_DIFFER")

    def take(self, quote):
        self.seen.append(quote)
        fault = None
        if self.terms and unit(quote) != unit(self.terms):
            fault = "TERMS_DIFFER"
        elif quote["bid"] <= 0 or quote["ask"] <= 0:
            fault = "NOT_POSITIVE"
        elif quote["bid"] > quote["ask"]:
            fault = "CROSSED"
        if fault:
            self.faults[quote["offset"]] = fault
            self.refused = quote["time"], quote["offset"], fault
        else:
            self.sound.append(quote)
            if self.stands is None or newness(quote) > newness(self.stands):
                self.stands = quote

    def marks(self, slice_end, shard):
        before = self.published
        if before and unit(before) != unit(self.terms):
            before = None
        older = [
            quote
            for quote in self.sound
            if before and newness(quote) < newness(before) and unit(quote) == unit(before)
        ]
        own = [q for q in self.seen if q not in older]
        if own or self.changed:
            yield self._mark(slice_end, shard, own)
        if older:
            newest, offsets = max(older, key=newness), [q["offset"] for q in older]
            yield self._said(slice_end, shard, "quotes", min(offsets), max(offsets)) | {
                "mark_id": self._id(shard, "quotes", max(offsets)) + "|late",
                "time": newest["time"],
                "bid": newest["bid"],
                "ask": newest["ask"],
                "quality": "GOOD",
                "quotes": len(older),
                "late": True,
            }

    def _mark(self, slice_end, shard, own):
        faults = [self.faults[q["offset"]] for q in own if q["offset"] in self.faults]
        offsets = [q["offset"] for q in own]
        topic = "quotes"
        if self.stands:
            time = self.stands["time"]
            offsets.append(self.stands["offset"])
        elif self.refused:
            time = self.refused[0]
            offsets = offsets or [self.refused[1]]
        else:
            time, topic, offsets = self.since, "instruments", [self.terms_offset]
        good = self.stands if self.terms else None
        fault = "GOOD" if good else self.refused[2] if self.refused else "MISSING"
        return self._said(slice_end, shard, topic, min(offsets), max(offsets)) | {
            "mark_id": self._id(shard, topic, max(offsets)),
            "time": time,
            "bid": good["bid"] if good else 0,
            "ask": good["ask"] if good else 0,
            "quality": fault if self.terms else "UNKNOWN_INSTRUMENT",
            "last_refused": faults[-1] if faults else "NONE",
            "quotes": len(own),
            "refused": len(faults),
        }

    def _id(self, shard, topic, last):
        terms = "none" if self.terms is None else self.terms_offset
        return f"{self.isin}|{shard}|{topic}:{last}|terms:{terms}"

    def _said(self, slice_end, shard, topic, first, last):
        return {
            "slice_end": slice_end * 1_000,
            "isin": self.isin,
            **(self.terms or UNKNOWN),
            "refused": 0,
            "last_refused": "NONE",
            "late": False,
            "source_topic": topic,
            "source_partition": shard,
            "first_offset": first,
            "last_offset": last,
            "version": "marks/1",
        }


def naive_marks(rows, ends, shard):
    """The marks of placed rows, cut after so many of them each."""
    known, marks, start = {}, [], 0
    for end in [*ends, len(rows)]:
        for one in known.values():
            one.begin()
        for topic, row in rows[start:end]:
            one = known.setdefault(row["isin"], Instrument(row["isin"]))
            (one.take if topic == "quotes" else one.learn)(row)
        for isin in sorted(known):
            marks += known[isin].marks(end, shard)
        start = end
    return marks
