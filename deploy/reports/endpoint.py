"""A stand-in for the authority's side: takes report files over HTTP and answers by their content.

It listens on loopback only and keeps nothing. The verdict is a function of content and seed:

    1  empty, not UTF-8, or neither CSV nor JSON nor Markdown by its first line ... REJECTED
    2  a draw from SHA-256(seed, content) below the share of rejections ........... REJECTED
    3  anything else .............................................................. ACKNOWLEDGED

So the same file gets the same answer, however often it is sent.
"""

import json
from dataclasses import dataclass
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from deploy.reports.states import ACKNOWLEDGED, REJECTED

HOST = "127.0.0.1"
PATH = "/reports"
MOST_BYTES = 256 * 2**20
HASH_HEADER = "X-Content-SHA256"
_REASONS = (
    "instrument not admitted to trading on that day",
    "transaction reference already used",
    "executing entity not known",
)


@dataclass(frozen=True)
class Rules:
    """How the stand-in decides: `share` of good files are rejected, drawn by `seed`."""

    seed: int = 1
    share: float = 0.2

    def answer(self, content: bytes) -> dict[str, str]:
        """State, reference and reason for a file."""
        reason = _malformed(content) or self._drawn(content)
        digest = sha256(b"reference" + self._seed() + content).hexdigest()[:16]
        state = REJECTED if reason else ACKNOWLEDGED
        return {"state": state, "reference": f"REF-{digest}", "reason": reason}

    def _drawn(self, content: bytes) -> str:
        draw = int.from_bytes(sha256(self._seed() + content).digest()[:8], "big")
        return _REASONS[draw % len(_REASONS)] if draw < self.share * 2**64 else ""

    def _seed(self) -> bytes:
        return self.seed.to_bytes(8, "big")


def _malformed(content: bytes) -> str:
    if not content.strip():
        return "the file is empty"
    try:
        line = content.decode().lstrip().splitlines()[0]
    except UnicodeDecodeError:
        return "the file is not UTF-8"
    if line[0] in "{[#" or "," in line:
        return ""
    return "the file is neither CSV nor JSON nor Markdown"


def server(port: int, rules: Rules) -> ThreadingHTTPServer:
    """The stand-in on a port of loopback (0: a free one); it serves once `serve_forever` runs."""

    class Handler(BaseHTTPRequestHandler):
        """One request: POST of a file."""

        def do_POST(self) -> None:
            """Judge the file that was sent."""
            size = self.headers.get("Content-Length", "")
            if self.path != PATH:
                self._tell(404, {"error": f"there is only {PATH}"})
            elif not size.isdecimal() or int(size) > MOST_BYTES:
                self._tell(413, {"error": f"Content-Length must be 0 to {MOST_BYTES}"})
            else:
                content = self.rfile.read(int(size))
                if sha256(content).hexdigest() != self.headers.get(HASH_HEADER):
                    self._tell(400, {"error": f"the content is not that of {HASH_HEADER}"})
                else:
                    self._tell(200, rules.answer(content))

        def _tell(self, status: int, value: dict[str, str]) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is logged."""

    return ThreadingHTTPServer((HOST, port), Handler)
