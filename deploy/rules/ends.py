"""The ends of commands that write records: a broker, and nobody else who writes meanwhile."""

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from connectors.generators.feed import Batch
from connectors.producer import DeliveryError, KafkaEnd
from connectors.reader import LogReader
from deploy.errors import UserError
from deploy.rules.recorded import Ends
from deploy.settings import Settings


@contextmanager
def opened(topics: Sequence[str], brokers: str | None = None, prefix: str = "") -> Iterator[Ends]:
    """Topics at a broker. One command of a checkout at a time: records are numbered by producer."""
    settings = Settings.load()
    brokers = brokers or settings.brokers
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "records.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        end = KafkaEnd(brokers, prefix=prefix)
        try:
            end.check(topics, settings.partitions)
        except DeliveryError as error:
            raise UserError(str(error)) from None
        reader = LogReader(brokers, prefix)

        def send(batches: Sequence[Batch]) -> None:
            try:
                for batch in batches:
                    end.send(batch)
                end.close()
            except DeliveryError as error:
                raise UserError(f"not all of it could be recorded: {error}; try again") from None

        try:
            yield Ends(reader, send, settings.partitions)
        finally:
            reader.close()
