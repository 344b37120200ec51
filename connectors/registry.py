"""Which schema ids a job uses: the embedded ones, or those a schema registry gives at submission.

Guarantee: a job never asks again. The ids are looked up once, before submission, and travel with
the job (`schemas.records.use_ids` in each worker), so that a registry that is down, slow or changed
can neither stop a running job nor change what a replay decodes.

The embedded registry is the tree itself: `schemas/ids.json`. If the environment has
SCHEMA_REGISTRY_URL, any Confluent-compatible server takes its place. Subjects are full record names
(`tidemark.netting.Obligation`), because one record travels on several topics.
"""

import json
import os
from urllib.parse import urlsplit

from schemas import records
from schemas.records import Record

URL_VARIABLE = "SCHEMA_REGISTRY_URL"
_TIMEOUT_SECONDS = 5
_RETRIES = 2
_RETRY_WAIT_MS = 200

Ids = dict[str, dict[int, int]]


class RegistryError(RuntimeError):
    """The registry did not give an id for each schema; the text is one line and says what to do."""


def schema_ids(url: str | None = None, *, register: bool = True) -> Ids:
    """The schema id of every record version of the tree: record name -> version -> id.

    Args:
        url: A Confluent-compatible server; None takes SCHEMA_REGISTRY_URL, and if that is not set
            the embedded registry.
        register: Whether schemas the server does not have are registered, oldest version first;
            otherwise they are an error.

    Raises:
        RegistryError: The server cannot be reached, refuses a schema or does not know it.
    """
    url = url or os.environ.get(URL_VARIABLE)
    if not url:
        return records.embedded_ids()
    server = _Server(url)
    ids: Ids = {}
    for name in records.names():
        ids[name] = {rec.version: server.id_of(rec, register) for rec in records.versions(name)}
    return ids


class _Server:
    """A Confluent-compatible schema registry; its client is loaded only when there is a server."""

    def __init__(self, url: str) -> None:
        try:
            from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

            self._schema = Schema
            self._client = SchemaRegistryClient(
                {
                    "url": url,
                    "timeout": _TIMEOUT_SECONDS,
                    "max.retries": _RETRIES,
                    "retries.wait.ms": _RETRY_WAIT_MS,
                }
            )
        except (ImportError, ValueError) as error:
            raise RegistryError(
                f"no client for the schema registry at {_shown(url)}: {error}"
            ) from error
        self._url = _shown(url)

    def id_of(self, rec: Record, register: bool) -> int:
        """The server's id of one record version."""
        subject = f"{rec.schema['namespace']}.{rec.name}"
        schema = self._schema(json.dumps(rec.schema, separators=(",", ":")), "AVRO")
        try:
            if register:
                found: int | None = self._client.register_schema(subject, schema)
            else:
                found = self._client.lookup_schema(subject, schema).schema_id
            if found is None:
                raise ValueError("the answer has no schema id")
            return found
        except Exception as error:  # the client raises those of its HTTP library as they come
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise RegistryError(
                f"schema registry at {self._url}, {subject} version {rec.version}: {reason}; "
                f"check the server, or unset {URL_VARIABLE} to use the embedded ids"
            ) from error


def _shown(url: str) -> str:
    """`url` as an error may print it: without user and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
