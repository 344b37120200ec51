"""Screening record by record: lists as dicts, every listed name scored, no index and no tables.

How alike two names are is taken from `udfs.screening.score`; who is held against whom, what is in
force when, and what is raised is done again in plain loops.
"""

import hashlib
import json

from udfs.screening.listed import Entry
from udfs.screening.names import normalise
from udfs.screening.score import score

RANK = {"lists": 0, "customers": 1, "alert.actions": 2, "postings": 3}
DAY = 86_400_000_000


def best_scores(screener, entries, written):
    """Entry id -> best score of its names, over all entries; weights are the screener's."""
    name = normalise(written)
    found = {}
    for entry in entries:
        for listed in map(normalise, (entry.name, *entry.aliases)):
            if name.tokens and listed.tokens:
                bare = name.bare or listed.bare
                value = score(name.tokens, listed.tokens, screener.weigh, bare).value
                found[entry.id] = max(found.get(entry.id, 0), value)
    return found


def in_log_order(rows):
    """Rows (topic, row) as the log has them."""
    return sorted(rows, key=lambda r: (r[1]["appended"], RANK[r[0]], r[1]["offset"]))


class Naive:
    """Alerts as (rule, subject, list, entry id, event id), and runs as dicts of counts."""

    def __init__(self, make_screener, threshold=850_000, pep_again=30 * DAY, lasts=365 * DAY):
        self.make, self.threshold = make_screener, threshold
        self.pep_again, self.lasts = pep_again, lasts
        self.lists, self.good, self.parts = {}, {}, {}
        self.customers, self.raised, self.exceptions = {}, {}, {}
        self.unscreened = self.unread = self.passed = 0
        self.alerts, self.runs = [], []

    def run(self, rows):
        for topic, row in in_log_order(rows):
            {
                "lists": self.part,
                "customers": self.customer,
                "alert.actions": self.action,
                "postings": self.posting,
            }[topic](row, max(row["time"], row["watermark"]))
        return self.alerts, self.runs

    def part(self, row, at):
        key = row["name"], row["epoch"]
        parts = self.parts.setdefault(key, {})
        parts[row["chunk"]] = row["rows"]
        if len(parts) < row["chunks"]:
            return
        values = [value for number in sorted(parts) for value in json.loads(parts[number])]
        text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        if hashlib.sha256(text.encode()).hexdigest() != row["hash"]:
            self.runs.append((row["name"], row["epoch"], "REFUSED"))
            return
        counts = dict.fromkeys(("known", "hits", "raised", "repeated", "excepted"), 0)
        if row["kind"] == "EXCEPTIONS":
            self.good[row["name"]] = {(v["listed"], v["name"]): v["until"] for v in values}
        else:
            entries = [Entry(**value) for value in values]
            self.lists[row["name"]] = entries, self.make(entries)
            ids = {entry.id for entry in entries}
            for key in list(self.raised):
                if key[0] == "C" and key[2] == row["name"] and key[3] not in ids:
                    del self.raised[key]
            for customer in sorted(self.customers):
                name, event = self.customers[customer]
                counts["known"] += 1
                self.decide("C", customer, name, event, at, counts, [row["name"]])
        since = 0, 0, 0
        if row["kind"] == "LISTED":
            since = self.unscreened, self.unread, self.passed
            self.unscreened = self.unread = self.passed = 0
        self.runs.append((row["name"], row["epoch"], "IN_FORCE", *counts.values(), *since))

    def customer(self, row, at):
        before = self.customers.get(row["customer"])
        self.customers[row["customer"]] = row["name"], row["change_id"]
        if before is None or before[0] != row["name"]:
            self.decide("C", row["customer"], row["name"], row["change_id"], at, {})

    def posting(self, row, at):
        name, counts = row["counterparty_name"], {}
        if name and not self.lists:
            self.unscreened += 1
        elif name and not normalise(name).tokens:
            self.unread += 1
        self.decide("P", row["owner"], name, row["posting_id"], at, counts)
        self.passed += counts.get("excepted", 0)

    def action(self, row, at):
        parts = row["alert_id"].split("|")
        if len(parts) != 6:
            return
        key = row["subject"], *parts[1:4]
        if row["kind"] == "CLOSE" and row["disposition"] == "false-positive":
            until = row["until"] or at + self.lasts
        elif row["kind"] == "REOPEN":
            until = 0
        else:
            return
        self.exceptions[key] = parts[4], until
        raised = self.raised.get(("C", row["subject"], parts[1], parts[2]))
        if raised and raised[:2] == (parts[3], parts[4]):
            again = until or 2**62
            self.raised["C", row["subject"], parts[1], parts[2]] = (*raised[:2], again)

    def decide(self, side, subject, written, event, at, counts, names=None):
        for name in sorted(names or self.lists):
            entries, screener = self.lists[name]
            by_id = {entry.id: entry for entry in entries}
            found = best_scores(screener, entries, written)
            hits = sorted((-v, k) for k, v in found.items() if v >= self.threshold)[:10]
            for _, listed in hits:
                self.one(side, subject, written, event, at, counts, name, by_id[listed])

    def one(self, side, subject, written, event, at, counts, name, entry):
        counts["hits"] = counts.get("hits", 0) + 1
        digest = normalise(written).digest
        exception = self.exceptions.get((subject, name, entry.id, digest))
        good = [table.get((entry.id, digest), 0) for table in self.good.values()]
        key = (side, subject, name, entry.id) + ((digest,) if side == "P" else ())
        raised = self.raised.get(key)
        sanction = entry.category == "SANCTION"
        same = raised and raised[:2] == (digest, entry.digest) and at < raised[2]
        if (exception and exception[0] == entry.digest and at < exception[1]) or any(
            at < until for until in good
        ):
            counts["excepted"] = counts.get("excepted", 0) + 1
        elif same and (side == "C" or not sanction):
            counts["repeated"] = counts.get("repeated", 0) + 1
        else:
            counts["raised"] = counts.get("raised", 0) + 1
            rule = "sanctions-screening" if sanction else "pep-screening"
            self.alerts.append((rule, subject, name, entry.id, event))
            if side == "C":
                self.raised[key] = digest, entry.digest, 2**62
            elif not sanction:
                self.raised[key] = digest, entry.digest, at + self.pep_again
