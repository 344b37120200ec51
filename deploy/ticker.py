"""The process that ticks; `tidemark up` runs it under deploy.supervise.

python -m deploy.ticker --brokers HOST:PORT --partitions N --interval-ms MS
"""

import argparse
import logging
import signal
from threading import Event


def tick(brokers: str, partitions: int, interval_ms: int) -> None:
    """Tick in every partition of every topic until this process is told to end."""
    from connectors import ticker
    from connectors.topics import TOPICS

    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    ticker.run(brokers, list(TOPICS), partitions, interval_ms, stop)


def main() -> None:
    """Read the command line and tick."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    parser = argparse.ArgumentParser()
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--interval-ms", type=int, required=True)
    given = parser.parse_args()
    tick(given.brokers, given.partitions, given.interval_ms)


if __name__ == "__main__":
    main()
