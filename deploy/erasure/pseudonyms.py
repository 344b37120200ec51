"""Puts commitments where names and accounts stand, before a record leaves its producer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from connectors.generators import Feed
from connectors.generators.arrays import Floats, Ints
from deploy.erasure.vault import Vault

OWNER, ACCOUNT, NAME = "owner", "account", "name"


@dataclass(frozen=True)
class Personal:
    """A column with personal values: what they are, and the column that says whose they are.

    Without such a column the vault is asked whose the value is; a value it does not know is a
    subject of its own.
    """

    field: str
    subject: str | None = None


PERSONAL: Mapping[str, Mapping[str, Personal]] = {
    "payments": {
        "debtor": Personal(OWNER, "debtor"),
        "debtor_account": Personal(ACCOUNT, "debtor"),
        "creditor": Personal(OWNER, "creditor"),
        "creditor_account": Personal(ACCOUNT, "creditor"),
    },
    "postings": {
        "owner": Personal(OWNER, "owner"),
        "account": Personal(ACCOUNT, "owner"),
        "counterparty": Personal(OWNER, "counterparty"),
        "counterparty_name": Personal(NAME),
        "counterparty_account": Personal(ACCOUNT),
    },
    "customers": {
        "customer": Personal(OWNER, "customer"),
        "name": Personal(NAME, "customer"),
    },
}
"""The personal columns of each topic that has any."""


def pseudonymised(
    frame: pl.DataFrame, columns: Mapping[str, Personal], vault: Vault
) -> pl.DataFrame:
    """The frame with commitments in place of the values of `columns`; each value is looked up once.

    Equal values of a subject give equal commitments, so that joins and sums come out as before. An
    empty value stays empty.
    """
    made = {}
    for name, personal in columns.items():
        if personal.subject is None:
            values = [value for value in frame[name].unique().to_list() if value]
            whose = vault.subjects_of(personal.field, values)
            pairs = pl.DataFrame(
                {"subject": [whose.get(value, value) for value in values], "value": values},
                schema={"subject": pl.String, "value": pl.String},
            )
            on = frame.select(value=name)
            keys = ["value"]
        else:
            on = frame.select(subject=personal.subject, value=name)
            pairs = on.filter(pl.col("value") != "").unique(maintain_order=True)
            keys = ["subject", "value"]
        rows = pairs.select("subject", "value").rows()
        texts = vault.commit((whose, personal.field, value) for whose, value in rows)
        known = pairs.with_columns(text=pl.Series(texts, dtype=pl.String))
        joined = on.join(known, on=keys, how="left", maintain_order="left")
        made[name] = joined["text"].fill_null("")
    return frame.with_columns(**made)


class Pseudonymous:
    """A feed whose personal values are commitments; all else is as the feed has it."""

    def __init__(self, feed: Feed, vault: Vault) -> None:
        """Wrap `feed`; its values go into `vault`."""
        self._feed, self._vault = feed, vault
        self.kind, self.topics, self.clocks = feed.kind, feed.topics, feed.clocks
        self.start, self.end, self.step = feed.start, feed.end, feed.step

    def units(self) -> Iterator[pl.DataFrame]:
        """As the feed."""
        return self._feed.units()

    def times(self, fractions: Floats) -> Ints:
        """As the feed."""
        return self._feed.times(fractions)

    def records(self, units: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
        """The feed's records, payments first, so that the vault knows whose an account is."""
        return {
            topic: pseudonymised(frame, PERSONAL.get(topic, {}), self._vault)
            for topic, frame in self._feed.records(units).items()
        }
