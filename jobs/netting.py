"""Nets what members owe each other, cycle by cycle, and says which obligations are behind each net.

    obligations ─▶ micro-batch ─▶ netting ─┬▶ nets, nets.provenance, cycles
    (key: netting set)                     ├▶ netting.dead       refused input and why
                                           └▶ netting.batches    counts, offsets, roots

Key: the partition. State: obligations of open cycles, and the engine's marks; a cycle leaves the
state when the business watermark reaches its end. Guarantee: exactly once from Kafka to Kafka. Late
obligations are marked and go to the cycle that is open at their place in the log.
"""

import sys
from collections.abc import Sequence

from pyflink.table import StreamTableEnvironment

from connectors.kafka import KafkaEnds
from connectors.microbatch import assemble, environment
from jobs.arguments import parse
from jobs.catalogue import Config, netting_job


def build(tables: StreamTableEnvironment, ends: KafkaEnds, config: Config) -> None:
    """Put the job together on `tables`; nothing runs yet."""
    assemble(tables, netting_job(config), ends)


def main(argv: Sequence[str]) -> None:
    """Submit the job."""
    arguments = parse("netting", argv)
    env, tables = environment()
    build(tables, arguments.ends, arguments.config)
    env.execute(arguments.name)


if __name__ == "__main__":
    main(sys.argv[1:])
