"""Addresses for clients to follow, with queries as they write them (seam-api section 3.2)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote_plus

# Longer addresses are cut or refused by some proxies.
LONGEST_URL = 8000

_HOST = re.compile(rb"[A-Za-z0-9._-]+(?::\d+)?|\[[0-9A-Fa-f:.]+\](?::\d+)?")


def write_query(values: Mapping[str, Any]) -> str:
    """The query string of JSON values, sorted by name, with `_strict=true`; "" for none.

    Empty strings and objects have no form in it and are left out.
    """
    pairs = sorted(_pairs(values, ""), key=lambda pair: pair[0].encode("utf-16-be"))
    written = [f"{_quoted(name)}={_quoted(text)}" for name, text in pairs]
    return "&".join([*written, "_strict=true"]) if written else ""


def origin(scheme: str, host: bytes | None) -> str | None:
    """The server's address as the client wrote it, None without a Host header that can be one."""
    if host is None or not _HOST.fullmatch(host):
        return None
    return f"{scheme}://{host.decode()}"


def _pairs(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        name = prefix + key
        if isinstance(value, Mapping):
            yield from _pairs(value, f"{name}.")
        elif isinstance(value, list) and value:
            yield from ((name, _text(item)) for item in value)
        elif value != "":
            yield name, _text(value)


def _text(value: Any) -> str:
    match value:
        case None | []:
            return ""
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def _quoted(text: str) -> str:
    # The characters that a browser's form leaves alone, which the clients imitate.
    return quote_plus(text, safe="*").replace("~", "%7E")
