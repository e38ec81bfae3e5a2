"""The command's way to a server: the API over HTTP, configured as the official clients are."""

import asyncio
import ipaddress
import os
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from doorward.cli.invocation import command
from doorward.cli.output import harmless
from doorward.errors import StartError

# Longer than the clients wait (30 s), as nobody repeats this call by itself.
_TIMEOUT = 60.0
# How long it may take to find out whether a server speaks TLS.
_HANDSHAKE = 3.0


class NoServer(StartError):
    """Nobody answers at the endpoint."""


class Refused(StartError):
    """The server answered with an error: `answer` is its body, `kind` its error.type."""

    def __init__(self, status: int, answer: dict[str, Any]) -> None:
        self.status = status
        self.answer = answer
        error = harmless(answer["error"])
        self.kind = str(error.get("type"))
        super().__init__(f"{error.get('message')} ({self.kind}, HTTP {status})")


@dataclass(frozen=True, slots=True)
class Target:
    """Which server to talk to, and with which token."""

    endpoint: str
    headers: Mapping[str, str]


def target() -> Target:
    """Reads SEAM_ENDPOINT and SEAM_API_KEY, or SEAM_PERSONAL_ACCESS_TOKEN with SEAM_WORKSPACE_ID.

    Raises StartError for what is missing or cannot be sent.
    """
    endpoint = os.environ.get("SEAM_ENDPOINT", "").rstrip("/")
    if not endpoint:
        raise _missing("SEAM_ENDPOINT")
    if not _is_address(endpoint):
        raise StartError(f"SEAM_ENDPOINT={endpoint} is no address such as http://127.0.0.1:8765")
    return Target(endpoint, _headers())


def _is_address(endpoint: str) -> bool:
    try:
        url = httpx.URL(endpoint)
    except httpx.InvalidURL:
        return False
    return url.scheme in {"http", "https"} and bool(url.host)


def _headers() -> dict[str, str]:
    key = os.environ.get("SEAM_API_KEY")
    token = key or os.environ.get("SEAM_PERSONAL_ACCESS_TOKEN")
    if not token:
        raise _missing("SEAM_API_KEY")
    headers = {"authorization": f"Bearer {token}"}
    if not key:
        headers["seam-workspace"] = _workspace()
    if not all(value.isascii() and value.isprintable() for value in headers.values()):
        raise StartError("the key or token in the environment has characters that no token has")
    return headers


def _workspace() -> str:
    workspace = os.environ.get("SEAM_WORKSPACE_ID")
    if not workspace:
        raise StartError("SEAM_PERSONAL_ACCESS_TOKEN needs SEAM_WORKSPACE_ID beside it")
    return workspace


def _missing(variable: str) -> StartError:
    return StartError(f'{variable} is not set; for the sandbox, run: eval "$({command()} env)"')


class Client:
    """Makes calls of the API."""

    def __init__(self, http: httpx.AsyncClient, endpoint: str) -> None:
        self._http = http
        self.endpoint = endpoint

    async def call(self, path: str, **parameters: Any) -> dict[str, Any]:
        """Posts a call and returns its whole answer.

        Raises NoServer, Refused for an error of the API, StartError for an answer that is none.
        """
        try:
            response = await self._http.post(path, json=parameters)
        except httpx.ConnectError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise StartError(
                    f"the certificate of {self.endpoint} is not trusted; with a CA of your own,"
                    " name its certificate in SSL_CERT_FILE"
                ) from error
            if _is_handshake(error):
                raise StartError(
                    f"what answers at {self.endpoint} does not speak TLS as HTTPS needs it; for"
                    f" plain HTTP, set SEAM_ENDPOINT={self._other_endpoint()}"
                ) from error
            raise NoServer(
                f"no server at {self.endpoint}; start one with: {command()} serve"
            ) from error
        except httpx.TransportError as error:
            if await self._speaks_tls():
                raise StartError(
                    f"the server at {self.endpoint} speaks TLS; set"
                    f" SEAM_ENDPOINT={self._other_endpoint()}"
                ) from error
            reason = str(error) or type(error).__name__
            raise NoServer(f"the server at {self.endpoint} did not answer: {reason}") from error
        return self._answer(response)

    def _other_endpoint(self) -> str:
        scheme, _, rest = self.endpoint.partition("://")
        return f"{'http' if scheme == 'https' else 'https'}://{rest}"

    async def _speaks_tls(self) -> bool:
        """Whether TLS is spoken where plain HTTP was tried; nothing is sent in it."""
        url = self._http.base_url
        if url.scheme != "http":
            return False
        return await asyncio.to_thread(_shakes_hands, url.host, url.port or 80)

    async def look(self, path: str, **parameters: Any) -> dict[str, Any]:
        """As call does, for an answer of which texts are shown on a terminal."""
        answer: dict[str, Any] = harmless(await self.call(path, **parameters))
        return answer

    def _answer(self, response: httpx.Response) -> dict[str, Any]:
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if isinstance(answer, dict) and response.is_success:
            return answer
        if isinstance(answer, dict) and isinstance(answer.get("error"), dict):
            raise Refused(response.status_code, answer)
        raise StartError(
            f"{self.endpoint} is no Doorward server: it answered HTTP {response.status_code},"
            " and not as the API does"
        )


@asynccontextmanager
async def connect() -> AsyncIterator[Client]:
    """A client for the server that the environment names; raises StartError as target() does."""
    chosen = target()
    async with httpx.AsyncClient(
        base_url=chosen.endpoint,
        headers=chosen.headers,
        timeout=_TIMEOUT,
        # A proxy cannot reach this machine's own loopback addresses.
        trust_env=not _is_loopback(chosen.endpoint),
        verify=_trusted(chosen.endpoint),
    ) as http:
        yield Client(http, chosen.endpoint)


def _trusted(endpoint: str) -> ssl.SSLContext | bool:
    # Reads SSL_CERT_FILE for every address; `trust_env` above is about proxies.
    return httpx.create_ssl_context() if endpoint.startswith("https:") else True


def _shakes_hands(host: str, port: int) -> bool:
    # Not by asyncio, which leaves the connection open when a handshake does not come to its end.
    try:
        with (
            socket.create_connection((host, port), timeout=_HANDSHAKE) as plain,
            _trusting_all().wrap_socket(plain, server_hostname=host),
        ):
            return True
    except OSError:
        return False


def _trusting_all() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _is_handshake(error: BaseException | None) -> bool:
    """Whether TLS failed on a connection that there was."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_loopback(endpoint: str) -> bool:
    host = httpx.URL(endpoint).host
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
