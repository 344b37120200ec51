"""Schema ids come from the tree, or from a server that speaks Confluent's protocol."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from connectors import registry
from connectors.registry import RegistryError, schema_ids
from schemas.codec import decode_batch, encode_frame
from schemas.records import embedded_ids, names, record, use_ids
from tests.strategies import frame

LABEL: dict[str, Any] = {
    name: 0 if dtype.is_integer() else "late" for name, dtype in record("Label").columns.items()
}


@dataclass
class Server:
    """What a registry keeps, and what was asked of it."""

    url: str = ""
    subjects: dict[str, list[str]] = field(default_factory=dict)
    schemas: list[str] = field(default_factory=list)
    first_id: int = 5001
    refused: str | None = None

    def post(self, path: str, schema: str) -> tuple[int, dict[str, Any]]:
        parts = unquote(path).strip("/").split("/")
        known = self.subjects.setdefault(parts[1], [])
        if parts[2:] == ["versions"]:
            if parts[1] == self.refused:
                return 409, {
                    "error_code": 409,
                    "message": "Schema being registered is incompatible",
                }
            if schema not in known:
                known.append(schema)
                self.schemas.append(schema)
        elif schema not in known:
            return 404, {"error_code": 40403, "message": "Schema not found"}
        return 200, {
            "id": self.first_id + self.schemas.index(schema),
            "subject": parts[1],
            "version": 1,
        }


@pytest.fixture
def server() -> Iterator[Server]:
    kept = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = kept.post(urlsplit(self.path).path, body["schema"])
            octets = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.send_header("Content-Length", str(len(octets)))
            self.end_headers()
            self.wfile.write(octets)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        kept.url = f"http://127.0.0.1:{http.server_port}"
        threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
        yield kept
        http.shutdown()


def test_without_a_server_the_embedded_ids_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(registry.URL_VARIABLE, raising=False)
    assert schema_ids() == embedded_ids()


def test_server_of_the_environment_gives_an_id_for_every_version(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(registry.URL_VARIABLE, server.url)
    ids = schema_ids()
    assert {name: set(found) for name, found in ids.items()} == {
        name: set(found) for name, found in embedded_ids().items()
    }
    assert min(min(found.values()) for found in ids.values()) == server.first_id
    assert schema_ids() == ids
    assert set(server.subjects) == {
        f"{record(name).schema['namespace']}.{name}" for name in names()
    }


def test_older_versions_are_registered_first(server: Server) -> None:
    schema_ids(server.url)
    found = server.subjects["tidemark.payments.Payment"]
    assert [json.loads(schema)["tidemark"]["version"] for schema in found] == [1, 2, 3]


def test_messages_carry_the_ids_of_the_server(server: Server) -> None:
    ids = schema_ids(server.url)
    use_ids(json.loads(json.dumps(ids)))
    try:
        rec = record("Label")
        messages = encode_frame(rec, frame(rec, [LABEL, LABEL]))
        assert messages[0][1:5] == ids["Label"][1].to_bytes(4, "big")
        assert decode_batch(rec, [*messages, None])[0].height == 2
    finally:
        use_ids(None)


def test_looking_up_registers_nothing(server: Server) -> None:
    with pytest.raises(RegistryError, match="Schema not found"):
        schema_ids(server.url, register=False)
    assert server.schemas == []
    registered = schema_ids(server.url)
    assert schema_ids(server.url, register=False) == registered


def test_refused_schema_is_one_line_with_its_name(server: Server) -> None:
    server.refused = "tidemark.trading.Fill"
    with pytest.raises(RegistryError) as error:
        schema_ids(server.url)
    assert "tidemark.trading.Fill version 1: Schema being registered is incompatible" in str(
        error.value
    )
    assert "\n" not in str(error.value)


def test_server_that_is_away_is_one_line_without_the_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "_RETRIES", 0)
    with pytest.raises(RegistryError) as error:
        schema_ids("http://user:secret@127.0.0.1:9")
    assert "schema registry at http://127.0.0.1:9" in str(error.value)
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


def test_address_that_is_none_is_refused() -> None:
    with pytest.raises(RegistryError, match="no client for the schema registry"):
        schema_ids("not an address")
