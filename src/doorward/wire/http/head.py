"""What a request's head must say to have one reading only (RFC 9112), beyond what the parser asks.

llhttp itself refuses bare line ends, folded lines, control characters, two Content-Lengths, one
beside Transfer-Encoding, and lengths that are no number.
"""

import re
from collections.abc import Iterable, Mapping

from doorward.errors import ApiError
from doorward.wire.body import BODY_LIMIT, too_large
from doorward.wire.links import origin

_ABSOLUTE = re.compile(rb"https?://([^/?@]+)(/[^?]*)?(?:\?(.*))?", re.IGNORECASE | re.DOTALL)
_VERSIONS = frozenset({"1.0", "1.1"})


def check_head(version: str, headers: Mapping[bytes, bytes]) -> None:
    """Refuses a version that is not ours, a host that is none, and a body of unknown length.

    Raises ApiError 400 `invalid_request`.
    """
    if version not in _VERSIONS:
        raise ambiguous("The request is no HTTP/1.1")
    host = headers.get(b"host")
    if host is None and version == "1.1":
        raise ambiguous("The header Host is missing")
    if host is not None and origin("http", host) is None:
        raise ambiguous("The header Host names no host")
    encoding = headers.get(b"transfer-encoding")
    if encoding is not None and (version == "1.0" or encoding.strip().lower() != b"chunked"):
        raise ambiguous("The only Transfer-Encoding is chunked, of HTTP/1.1")


def check_once(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Refuses two hosts and two Transfer-Encodings: whoever goes by the other is misled.

    Raises ApiError 400 `invalid_request`.
    """
    names = [name for name, _ in headers]
    for name in (b"host", b"transfer-encoding"):
        if names.count(name) > 1:
            raise ambiguous(f"The header {name.decode()} was sent more than once")


def check_length(headers: Mapping[bytes, bytes]) -> None:
    """Refuses a body that says of itself that it is too large, before any of it is waited for.

    Raises ApiError 413 `payload_too_large`.
    """
    length = headers.get(b"content-length")
    if length is not None and int(length) > BODY_LIMIT:
        raise too_large()


def read_target(method: bytes, url: bytes, host: bytes | None) -> tuple[bytes, bytes]:
    """The path and the query of a request's target, as they were sent.

    An absolute address is taken if it names the same host as the header. `*` is for OPTIONS alone,
    which asks what the server as a whole can do. Raises ApiError 400 for any other.
    """
    if b"#" in url:
        raise ambiguous("A request's target has no fragment")
    if url.startswith(b"/"):
        path, _, query = url.partition(b"?")
        return path, query
    if url == b"*" and method == b"OPTIONS":
        return url, b""
    found = _ABSOLUTE.fullmatch(url)
    if found is None or host is None or found[1].lower() != host.lower():
        raise ambiguous("The request's target is no path of this server")
    return found[2] or b"/", found[3] or b""


def expects_continue(version: str, headers: Mapping[bytes, bytes]) -> bool:
    """Whether the client waits for 100 before it sends its body."""
    expected = headers.get(b"expect", b"")
    return version == "1.1" and expected.strip().lower() == b"100-continue"


def ambiguous(message: str) -> ApiError:
    """400: no HTTP, or HTTP that could be read in two ways."""
    return ApiError(400, "invalid_request", message)
