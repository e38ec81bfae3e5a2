"""Byte for byte what the clients send that can't be had on a machine, and how to send it.

The bytes were recorded from the Ruby gem 2.146.0 (Faraday 2.14), the PHP package 3.5.1 (Guzzle 7)
and curl 7.88; the names, values and order of their headers are theirs.
"""

import http.client
import json
import socket
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from tests.clients.calls import Member, Target
from tests.clients.documentation import PATH


@dataclass(frozen=True)
class Reply:
    """What a server answered: status, headers (names in lower case) and body."""

    status: int
    headers: dict[str, str]
    body: str


def ruby_request(target: Target, member: Member) -> bytes:
    """DELETE with a query, a content type without content, and no Content-Length."""
    query = urlencode([*sorted(member.parameters().items()), ("_strict", "true")])
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
    return _request(f"DELETE {PATH}?{query}", headers)


def php_request(target: Target, member: Member) -> bytes:
    """POST of compact JSON, the group first."""
    group = {"acs_access_group_id": member.acs_access_group_id}
    body = json.dumps({**group, **member.parameters()}, separators=(",", ":")).encode()
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
    return _request(f"POST {PATH}", headers, body)


def curl_request(target: Target, member: Member) -> bytes:
    """POST of the documentation's JSON with its line ends."""
    body = f"{json.dumps(member.parameters(), indent=2)}\n".encode()
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
    return _request(f"POST {PATH}", headers, body)


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
