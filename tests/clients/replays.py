"""Byte for byte what the clients send that can't be had on a machine, and how to send it.

The bytes were recorded from the Ruby gem 2.146.0 (Faraday 2.14), the PHP package 3.5.1 (Guzzle 7)
and curl 7.88; the names, values and order of their headers are theirs.
"""

import http.client
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from doorward.wire.route import Route
from tests.clients.calls import Member, Target
from tests.clients.documentation import PATH


@dataclass(frozen=True)
class Reply:
    """What a server answered: status, headers (names in lower case) and body."""

    status: int
    headers: dict[str, str]
    body: str


def ruby_request(target: Target, member: Member) -> bytes:
    """The call of the documentation."""
    return _ruby(target, "DELETE", PATH, member.parameters())


def ruby_call(target: Target, route: Route, parameters: Mapping[str, Any]) -> bytes:
    """Any call, with the current generation's verb for it."""
    return _ruby(target, route.verbs[0], route.path, parameters)


def _ruby(target: Target, verb: str, path: str, parameters: Mapping[str, Any]) -> bytes:
    """A content type with and without content; on GET and DELETE a query and no Content-Length."""
    headers = {"Authorization": f"Bearer {target.token}"}
    if target.workspace_id is not None:
        headers["Seam-Workspace"] = target.workspace_id
    headers |= {
        "Content-Type": "application/json",
        "Seam-Sdk-Name": "seamapi/ruby",
        "Seam-Sdk-Version": "2.146.0",
        "User-Agent": "Faraday v2.14.2",
        "Accept-Encoding": "gzip;q=1.0,deflate;q=0.6,identity;q=0.3",
        "Accept": "*/*",
        "Host": target.authority,
    }
    if verb in {"GET", "DELETE"}:
        query = _query(parameters)
        return _request(f"{verb} {path}{query and f'?{query}'}", headers)
    body = json.dumps(parameters, separators=(",", ":"), ensure_ascii=False).encode()
    return _request(f"{verb} {path}", {**headers, "Content-Length": str(len(body))}, body)


def _query(parameters: Mapping[str, Any]) -> str:
    from seam.null import NULL
    from seam.url_search_params_serializer import serialize_url_search_params

    given = {name: NULL if value is None else value for name, value in parameters.items()}
    return serialize_url_search_params(given, strict=True)


def php_request(target: Target, member: Member) -> bytes:
    """The call of the documentation, the group first."""
    group = {"acs_access_group_id": member.acs_access_group_id}
    return _php(target, PATH, {**group, **member.parameters()})


def php_call(target: Target, route: Route, parameters: Mapping[str, Any]) -> bytes:
    """Any call."""
    return _php(target, route.path, dict(sorted(parameters.items())))


def _php(target: Target, path: str, parameters: Mapping[str, Any]) -> bytes:
    """POST of compact JSON, with slashes and all but ASCII escaped."""
    text = json.dumps(parameters, separators=(",", ":")).replace("/", "\\/")
    body = text.encode()
    headers = {
        "Host": target.authority,
        "Authorization": f"Bearer {target.token}",
        "User-Agent": "Seam PHP Client 3.5.1",
        "seam-sdk-name": "seamapi/php",
        "seam-sdk-version": "3.5.1",
        "seam-lts-version": "1.0.0",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }
    return _request(f"POST {path}", headers, body)


def curl_request(target: Target, member: Member) -> bytes:
    """The call of the documentation."""
    return _curl(target, PATH, member.parameters())


def curl_call(target: Target, route: Route, parameters: Mapping[str, Any]) -> bytes:
    """Any call as the documentation writes them."""
    return _curl(target, route.path, parameters)


def _curl(target: Target, path: str, parameters: Mapping[str, Any]) -> bytes:
    """POST of the documentation's JSON with its line ends."""
    body = f"{json.dumps(parameters, indent=2)}\n".encode()
    headers = {
        "Host": target.authority,
        "User-Agent": "curl/7.88.1",
        "Authorization": f"Bearer {target.token}",
    }
    if target.workspace_id is not None:
        headers["seam-workspace"] = target.workspace_id
    headers |= {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Content-Length": str(len(body)),
    }
    return _request(f"POST {path}", headers, body)


def _request(start: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    lines = [f"{start} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def send(target: Target, request: bytes, timeout: float = 30.0) -> Reply:
    """Sends the bytes over a connection of their own and reads the answer.

    Raises OSError where the server can't be reached or is silent for `timeout` seconds.
    """
    address = urlsplit(target.endpoint)
    port = address.port or http.client.HTTP_PORT
    with socket.create_connection((address.hostname, port), timeout) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection, method=request.split(b" ")[0].decode())
        with response:
            response.begin()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, headers, response.read().decode())
