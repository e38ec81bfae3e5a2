"""The page at /docs: shows /openapi.json and sends calls, from files of this program alone.

Swagger UI comes out of its wheel as files; that package's Python is never imported.
"""

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

from doorward.wire.reply import Headers, Reply

# Nothing but this server's own files and answers. Swagger UI writes some styles into the page.
_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    b" img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none';"
    b" frame-ancestors 'none'"
)
_HEADERS: Final[Headers] = (
    (b"cache-control", b"no-cache"),
    (b"content-security-policy", _POLICY),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
_HTML: Final = b"text/html; charset=utf-8"
_SCRIPT: Final = b"text/javascript; charset=utf-8"
_STYLE: Final = b"text/css; charset=utf-8"


class File(NamedTuple):
    """A file of the page: its answer, and the ETag by which a browser asks whether it changed."""

    reply: Reply
    etag: bytes

    def answer(self, headers: Mapping[bytes, bytes]) -> Reply:
        """The file, or 304 for who has it already."""
        known = headers.get(b"if-none-match", b"")
        tags = {tag.strip().removeprefix(b"W/") for tag in known.split(b",")}
        if self.etag in tags or tags == {b"*"}:
            return Reply(304, b"", self.reply.headers, content_type=self.reply.content_type)
        return self.reply


def page() -> dict[str, File]:
    """Every file of the page by its path, read once; there are no others."""
    ours = files(__name__)
    swagger = _swagger_ui()
    return {
        # A browser keeps a permanent one for good, and another server may stand here one day.
        "/": File(Reply(307, b"", ((b"location", b"docs"),)), b'"elsewhere"'),
        # With the slash, the page's own addresses would lead elsewhere.
        "/docs/": File(Reply(308, b"", ((b"location", b"../docs"),)), b'"moved"'),
        "/docs": _file(ours.joinpath("index.html").read_bytes(), _HTML),
        "/docs/start.js": _file(ours.joinpath("start.js").read_bytes(), _SCRIPT),
        "/docs/page.css": _file(ours.joinpath("page.css").read_bytes(), _STYLE),
        "/docs/swagger-ui.css": _file((swagger / "swagger-ui.css").read_bytes(), _STYLE),
        "/docs/swagger-ui-bundle.js": _file(
            (swagger / "swagger-ui-bundle.js").read_bytes(), _SCRIPT
        ),
        "/docs/icon.png": _file((swagger / "favicon-32x32.png").read_bytes(), b"image/png"),
    }


def _swagger_ui() -> Path:
    spec = find_spec("swagger_ui")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "static"


def _file(content: bytes, content_type: bytes) -> File:
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'.encode()
    headers = ((b"etag", etag), *_HEADERS)
    return File(Reply(200, content, headers, content_type=content_type), etag)
