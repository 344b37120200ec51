"""What every job is told on its command line: where its ends are, and its configuration."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

from connectors.kafka import KafkaEnds
from connectors.offsets import parse_offsets
from jobs.catalogue import Config
from udfs.aml.trust import keys_of, keys_text


@dataclass(frozen=True)
class Arguments:
    """The parsed command line."""

    name: str
    ends: KafkaEnds
    config: Config
    neo4j: str | None
    neo4j_password_file: str | None


def parse(job: str, argv: Sequence[str]) -> Arguments:
    """Read the command line of `job`; nonsense ends the program with exit code 2 and one line."""
    parser = argparse.ArgumentParser(prog=f"jobs.{job}", description=f"The {job} job on Flink.")
    parser.add_argument("--brokers", required=True, help="Kafka bootstrap servers")
    parser.add_argument("--name", default=job, help="the job's name in Flink")
    parser.add_argument("--prefix", default="", help="put before the names of input topics")
    parser.add_argument(
        "--out-prefix", help="put before the names of output topics; default: --prefix"
    )
    parser.add_argument(
        "--bounded", action="store_true", help="stop at the offsets found at the start"
    )
    parser.add_argument(
        "--until",
        type=_offsets,
        metavar="TOPIC/PARTITION:OFFSET,...",
        help="stop before these offsets, for a replay; what is not named is not read",
    )
    parser.add_argument("--neo4j", help="bolt URL of the graph database")
    parser.add_argument("--neo4j-password-file", help="file that holds the password of user neo4j")
    for option in fields(Config):
        kind = _KINDS.get(option.name, int)
        parser.add_argument(f"--{option.name.replace('_', '-')}", type=kind, default=option.default)
    found = parser.parse_args(argv)
    if (found.neo4j is None) != (found.neo4j_password_file is None):
        parser.error("--neo4j and --neo4j-password-file go together: give both or none")
    config = Config(**{option.name: getattr(found, option.name) for option in fields(Config)})
    out_prefix = found.prefix if found.out_prefix is None else found.out_prefix
    ends = KafkaEnds(found.brokers, found.prefix, out_prefix, found.bounded, found.until)
    return Arguments(found.name, ends, config, found.neo4j, found.neo4j_password_file)


def _offsets(text: str) -> dict[tuple[str, int], int]:
    """For argparse, which shows the text of this kind of error only."""
    try:
        return parse_offsets(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _keys(text: str) -> str:
    try:
        return keys_text(keys_of(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


_KINDS: Mapping[str, Callable[[str], str]] = {"rule_keys": _keys}
"""How options are read that are no numbers."""
