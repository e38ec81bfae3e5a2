"""A listener that writes down what a client sends and answers as it is told."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from tests.clients.documentation import PATH


@dataclass(frozen=True)
class Recorded:
    """A request as it came: header names in lower case, the body undecoded.

    sent: the headers in the order and the letters in which they came.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    sent: tuple[tuple[str, str], ...] = ()


@dataclass
class Listener:
    """What came to a listener, and what it answers to all but GET /openapi.json.

    bodies: the answers to paths that are answered otherwise than with `body`. openapi: what it
    serves as such, None for a document of the documentation's call alone.
    """

    endpoint: str
    status: int = 200
    body: dict[str, Any] = field(default_factory=dict)
    requests: list[Recorded] = field(default_factory=list)
    bodies: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    openapi: Mapping[str, Any] | None = None

    def answer(self, request: Recorded) -> tuple[int, dict[str, Any]]:
        """Writes a request down and says what to answer."""
        self.requests.append(request)
        if request.path == "/openapi.json":
            return 200, {**(self.openapi or OPENAPI)}
        return self.status, self.bodies.get(request.path, self.body)


@contextmanager
def listening() -> Iterator[Listener]:
    """A listener on a free port of the loopback address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_call(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            address = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            sent = tuple(self.headers.items())
            request = Recorded(self.command, address.path, address.query, headers, body, sent)
            self.reply(*listener.answer(request))

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_call  # noqa: N815 (its names)

        def reply(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """The requests are written down, not printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        listener = Listener(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield listener
        finally:
            server.shutdown()
            thread.join()


_ID = {"type": "string", "format": "uuid"}
OPENAPI: dict[str, Any] = {
    "openapi": "3.0.0",
    "info": {"title": "One call", "version": "1"},
    "components": {"schemas": {}},
    "paths": {
        PATH: {
            "post": {
                "operationId": "acsUsersRemoveFromAccessGroupPost",
                "x-response-key": None,
                "responses": {"200": {"description": "OK"}},
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["acs_access_group_id"],
                                "properties": {
                                    "acs_access_group_id": _ID,
                                    "acs_user_id": _ID,
                                    "user_identity_id": _ID,
                                },
                            }
                        }
                    }
                },
            }
        }
    },
}
