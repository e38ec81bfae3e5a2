"""Cross-origin calls from browsers (seam-api section 1.1)."""

from collections.abc import Mapping

from doorward.wire.reply import Headers

_ALLOWED_HEADERS = (
    b"authorization, content-type, client-session-token, idempotency-key, seam-api-key, "
    b"seam-client-session-token, seam-lts-version, seam-publishable-key, seam-sdk-name, "
    b"seam-sdk-version, seam-user-identifier-key, seam-workspace"
)

# What a browser asks for with OPTIONS before it sends anything that a form could not.
PREFLIGHT: Headers = (
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE, OPTIONS"),
    (b"access-control-allow-headers", _ALLOWED_HEADERS),
    (b"access-control-max-age", b"600"),
)


def cors_headers(headers: Mapping[bytes, bytes]) -> Headers:
    """What lets a page of any origin read the answer; nothing for callers that are no browser.

    Every origin may: a call carries its own token, never a cookie that a browser would add.
    """
    origin = headers.get(b"origin")
    if origin is None:
        return ()
    return (
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", b"seam-request-id, retry-after, idempotent-replayed"),
        (b"vary", b"origin"),
    )
