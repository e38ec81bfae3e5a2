"""A server that answers what a test tells it to, for what the command does with answers."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Answer = Callable[[dict[str, Any]], tuple[int, Any]]


@dataclass(frozen=True)
class Request:
    """What a client has sent."""

    path: str
    headers: dict[str, str]
    parameters: dict[str, Any]


@dataclass
class FakeServer:
    """Answers by path; what nobody has told it of is unknown, as it is to the API."""

    endpoint: str = ""
    requests: list[Request] = field(default_factory=list)
    _answers: dict[str, Answer] = field(default_factory=dict)

    def answers(self, path: str, body: Any, status: int = 200) -> None:
        """Sets what a path answers."""
        self._answers[path] = lambda _: (status, body)

    def computes(self, path: str, answer: Answer) -> None:
        """Sets how a path answers to its parameters."""
        self._answers[path] = answer

    def refuses(self, path: str, status: int, kind: str, message: str) -> None:
        """Sets an error of the API."""
        self.answers(path, {"error": {"type": kind, "message": message}, "ok": False}, status)

    def parameters(self, path: str) -> list[dict[str, Any]]:
        """With what a path was called, one after the other."""
        return [request.parameters for request in self.requests if request.path == path]

    def take(self, request: Request) -> tuple[int, Any]:
        """Notes a request and answers it."""
        self.requests.append(request)
        unknown = {"error": {"type": "not_found", "message": "no such call"}, "ok": False}
        answer = self._answers.get(request.path)
        return answer(request.parameters) if answer else (404, unknown)


@contextmanager
def fake_server() -> Iterator[FakeServer]:
    """A fake server on a free port of the loopback."""
    fake = FakeServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            parameters = json.loads(self.rfile.read(length))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, body = fake.take(Request(self.path, headers, parameters))
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json; charset=utf-8")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        fake.endpoint = f"http://127.0.0.1:{listener.server_port}"
        thread = Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield fake
        finally:
            listener.shutdown()
            thread.join()
